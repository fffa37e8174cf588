"""The neighbourhood of an image: the series of its study, and the images before and after it in its series.

Whatever their number, only a window around the image is fetched, in one request: the place of the image in the order
of its series is counted, and its neighbours follow from its own sort values. The keys under `derived` are in every
image, so that images without UIDs have a neighbourhood as well.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from app.archive.elastic import Elastic
from app.archive.errors import QueryRefusedError
from app.search.dsl import Query, all_of, any_of, between, exists, none_of, term

_AROUND = 4  # images before and after
_SERIES_AROUND = 5
_MOST_SERIES = 1_000
# Numbers, then what tells apart images that have the same one or none.
_ORDER = ("InstanceNumber", "SOPInstanceUID", "file.path")
_PRECISION = 3_000  # up to which a cardinality is as good as exact


@dataclass(frozen=True, slots=True)
class Neighbour:
    """An image of the same series."""

    id: str
    number: str
    is_current: bool = False


@dataclass(frozen=True, slots=True)
class SeriesOfStudy:
    """A series of the same study.

    Attributes
    ----------
    key
        Its `derived.series`.
    image
        Its first image.
    number, modality, description
        Of that image; blank where it has none.
    images
        How many it has; None where they were not counted.
    """

    key: str
    image: str
    number: str
    modality: str
    description: str
    images: int | None
    is_current: bool = False


@dataclass(frozen=True, slots=True)
class Neighbourhood:
    """Where an image stands.

    Attributes
    ----------
    patient, study, series
        Keys of its levels.
    position, images
        Its place in the series, from 1, and how many images that has.
    window
        Images around it, itself among them.
    first, previous, next, last
        Ids of images; None where there is none.
    all_series
        Series around its own, in the order of their numbers.
    series_before, series_after
        How many series are left out before and after these.
    previous_series, next_series
        The first images of the series beside its own; None where there is none.
    series_count, study_images
        What the study consists of.
    studies
        Of the patient.
    """

    patient: str
    study: str
    series: str
    position: int
    images: int
    window: tuple[Neighbour, ...]
    first: str | None
    previous: str | None
    next: str | None
    last: str | None
    all_series: tuple[SeriesOfStudy, ...]
    series_before: int
    series_after: int
    previous_series: str | None
    next_series: str | None
    series_count: int
    study_images: int
    studies: int

    @property
    def before_window(self) -> bool:
        """Whether there are images before the window."""
        return self.first is not None and all(one.id != self.first for one in self.window)

    @property
    def after_window(self) -> bool:
        """Whether there are images after the window."""
        return self.last is not None and all(one.id != self.last for one in self.window)


def find_neighbourhood(elastic: Elastic, image: str, document: Mapping[str, Any]) -> Neighbourhood:
    """Find where an image stands.

    Parameters
    ----------
    elastic
        The index.
    image
        Its id.
    document
        What the index has of it.
    """
    derived = document["derived"]
    keys = {level: str(derived[level]) for level in ("patient", "study", "series")}
    own = [_sort_value(document, path) for path in _ORDER]
    in_series = _filtered(term("derived.series", keys["series"]))
    forwards, backwards, first, last, counted, series = _ask(
        elastic,
        [
            {**_images(in_series, _AROUND), "search_after": _after(own)},
            {**_images(in_series, _AROUND, backwards=True), "search_after": _after(own)},
            _images(in_series, 1),
            _images(in_series, 1, backwards=True),
            _counts(keys, own),
            _series(keys["study"]),
        ],
    )
    before = [_neighbour(hit) for hit in reversed(backwards["hits"]["hits"])]
    after = [_neighbour(hit) for hit in forwards["hits"]["hits"]]
    counts = counted["aggregations"]
    position = counts["series"]["before"]["doc_count"] + 1
    listed = _listed(series, keys["series"])
    at = next((number for number, one in enumerate(listed) if one.is_current), 0)
    start = max(min(at - _SERIES_AROUND, len(listed) - 2 * _SERIES_AROUND - 1), 0)
    shown = listed[start : start + 2 * _SERIES_AROUND + 1]
    count = max(counts["study"]["series"]["value"], len(listed))
    return Neighbourhood(
        **keys,
        position=position,
        images=max(counts["series"]["doc_count"], position),
        window=(*before, Neighbour(image, _text(own[0]), is_current=True), *after),
        first=_id(first) if before else None,
        previous=before[-1].id if before else None,
        next=after[0].id if after else None,
        last=_id(last) if after else None,
        all_series=tuple(shown),
        series_before=start,
        series_after=count - start - len(shown),
        previous_series=listed[at - 1].image if at else None,
        next_series=listed[at + 1].image if at + 1 < len(listed) else None,
        series_count=count,
        study_images=counts["study"]["doc_count"],
        studies=counts["patient"]["studies"]["value"],
    )


def _ask(elastic: Elastic, bodies: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Run several searches in one request."""
    time_limit = {"timeout": f"{int(elastic.seconds * 1000)}ms"}
    searches = [line for body in bodies for line in ({}, {**body, **time_limit})]
    with elastic.asking():
        answers: list[dict[str, Any]] = elastic.client.msearch(index=elastic.index, searches=searches).body["responses"]
    for answer in answers:
        if "error" in answer:
            # Which kind of error, without its words, which could quote a value.
            raise QueryRefusedError(f"The neighbourhood of an image cannot be searched: {answer['error'].get('type')}")
    return answers


