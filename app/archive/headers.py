"""Which fields occur in the archive, how many images have each, and which values they have.

Elasticsearch tells which attributes occur, at top level and inside sequences. Of private elements and exact paths it
knows no list, so their names are collected from images: in each round from images that have a creator or a sequence
which no image before had. Each name is then counted over the whole archive. The list is kept for a minute.
"""

import time
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from threading import Lock
from typing import Any

from app.archive.elastic import Elastic
from app.search.dsl import any_of, exists, none_of, terms
from app.search.facets import UnusableFacetError, facets_of
from app.search.fields import OWN_FIELDS, Field, Shape, UnknownFieldError, resolve
from app.search.filters import write_filter
from app.search.headers import HeaderField
from app.search.sorting import sort_path
from app.search.values import regexp_of
from mappings.dictionary import Kind, attributes

_SECONDS = 60.0
_SECONDS_OF_OCCURRING = 5.0
_MOST_SEQUENCES = 5_000
_MOST_CREATORS = 5_000
_ROUNDS, _IMAGES_OF_ROUND = 12, 40
_MOST_KEYED = 20_000
_FILTERS_AT_ONCE = 1_000
# Documents with more elements than this are not read for names: dose reports repeat few names very often.
_MOST_ELEMENTS = 20_000
_NOT_TEXT = (Kind.LONG, Kind.DOUBLE, Kind.DATE, Kind.DATETIME)
_NOT_LISTED = ("text", "id", "empty", "malformed", "creators", "sequences")


@dataclass(frozen=True, slots=True)
class HeaderList:
    """All fields that are known to occur.

    Attributes
    ----------
    sampled
        How many images private and exact names were taken from.
    images
        Of the archive.
    masked
        How many fields are left out, since they are masked for whoever asks.
    """

    fields: tuple[HeaderField, ...]
    sampled: int
    images: int
    masked: int = 0


class HeaderNotFoundError(Exception):
    """There is no field of this name; the message may offer others."""


@dataclass(frozen=True, slots=True)
class HeaderValues:
    """The values of a field.

    Attributes
    ----------
    header
        The field, with the number of images that have it.
    values
        With the number of images that have each, the most frequent first.
    filters
        For each value, the condition of the query language that finds it.
    more
        Whether there are further values.
    different
        About how many different values there are in all.
    missing
        Images without any.
    """

    header: HeaderField
    values: list[tuple[Any, int]]
    filters: list[str]
    more: bool
    different: int
    missing: int


