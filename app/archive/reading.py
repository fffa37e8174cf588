"""All results of a search, page by page, as of one point in time: what an export reads.

Whatever is indexed or deleted meanwhile, every page shows the same state of the index, so that no result comes twice
or is left out. Memory is bounded by one page. A page that Elasticsearch cannot answer in full is an error, never a
shorter page.
"""

from collections.abc import Iterator
from types import TracebackType
from typing import Any, Self

from elasticsearch import ApiError, Elasticsearch, NotFoundError, TransportError

from app.archive.elastic import Elastic, is_partial
from app.archive.errors import ArchiveUnavailableError
from app.archive.positions import Place, Walk
from app.archive.requests import LARGEST_PAGE, Result, SearchRequest, values_of
from app.archive.rows import count_rows, describe_rows
from app.search.columns import columns_of, source_fields
from app.search.dsl import Query
from app.search.levels import Level, row_order
from app.search.sorting import Order, chosen_keys

# Each page renews it: time that a slow reader may take for one page.
_KEEP_ALIVE = "5m"
_FIRST_PAGE = 100
_HOURS = 24 * 3600.0


class PointInTime(Elastic):
    """The state that an index had when this was opened; has to be closed.

    Parameters
    ----------
    client
        Of Elasticsearch.
    index
        The alias for reading.

    Raises
    ------
    ArchiveUnavailableError
        Where Elasticsearch does not answer, or has no index.
    """

    def __init__(self, client: Elasticsearch, index: str) -> None:
        # Nobody waits in front of a page for all of it: a walk over rows need not stop early.
        super().__init__(client, index, _HOURS)
        with self.asking():
            self._id: str = client.open_point_in_time(index=index, keep_alive=_KEEP_ALIVE).body["id"]

    def search(self, **body: Any) -> dict[str, Any]:
        """Run a search; half an answer is an error.

        Raises
        ------
        QueryRefusedError, ArchiveUnavailableError
            As of `Elastic.search`.
        """
        with self.asking():
            try:
                point = {"id": self._id, "keep_alive": _KEEP_ALIVE}
                answer: dict[str, Any] = self.client.search(pit=point, **body).body
            except NotFoundError as error:
                raise ArchiveUnavailableError(
                    "Elasticsearch has let go of the point in time that this was read from: the reader was too slow, "
                    "or Elasticsearch has been restarted. Begin again."
                ) from error
        self._id = answer.get("pit_id", self._id)
        if is_partial(answer):
            raise ArchiveUnavailableError("A part of the index does not answer: nothing is left out silently.")
        for hit in answer.get("hits", {}).get("hits", ()) if "sort" in body else ():
            # Elasticsearch adds a key of its own, which callers do not expect.
            hit["sort"] = hit["sort"][: len(body["sort"])]
        return answer

    def close(self) -> None:
        """Let go of the point in time. Where that fails, Elasticsearch forgets it by itself."""
        try:
            self.client.options(request_timeout=5, max_retries=0).close_point_in_time(id=self._id)
        except (ApiError, TransportError):
            return


class Reading:
    """Results, page by page. It is an iterator, and has to be closed.

    Parameters
    ----------
    point
        What is read; closed with this.
    request
        What is asked; its `size` and `after` mean nothing here.
    query
        Its query and filters, compiled.

    Attributes
    ----------
    total
        Results on all pages.
    approximate
        Whether the total is an estimate.
    columns
        What each result shows.
    page_size
        Results of the next page.

    Raises
    ------
    UnusableSortError, UnusableColumnError
        Where the request cannot be understood.
    QueryRefusedError, ArchiveUnavailableError
        When it is made and when it goes on.
    """

    def __init__(self, point: PointInTime, request: SearchRequest, query: Query) -> None:
        self._point = point
        self._request = request
        self._query = query
        self.columns = columns_of(request.fields, request.level)
        self.page_size = _FIRST_PAGE
        self.total = 0
        self.approximate = False
        self._pages = self._images() if request.level is Level.IMAGE else self._rows()
        # The first page tells whether the query can be run at all.
        self._first: list[Result] | None = next(self._pages, [])

    def __iter__(self) -> Iterator[list[Result]]:
        """Itself."""
        return self

    def __next__(self) -> list[Result]:
        """Read the next page."""
        if self._first is not None:
            page, self._first = self._first, None
            if page:
                return page
        return next(self._pages)

    def __enter__(self) -> Self:
        """Itself."""
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        """Close it."""
        self.close()

    def close(self) -> None:
        """Let go of the point in time."""
        self._point.close()

    def _images(self) -> Iterator[list[Result]]:
        """Pages of images: in the order of the index, which costs nothing, unless another one is wanted."""
        keys = chosen_keys(self._request.sort)
        body: dict[str, Any] = {
            "query": self._query,
            "sort": [*Order(keys, keys).body(), {"_shard_doc": "asc"}],
            "source_includes": source_fields(self.columns) or False,
            "track_total_hits": True,
        }
        while True:
            size = min(self.page_size, LARGEST_PAGE)
            answer = self._point.search(**body, size=size)
            hits = answer["hits"]["hits"]
            if body["track_total_hits"]:
                self.total = answer["hits"]["total"]["value"]
            if hits:
                yield [Result(hit["_id"], values_of(hit.get("_source", {}), self.columns)) for hit in hits]
            if len(hits) < size:
                return
            body |= {"track_total_hits": False, "search_after": hits[-1]["sort"]}

    def _rows(self) -> Iterator[list[Result]]:
        """Pages of series, studies or patients."""
        level = self._request.level
        order = row_order(self._request.sort, level)
        count = count_rows(self._point, self._query, level)
        self.total, self.approximate = count.rows, count.approximate
        after: Place | None = None
        while True:
            size = min(self.page_size, LARGEST_PAGE)
            places = Walk(self._point, self._query, order).rows(size, after).places
            if places:
                found = describe_rows(self._point, places, self._query, order, level, self.columns)
                yield [found[place[-1]] for place in places]
            if len(places) < size:
                return
            after = places[-1]
