"""The archive as the app sees it: here searches are run, images and headers fetched, Elasticsearch's state asked.

The only place of `app` that talks to Elasticsearch. Its errors become three of ours: it is away, it refuses a query, or
there is no such image.
"""

import json
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from elasticsearch import ApiError, BadRequestError, Elasticsearch, NotFoundError, TransportError

from app.search.columns import Column, columns_of, source_fields
from app.search.compiler import Compiled, compile_query
from app.search.fields import Field
from app.search.kinds.keyed import Lookup
from app.search.limits import QueryLimits
from app.search.sorting import Cursor, Order, order_of, read_cursor

LARGEST_PAGE = 1_000
_LONGEST_ID = 512  # bytes, as Elasticsearch has it


class ArchiveUnavailableError(Exception):
    """Elasticsearch does not answer, or has no index yet; the message says what to do."""


class QueryRefusedError(Exception):
    """Elasticsearch cannot run the query; the message gives its reason."""


class ImageNotFoundError(Exception):
    """There is no image of this id."""


@dataclass(frozen=True, slots=True)
class SearchRequest:
    """What is asked of the archive.

    Attributes
    ----------
    query
        In the query language; blank finds everything.
    size
        Results of a page, 0 to `LARGEST_PAGE`.
    after
        `next` or `previous` of an answer, to get that page.
    sort
        Fields to sort by, `-` before a name sorts downwards.
    fields
        Fields to show; none means the default ones.
    """

    query: str = ""
    size: int = 25
    after: str = ""
    sort: str = ""
    fields: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Result:
    """One image that was found."""

    id: str
    fields: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Answer:
    """What the archive answers.

    Attributes
    ----------
    total
        Images that the query finds, on all pages.
    results
        Those of this page.
    next, previous
        The `after` of the neighbouring pages; None at the ends.
    columns
        What each result shows.
    named
        The fields that the query names.
    milliseconds
        What Elasticsearch took.
    partial
        Whether time ran out, or a shard failed, so that there may be more.
    """

    total: int
    results: list[Result]
    next: str | None
    previous: str | None
    columns: tuple[Column, ...]
    named: tuple[Field, ...]
    milliseconds: int
    partial: bool


@dataclass(frozen=True, slots=True)
class ArchiveState:
    """How Elasticsearch is: `status` is green, yellow or red."""

    status: str
    images: int | None


