"""A page of series, studies or patients: rows made of the images that a query finds."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from app.archive.elastic import Elastic, both, is_partial
from app.archive.positions import Place, Walk, Walked
from app.archive.requests import Answer, Below, Result, SearchRequest, values_of
from app.search.columns import Column, columns_of, source_fields
from app.search.dsl import Query, terms
from app.search.fields import Field
from app.search.levels import Level, row_order
from app.search.sorting import Cursor, Order, read_cursor

# Up to here rows are counted one by one; beyond, Elasticsearch estimates.
MOST_COUNTED = 40_000
_MODALITIES = 10


def find_rows(elastic: Elastic, request: SearchRequest, query: Query, named: tuple[Field, ...], binding: str) -> Answer:
    """Find the rows of a page; the parameters are those of `find_images`."""
    order = row_order(request.sort, request.level)
    columns = columns_of(request.fields, request.level)
    cursor = read_cursor(request.after, binding, order) if request.after else None
    size = request.page_size
    backwards = cursor is not None and cursor.backwards

    def page() -> tuple[Walked, list[Place], dict[str, Result]]:
        if not size:
            return Walked([], None, 0, False), [], {}
        after = cursor.values if cursor else None
        # One more than the page shows whether there is another page.
        walked = Walk(elastic, query, order).rows(size + 1, after, backwards=backwards)
        places = walked.places[:size]
        if backwards:
            places.reverse()
        described = describe_rows(elastic, places, query, order, request.level, columns) if places else {}
        return walked, places, described

    (walked, places, described), count = both(page, lambda: count_rows(elastic, query, request.level))
    onwards, back = _turns(walked, places, size, cursor)
    return Answer(
        total=count.rows,
        results=[described[place[-1]] for place in places if place[-1] in described],
        next=Cursor(onwards).encode(binding, order) if onwards else None,
        previous=Cursor(back, backwards=True).encode(binding, order) if back else None,
        columns=columns,
        named=named,
        milliseconds=max(count.milliseconds, walked.milliseconds),
        partial=count.partial or walked.partial,
        images=count.images,
        approximate=count.approximate,
    )


@dataclass(frozen=True, slots=True)
class Count:
    """How many rows there are.

    Attributes
    ----------
    rows, images
        The numbers.
    approximate
        Whether the number of rows is an estimate.
    milliseconds, partial
        As in an answer.
    """

    rows: int
    images: int
    approximate: bool
    milliseconds: int
    partial: bool


def count_rows(elastic: Elastic, query: Query, level: Level) -> Count:
    """Count the rows of a level that a query finds.

    An estimate alone would be off by a few of some ten thousand rows, so they are counted as long as that is cheap.
    """
    answer = elastic.search(
        query=query,
        size=0,
        track_total_hits=True,
        aggregations={
            "rows": {"terms": {"field": level.key, "size": MOST_COUNTED}},
            "counted": {"stats_bucket": {"buckets_path": "rows>_count"}},
        },
        filter_path=[
            "took,timed_out,_shards,hits.total",
            "aggregations.counted.count,aggregations.rows.sum_other_doc_count",
        ],
    )
    found, took, partial = answer["aggregations"], answer["took"], is_partial(answer)
    rows, images = int(found["counted"]["count"]), answer["hits"]["total"]["value"]
    approximate = found["rows"]["sum_other_doc_count"] > 0
    if approximate:
        cardinality = {"field": level.key, "precision_threshold": MOST_COUNTED}
        answer = elastic.search(
            query=query, size=0, track_total_hits=False, aggregations={"estimate": {"cardinality": cardinality}}
        )
        rows, took = answer["aggregations"]["estimate"]["value"], took + answer["took"]
        partial = partial or is_partial(answer)
    return Count(rows, images, approximate, took, partial)


def _turns(
    walked: Walked, places: Sequence[Place], size: int, cursor: Cursor | None
) -> tuple[Place | None, Place | None]:
    """The places that the next page begins behind, and that the previous one ends before."""
    backwards = cursor is not None and cursor.backwards
    more = len(walked.places) > size or walked.stopped_at is not None
    ahead = walked.stopped_at if walked.stopped_at is not None and len(walked.places) <= size else None
    first, last = (places[0], places[-1]) if places else (None, None)
    if not places and cursor is not None and walked.stopped_at is None:
        return None, None
    if backwards:
        return last, (ahead or first) if more else None
    return (ahead or last) if more else None, first if cursor is not None else None


def describe_rows(
    elastic: Elastic,
    places: Sequence[Place],
    query: Query,
    order: Order,
    level: Level,
    columns: Sequence[Column],
) -> dict[str, Result]:
    """Describe rows, by their keys: the columns from the first image that was found, the counts from all images."""
    keys = [place[-1] for place in places]
    parts: dict[str, Any] = {
        "found": {"filter": query},
        "series": {"cardinality": {"field": Level.SERIES.key, "precision_threshold": 4_000}},
        "studies": {"cardinality": {"field": Level.STUDY.key, "precision_threshold": 4_000}},
        "modalities": {"terms": {"field": "Modality", "size": _MODALITIES}},
        "dates": {"stats": {"field": "StudyDate"}},
    }
    answer = elastic.search(
        query=terms(level.key, keys),
        post_filter=query,
        collapse={"field": level.key},
        sort=order.body(),
        size=len(keys),
        source_includes=sorted({*source_fields(columns), level.key}),
        track_total_hits=False,
        aggregations={"rows": {"terms": {"field": level.key, "size": len(keys)}, "aggregations": parts}},
    )
    below = {bucket["key"]: _below(bucket) for bucket in answer["aggregations"]["rows"]["buckets"]}
    results = {}
    for hit in answer["hits"]["hits"]:
        key = hit["fields"][level.key][0]
        results[key] = Result(key, values_of(hit["_source"], columns), below[key])
    return results


def _below(bucket: Mapping[str, Any]) -> Below:
    dates = bucket["dates"]
    return Below(
        found=bucket["found"]["doc_count"],
        images=bucket["doc_count"],
        series=bucket["series"]["value"],
        studies=bucket["studies"]["value"],
        modalities=tuple(each["key"] for each in bucket["modalities"]["buckets"]),
        first_date=_day(dates.get("min_as_string")),
        last_date=_day(dates.get("max_as_string")),
    )


def _day(text: str | None) -> str | None:
    return text[:10] if text else None