def _images(query: Query, size: int, *, backwards: bool = False) -> dict[str, Any]:
    missing = "_first" if backwards else "_last"
    order = "desc" if backwards else "asc"
    return {
        "query": query,
        "size": size,
        # Of several values the smallest counts, whichever the direction.
        "sort": [{path: {"order": order, "missing": missing, "mode": "min"}} for path in _ORDER],
        "docvalue_fields": ["InstanceNumber"],
        "_source": False,
        "track_total_hits": False,
    }


def _counts(keys: Mapping[str, str], own: list[Any]) -> dict[str, Any]:
    def distinct(field: str) -> dict[str, Any]:
        return {"cardinality": {"field": field, "precision_threshold": _PRECISION}}

    def having(level: str) -> dict[str, Any]:
        return {"filter": term(f"derived.{level}", keys[level])}

    return {
        "query": _filtered(any_of(term(f"derived.{level}", key) for level, key in keys.items())),
        "size": 0,
        "track_total_hits": False,
        "aggregations": {
            "series": {**having("series"), "aggregations": {"before": {"filter": _before(own)}}},
            "study": {**having("study"), "aggregations": {"series": distinct("derived.series")}},
            "patient": {**having("patient"), "aggregations": {"studies": distinct("derived.study")}},
        },
    }


def _before(own: list[Any]) -> Query:
    """Images that come before this one: smaller in the first key that differs."""
    clauses: list[Query] = []
    same: list[Query] = []
    for path, value in zip(_ORDER, own, strict=True):
        if value is None:
            clauses.append(all_of([*same, exists(path)]))
            same.append(none_of(exists(path)))
        else:
            clauses.append(all_of([*same, between(path, lt=value)]))
            same.append(term(path, value))
    return any_of(clauses)


def _series(study: str) -> dict[str, Any]:
    paths = ("SeriesNumber", "derived.series", *_ORDER)
    return {
        "query": _filtered(term("derived.study", study)),
        "collapse": {"field": "derived.series"},
        "size": _MOST_SERIES,
        "sort": [{path: {"order": "asc", "missing": "_last"}} for path in paths],
        "docvalue_fields": ["SeriesNumber", "Modality", "SeriesDescription.keyword"],
        "_source": False,
        "track_total_hits": False,
        "aggregations": {"series": {"terms": {"field": "derived.series", "size": _MOST_SERIES}}},
    }


def _listed(answer: Mapping[str, Any], current: str) -> list[SeriesOfStudy]:
    counts = {bucket["key"]: bucket["doc_count"] for bucket in answer["aggregations"]["series"]["buckets"]}
    found = []
    for hit in answer["hits"]["hits"]:
        fields = hit["fields"]
        key = str(fields["derived.series"][0])
        number, modality, description = (
            _text((fields.get(name) or [None])[0]) for name in ("SeriesNumber", "Modality", "SeriesDescription.keyword")
        )
        found.append(
            SeriesOfStudy(key, hit["_id"], number, modality, description, counts.get(key), is_current=key == current)
        )
    return found


def _filtered(clause: Query) -> Query:
    return {"bool": {"filter": [clause]}}


def _sort_value(document: Mapping[str, Any], path: str) -> Any:
    value: Any = document
    for step in path.split("."):
        value = value.get(step) if isinstance(value, Mapping) else None
    if isinstance(value, list):
        value = min((one for one in value if one is not None), default=None)
    return value


def _after(own: list[Any]) -> list[Any]:
    # An image without a number stands, for Elasticsearch, at the end of all numbers; without a text, at null.
    number, *texts = own
    return [2**63 - 1 if number is None else number, *texts]


def _neighbour(hit: Mapping[str, Any]) -> Neighbour:
    return Neighbour(hit["_id"], _text((hit.get("fields", {}).get("InstanceNumber") or [None])[0]))


def _id(answer: Mapping[str, Any]) -> str | None:
    hits = answer["hits"]["hits"]
    return hits[0]["_id"] if hits else None


def _text(value: Any) -> str:
    return "" if value is None else str(value)