class Archive:
    """All images behind one alias.

    Parameters
    ----------
    client
        Of Elasticsearch.
    index
        The alias for reading.
    limits
        What one query may cost.
    seconds
        Time limit of a search; what was found until then is answered as partial.
    """

    def __init__(self, client: Elasticsearch, index: str, limits: QueryLimits, seconds: float) -> None:
        self._client = client
        self._index = index
        self._limits = limits
        self._seconds = seconds

    def search(self, request: SearchRequest, compiled: Compiled | None = None) -> Answer:
        """Find images.

        Parameters
        ----------
        request
            What is asked.
        compiled
            The query of the request, where it has been compiled already.

        Raises
        ------
        QuerySyntaxError, UnusableSortError, UnusableColumnError, UnusableCursorError
            Where the request cannot be understood.
        QueryRefusedError
            Where Elasticsearch cannot run it.
        ArchiveUnavailableError
            Where Elasticsearch does not answer.
        """
        order = order_of(request.sort)
        columns = columns_of(request.fields)
        cursor = read_cursor(request.after, request.query, order) if request.after else None
        compiled = compiled or self.compile(request.query)
        size = min(max(request.size, 0), LARGEST_PAGE)
        backwards = cursor is not None and cursor.backwards
        body: dict[str, Any] = {
            "query": {"bool": {"filter": [compiled.query]}},
            # One more than the page shows whether there is another page.
            "size": size + 1 if size else 0,
            "sort": order.body(backwards=backwards),
            "source_includes": source_fields(columns),
            "track_total_hits": True,
            "timeout": f"{int(self._seconds * 1000)}ms",
        }
        if cursor is not None:
            body["search_after"] = list(cursor.values)
        with self._asking():
            answer = self._client.options(request_timeout=self._seconds + 5).search(index=self._index, **body)
        return _answer(answer.body, request, order, columns, compiled, size, cursor)

    def image(self, image: str) -> dict[str, Any]:
        """Fetch the document of an image, without its header and its words.

        Raises
        ------
        ImageNotFoundError
            Where there is none.
        """
        return self._document(image, excludes=["header", "text", "folded", "path_num", "private_num"])

    def header(self, image: str) -> dict[str, Any]:
        """Fetch the whole header of an image, as DICOM JSON (PS3.18 Annex F).

        Raises
        ------
        ImageNotFoundError
            Where there is no such image.
        """
        header: dict[str, Any] = json.loads(self._document(image, includes=["header"])["header"])
        return header

    def state(self, seconds: float = 2) -> ArchiveState:
        """Ask how Elasticsearch is, and how many images it has.

        Raises
        ------
        ArchiveUnavailableError
            Where it does not answer in time.
        """
        client = self._client.options(request_timeout=seconds, max_retries=0)
        with self._asking():
            status = client.cluster.health(timeout=f"{int(seconds * 1000)}ms").body["status"]
        try:
            with self._asking():
                images: int | None = client.count(index=self._index).body["count"]
        except ArchiveUnavailableError:
            images = None
        return ArchiveState(status, images)

    def _document(self, image: str, **parts: list[str]) -> dict[str, Any]:
        if not image or len(image.encode("utf-8", "surrogatepass")) > _LONGEST_ID:
            raise ImageNotFoundError(image)
        with self._asking():
            answer = self._client.search(
                index=self._index,
                query={"ids": {"values": [image]}},
                size=1,
                **{f"source_{name}": value for name, value in parts.items()},  # type: ignore[arg-type]
            )
        hits = answer.body["hits"]["hits"]
        if not hits:
            raise ImageNotFoundError(image)
        source: dict[str, Any] = hits[0]["_source"]
        return source

    def compile(self, query: str) -> Compiled:
        """Make a query ready to be run, looking up the values that its patterns stand for.

        Raises
        ------
        QuerySyntaxError
            Where it cannot be understood.
        """
        compiled = compile_query(query, self._limits)
        if compiled.lookups:
            known = {lookup: self._values(lookup) for lookup in compiled.lookups}
            compiled = compile_query(query, self._limits, known)
        return compiled

    def _values(self, lookup: Lookup) -> list[str]:
        terms = {"field": lookup.path, "include": lookup.expression, "size": self._limits.values + 1}
        with self._asking():
            answer = self._client.options(request_timeout=self._seconds + 5).search(
                index=self._index,
                size=0,
                query={"exists": {"field": lookup.path}},
                aggregations={"values": {"terms": terms}},
                timeout=f"{int(self._seconds * 1000)}ms",
            )
        values = [bucket["key"] for bucket in answer.body["aggregations"]["values"]["buckets"]]
        if len(values) > self._limits.values:
            raise QueryRefusedError(
                f"More than {self._limits.values:,} values fit the pattern on {lookup.path}: make it narrower."
            )
        return values

    @contextmanager
    def _asking(self) -> Iterator[None]:
        try:
            yield
        except NotFoundError as error:
            raise ArchiveUnavailableError(
                "The index does not exist yet: it is created when indexing starts."
            ) from error
        except BadRequestError as error:
            raise QueryRefusedError(_reason(error)) from error
        except (TransportError, ApiError) as error:
            raise ArchiveUnavailableError(
                f"Elasticsearch does not answer ({type(error).__name__}): is it running, and is "
                "DICOMSEARCH_ELASTICSEARCH_URL right?"
            ) from error


def _answer(
    body: Mapping[str, Any],
    request: SearchRequest,
    order: Order,
    columns: tuple[Column, ...],
    compiled: Compiled,
    size: int,
    cursor: Cursor | None,
) -> Answer:
    hits = body["hits"]["hits"]
    more = len(hits) > size
    hits = hits[:size]
    backwards = cursor is not None and cursor.backwards
    if backwards:
        hits = hits[::-1]

    def turn(hit: Mapping[str, Any], back: bool) -> str:
        return Cursor(tuple(hit["sort"]), back).encode(request.query, order)

    has_next, has_previous = (True, more) if backwards else (more, cursor is not None)
    shards = body["_shards"]
    return Answer(
        total=body["hits"]["total"]["value"],
        results=[Result(hit["_id"], _fields(hit.get("_source", {}), columns)) for hit in hits],
        next=turn(hits[-1], False) if hits and has_next else None,
        previous=turn(hits[0], True) if hits and has_previous else None,
        columns=columns,
        named=compiled.fields,
        milliseconds=body["took"],
        partial=bool(body["timed_out"] or shards["failed"]),
    )


def _fields(source: Mapping[str, Any], columns: Iterable[Column]) -> dict[str, Any]:
    values = {column.name: column.value(source) for column in columns}
    return {name: value for name, value in values.items() if value is not None}


def _reason(error: BadRequestError) -> str:
    """The reason that Elasticsearch gives, the innermost one."""
    details = error.info.get("error", {}) if isinstance(error.info, dict) else {}
    causes = details.get("root_cause") or [details]
    return f"Elasticsearch cannot run this query: {causes[0].get('reason') or error.message}"