class Headers:
    """The dictionary of an archive.

    Parameters
    ----------
    elastic
        The index.
    """

    def __init__(self, elastic: Elastic) -> None:
        self._elastic = elastic
        self._lock = Lock()
        self._known: HeaderList | None = None
        self._until = 0.0
        self._occurring_fields: tuple[Field, ...] = ()
        self._occurring_until = 0.0

    def all(self) -> HeaderList:
        """All fields, those of most images first.

        Raises
        ------
        ArchiveUnavailableError
            Where Elasticsearch does not answer.
        """
        with self._lock:
            if self._known is None or time.monotonic() > self._until:
                self._known = self._read()
                self._until = time.monotonic() + _SECONDS
            return self._known

    def occurring(self) -> tuple[Field, ...]:
        """Fields of a type of their own that have a value in some image; kept for a few seconds.

        Raises
        ------
        ArchiveUnavailableError
            Where Elasticsearch does not answer.
        """
        with self._lock:
            if time.monotonic() > self._occurring_until:
                self._occurring_fields = tuple(self._typed())
                self._occurring_until = time.monotonic() + _SECONDS_OF_OCCURRING
            return self._occurring_fields

    def values(self, name: str, containing: str, size: int) -> HeaderValues:
        """The values of a field, the most frequent first.

        Parameters
        ----------
        name
            Of the field, as in queries.
        containing
            Only values with this text in them, in any case; of numbers and dates, those that begin so.
        size
            Values at most.

        Raises
        ------
        HeaderNotFoundError
            For a name that no field has.
        UnusableFacetError
            For a field without values that could be listed.
        ArchiveUnavailableError
            Where Elasticsearch does not answer.
        """
        try:
            facets_of([name])
        except UnusableFacetError as error:
            if isinstance(error.__cause__, UnknownFieldError):
                raise HeaderNotFoundError(str(error)) from error
            raise
        field = resolve(name)
        path = sort_path(field) if field.shape is Shape.TYPED else field.path
        answer = self._elastic.search(
            size=0,
            track_total_hits=False,
            aggregations={
                "values": {"terms": _terms(field, path, containing, size)},
                "having": {"filter": exists(field.path)},
                "missing": {"filter": none_of(exists(field.path))},
                "different": {"cardinality": {"field": path, **_hint(field)}},
            },
        )
        found = answer["aggregations"]
        values = [(_written(bucket, field), bucket["doc_count"]) for bucket in found["values"]["buckets"]]
        if containing and field.kind in _NOT_TEXT and field.shape is Shape.TYPED:
            values = [one for one in values if str(one[0]).startswith(containing)]
        return HeaderValues(
            header=HeaderField(field, found["having"]["doc_count"]),
            filters=[write_filter(field, str(value)) for value, _ in values[:size]],
            values=values[:size],
            more=found["values"]["sum_other_doc_count"] > 0 or len(values) > size,
            different=found["different"]["value"],
            missing=found["missing"]["doc_count"],
        )

    def _read(self) -> HeaderList:
        sequences, creators, images = self._occurring()
        keyed, sampled = self._keyed(set(sequences) | set(creators))
        names = {field.name: field for field in [*self._typed(), *keyed]}
        counted = self._counted(names.values())
        listed = [HeaderField(field, counted[name]) for name, field in names.items() if counted.get(name)]
        listed += [HeaderField(f, sequences[f.path]) for f in _fields(sequences) if f.kind is Kind.SEQUENCE]
        listed.sort(key=lambda each: (-each.images, each.field.name))
        return HeaderList(tuple(listed), sampled, images)

    def _typed(self) -> Iterator[Field]:
        """Fields of a type of their own that have a value in some image."""
        with self._elastic.asking():
            answer = self._elastic.client.field_caps(
                index=self._elastic.index, fields="*", include_empty_fields=False, filters="-metadata,-parent"
            )
        known = attributes()
        for name in answer.body["fields"]:
            keyword = name.removeprefix("nested.")
            own = OWN_FIELDS.get(name.casefold())
            if keyword in known or (own is not None and own.name not in _NOT_LISTED):
                yield resolve(name)

    def _occurring(self) -> tuple[Mapping[str, int], Mapping[str, int], int]:
        """Sequences and private creators with the images that have them, and the number of all images."""
        answer = self._elastic.search(
            size=0,
            track_total_hits=True,
            aggregations={
                "sequences": {"terms": {"field": "sequences", "size": _MOST_SEQUENCES}},
                "creators": {"terms": {"field": "creators", "size": _MOST_CREATORS}},
            },
        )
        found = [
            {bucket["key"]: bucket["doc_count"] for bucket in answer["aggregations"][name]["buckets"]}
            for name in ("sequences", "creators")
        ]
        return found[0], found[1], answer["hits"]["total"]["value"]

    def _keyed(self, open_: set[str]) -> tuple[list[Field], int]:
        """Private elements, exact paths and unknown tags, as some images have them."""
        names: dict[str, None] = {}
        sampled = 0
        for _ in range(_ROUNDS):
            some = sorted(open_)[:_FILTERS_AT_ONCE]
            hits = self._sample(some) if some else []
            if not hits or len(names) > _MOST_KEYED:
                break
            sampled += len(hits)
            for hit in hits:
                source = hit["_source"]
                names.update(dict.fromkeys(_names_in(source)))
                open_ -= {*_listed(source.get("sequences")), *_listed(source.get("creators"))}
        return _fields(list(names)[:_MOST_KEYED]), sampled

    def _sample(self, wanted: list[str]) -> list[dict[str, Any]]:
        hits: list[dict[str, Any]] = self._elastic.search(
            query={
                "bool": {
                    "filter": [
                        any_of([terms("sequences", wanted), terms("creators", wanted)]),
                        {"range": {"receipt.elements": {"lte": _MOST_ELEMENTS}}},
                    ]
                }
            },
            # One image of a series is much like the others.
            collapse={"field": "derived.series"},
            size=_IMAGES_OF_ROUND,
            track_total_hits=False,
            source_includes=["private", "path", "other", "sequences", "creators"],
        )["hits"]["hits"]
        return hits

    def _counted(self, fields: Iterable[Field]) -> dict[str, int]:
        counted: dict[str, int] = {}
        waiting = iter(fields)
        while some := list(islice(waiting, _FILTERS_AT_ONCE)):
            filters = {str(number): exists(field.path) for number, field in enumerate(some)}
            answer = self._elastic.search(
                size=0, track_total_hits=False, aggregations={"images": {"filters": {"filters": filters}}}
            )
            buckets = answer["aggregations"]["images"]["buckets"]
            counted |= {field.name: buckets[str(number)]["doc_count"] for number, field in enumerate(some)}
        return counted


def _terms(field: Field, path: str, containing: str, size: int) -> dict[str, Any]:
    if field.kind in _NOT_TEXT and field.shape is Shape.TYPED:
        # These know no patterns: some more are asked for, and looked through here.
        return {"field": path, "size": 1_000 if containing else size}
    include = {"include": f".*{regexp_of(containing)}.*"} if containing else {}
    return {"field": path, "size": size, **include}


def _hint(field: Field) -> dict[str, str]:
    return {"execution_hint": "direct"} if field.shape is Shape.KEYED else {}


def _written(bucket: Mapping[str, Any], field: Field) -> Any:
    """A value as the query language has it."""
    if field.kind is Kind.DATE and field.shape is Shape.TYPED:
        return bucket["key_as_string"][:10]
    return bucket.get("key_as_string", bucket["key"])


def _names_in(source: Mapping[str, Any]) -> Iterator[str]:
    for creator, elements in source.get("private", {}).items():
        if isinstance(elements, Mapping):
            yield from (f"private.{creator}.{element}" for element in elements)
    yield from source.get("path", {})
    yield from (f"other.{tag}" for tag in source.get("other", {}))


def _fields(names: Iterable[str]) -> list[Field]:
    """What names mean; those of broken files that no query can name are left out."""
    found = []
    for name in names:
        try:
            field = resolve(name)
        except UnknownFieldError:
            continue
        if field.shape is Shape.KEYED or field.kind is Kind.SEQUENCE:
            found.append(field)
    return found


def _listed(value: Any) -> list[str]:
    return value if isinstance(value, list) else [value] if value else []
