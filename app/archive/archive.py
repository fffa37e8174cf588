"""All images behind one alias: what the pages, the API and the command line ask."""

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from elasticsearch import Elasticsearch

from app.archive.alike import Alike, find_alike
from app.archive.elastic import Elastic, Timer, both, untimed
from app.archive.errors import ArchiveUnavailableError, ImageNotFoundError, QueryRefusedError
from app.archive.facets import Condition, Counting, FacetCounts, count_facets
from app.archive.headers import Headers
from app.archive.images import find_images
from app.archive.navigator import Neighbourhood, find_neighbourhood
from app.archive.reading import PointInTime, Reading
from app.archive.requests import LARGEST_PAGE, Answer, ArchiveState, ImageFile, SearchRequest
from app.archive.rows import find_rows
from app.archive.unusual import Unusual, find_unusual
from app.search.compiler import Compiled, compile_query
from app.search.dsl import Query, all_of, exists
from app.search.errors import MaskedQueryError, QuerySyntaxError
from app.search.facets import facets_of
from app.search.filters import UnusableFilterError, conditions, joined, read_filter
from app.search.kinds.keyed import Lookup
from app.search.levels import Level
from app.search.limits import QueryLimits
from app.search.views import EVERYTHING, View

_LONGEST_ID = 512  # bytes, as Elasticsearch has it


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
    timed
        Measures how long finding and counting take.

    Attributes
    ----------
    headers
        Which fields occur, and their values.
    view
        What queries may see.
    """

    view: View = EVERYTHING

    def __init__(
        self, client: Elasticsearch, index: str, limits: QueryLimits, seconds: float, timed: Timer = untimed
    ) -> None:
        self._elastic = Elastic(client, index, seconds, timed)
        self._limits = limits
        self.headers = Headers(self._elastic)

    def search(self, request: SearchRequest, compiled: Compiled | None = None) -> Answer:
        """Find images, series, studies or patients.

        Parameters
        ----------
        request
            What is asked.
        compiled
            The query of the request, where it has been compiled already.

        Raises
        ------
        QuerySyntaxError, UnusableFilterError, UnusableSortError, UnusableColumnError, UnusableCursorError
            Where the request cannot be understood.
        QueryRefusedError
            Where Elasticsearch cannot run it.
        ArchiveUnavailableError
            Where Elasticsearch does not answer.
        """
        compiled = compiled or self.compile(request.query)
        query = self._query(request, compiled)
        find = find_images if request.level is Level.IMAGE else find_rows
        with self._elastic.timed("results"):
            return find(self._elastic, request, query, compiled.fields, joined(request.query, request.filters))

    def facets(
        self, request: SearchRequest, names: Sequence[str], size: int = 20, compiled: Compiled | None = None
    ) -> FacetCounts:
        """Count which values the results of a request have.

        Parameters
        ----------
        request
            What is asked.
        names
            Of the fields.
        size
            Values of each, at most.
        compiled
            The query of the request, where it has been compiled already.

        Raises
        ------
        UnusableFacetError
            Where a field has no values to count; else as `search`.
        """
        facets = facets_of(names)
        compiled = compiled or self.compile(request.query)
        names_of_facets = {facet.field.name for facet in facets}
        filters = [one for one in map(read_filter, request.filters) if one.field.name in names_of_facets]
        counting = Counting(
            compiled.query,
            self.filter_queries(request.filters),
            [Condition(one, self.compile(one.unsigned).query) for one in filters],
            request.level,
            min(max(size, 1), LARGEST_PAGE),
        )
        with self._elastic.timed("facets"):
            return count_facets(self._elastic, counting, facets)

    def search_and_facets(
        self, request: SearchRequest, names: Sequence[str], size: int = 20, compiled: Compiled | None = None
    ) -> tuple[Answer, FacetCounts]:
        """Do at once what `search` and `facets` do one after the other."""
        compiled = compiled or self.compile(request.query)
        if not names:
            return self.search(request, compiled), FacetCounts([], 0, False)
        return both(
            lambda: self.search(request, compiled),
            lambda: self.facets(request, names, size, compiled),
        )

    def read(self, request: SearchRequest) -> Reading:
        """Read all results, page by page, as of now; the reading has to be closed.

        Raises
        ------
        QuerySyntaxError, UnusableFilterError, UnusableSortError, UnusableColumnError
            Where the request cannot be understood.
        QueryRefusedError
            Where Elasticsearch cannot run it.
        ArchiveUnavailableError
            Where Elasticsearch does not answer.
        """
        query = self._query(request, self.compile(request.query))
        point = PointInTime(self._elastic.client, self._elastic.index)
        try:
            return Reading(point, request, query)
        except BaseException:
            point.close()
            raise

    def filter_queries(self, texts: Sequence[str]) -> dict[str, Query]:
        """Compile filters, those on one field together, by the names of the fields.

        Raises
        ------
        UnusableFilterError
            Where one cannot be understood.
        """
        return {name: self._filter(text) for name, text in conditions(map(read_filter, texts)).items()}

    def _filter(self, text: str) -> Query:
        try:
            return self.compile(text).query
        except MaskedQueryError:
            raise
        except QuerySyntaxError as error:
            raise UnusableFilterError(f"“{text}” cannot be used as a filter. {error.detail}") from error

    def image(self, image: str) -> dict[str, Any]:
        """Fetch the document of an image, without its header and its words.

        Raises
        ------
        ImageNotFoundError
            Where there is none.
        """
        return self._document(image, excludes=["header", "text", "folded", "path_num", "private_num"])

    def picture(self, image: str, document: Mapping[str, Any] | None = None) -> ImageFile:
        """Find the file that an image's picture is drawn from; `document` is what `image` answers, where it is known.

        Raises
        ------
        ImageNotFoundError
            Where there is no such image.
        """
        facts = document.get("file", {}) if document is not None else self.file(image)
        return ImageFile(image, str(facts.get("path", "")))

    def visible(self, names: Iterable[str]) -> tuple[str, ...]:
        """Those of some fields, known to exist, whose values are shown to whoever asks."""
        return tuple(names)

    def fingerprint(self, digest: str) -> str:
        """What a tag of an answer is made of, where the digest is of more than the answer shows."""
        return digest

    def file(self, image: str) -> dict[str, Any]:
        """Fetch what is known of an image's file.

        Raises
        ------
        ImageNotFoundError
            Where there is no such image.
        """
        facts: dict[str, Any] = self._document(image, includes=["file"])["file"]
        return facts

    def header(self, image: str) -> dict[str, Any]:
        """Fetch the whole header of an image, as DICOM JSON (PS3.18 Annex F).

        Raises
        ------
        ImageNotFoundError
            Where there is no such image.
        """
        header: dict[str, Any] = json.loads(self._document(image, includes=["header"])["header"])
        return header

    def neighbourhood(self, image: str, document: Mapping[str, Any]) -> Neighbourhood:
        """Find where an image stands in its series and its study; `document` is what `image` answers."""
        return find_neighbourhood(self._elastic, image, document)

    def alike(self, image: str, size: int = 10) -> Alike:
        """Find series acquired like the one that an image is of.

        Raises
        ------
        ImageNotFoundError
            Where there is no such image.
        """
        return find_alike(self._elastic, self.image(image), size)

    def unusual(self, batch: str) -> Unusual:
        """Find what is unusual in a batch, compared with the rest of the archive."""
        return find_unusual(self._elastic, batch, self.headers.all().fields)

    def state(self, seconds: float = 2) -> ArchiveState:
        """Ask how Elasticsearch is, and how many images it has.

        Raises
        ------
        ArchiveUnavailableError
            Where it does not answer in time.
        """
        client = self._elastic.client.options(request_timeout=seconds, max_retries=0)
        with self._elastic.asking():
            status = client.cluster.health(timeout=f"{int(seconds * 1000)}ms").body["status"]
        try:
            with self._elastic.asking():
                images: int | None = client.count(index=self._elastic.index).body["count"]
        except ArchiveUnavailableError:
            images = None
        return ArchiveState(status, images)

    def _query(self, request: SearchRequest, compiled: Compiled) -> Query:
        return {"bool": {"filter": [all_of([compiled.query, *self.filter_queries(request.filters).values()])]}}

    def _document(self, image: str, **parts: list[str]) -> dict[str, Any]:
        if not image or len(image.encode("utf-8", "surrogatepass")) > _LONGEST_ID:
            raise ImageNotFoundError(image)
        wanted = {f"source_{name}": value for name, value in parts.items()}
        hits = self._elastic.search(query={"ids": {"values": [image]}}, size=1, **wanted)["hits"]["hits"]
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
        compiled = compile_query(query, self._limits, view=self.view)
        if compiled.lookups:
            known = {lookup: self._values(lookup) for lookup in compiled.lookups}
            compiled = compile_query(query, self._limits, known, self.view)
        return compiled

    def _values(self, lookup: Lookup) -> list[str]:
        terms = {"field": lookup.path, "include": lookup.expression, "size": self._limits.values + 1}
        answer = self._elastic.search(size=0, query=exists(lookup.path), aggregations={"values": {"terms": terms}})
        values = [bucket["key"] for bucket in answer["aggregations"]["values"]["buckets"]]
        if len(values) > self._limits.values:
            raise QueryRefusedError(
                f"More than {self._limits.values:,} values fit the pattern on {lookup.path}: make it narrower."
            )
        return values
