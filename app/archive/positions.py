"""The order of rows, walked over in either direction from any place: which series, studies or patients come next.

A row is a value of a level's key. Its place is a tuple: the values of the order's keys, the level's key last. A
composite aggregation gives the places that images are at, in order, from any place on; that is what makes pages beyond
the ten-thousandth row possible. Two things need care:

- Images of one row may differ in what is sorted by, so the aggregation has that row at several places. It is kept at
  the first of them only: the one that its first image has when images are sorted the same way.
- Images without a value of the field that is sorted by have no place there. They are walked over in a second stage,
  which leaves out the rows that the first one has. (`missing_bucket` was seen to lose rows while paging.)
"""

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from app.archive.elastic import Elastic, is_partial
from app.search.dsl import Query, all_of, exists, none_of, terms
from app.search.sorting import Order

Place: TypeAlias = tuple[Any, ...]
_ALWAYS_PRESENT = ("derived.date", "derived.patient", "derived.study", "derived.series")
_LARGE_STEP = 2_000


@dataclass(frozen=True, slots=True)
class Walked:
    """Some rows in the direction of walking.

    Attributes
    ----------
    places
        Of the rows, as many as were wanted, or all there are.
    stopped_at
        Where the walk ended early because time ran out: there may be more rows from here on; else None.
    milliseconds
        What Elasticsearch took.
    partial
        Whether Elasticsearch ran out of time in one of its answers.
    """

    places: list[Place]
    stopped_at: Place | None
    milliseconds: int
    partial: bool


@dataclass(frozen=True, slots=True)
class _Stage:
    """The rows with a value of the field that is sorted by, or those without."""

    query: Query
    is_missing: bool


class Walk:
    """A walk over the rows that a query finds.

    Parameters
    ----------
    elastic
        The index.
    query
        What is to be found.
    order
        Of the rows; its last key is the level's.
    """

    def __init__(self, elastic: Elastic, query: Query, order: Order) -> None:
        self._elastic = elastic
        self._query = query
        self._order = order
        self._milliseconds = 0
        self._partial = False

    def rows(self, count: int, after: Place | None = None, *, backwards: bool = False) -> Walked:
        """Find the next rows.

        Parameters
        ----------
        count
            How many at most.
        after
            The place to begin behind; None begins at the end from which one walks.
        backwards
            Whether to walk towards the first row.
        """
        found: list[Place] = []
        deadline = time.monotonic() + self._elastic.seconds
        for places in self._steps(count, after, backwards):
            found += places.kept
            if len(found) >= count:
                break
            if time.monotonic() > deadline:
                return Walked(found, places.last, self._milliseconds, self._partial)
        return Walked(found[:count], None, self._milliseconds, self._partial)

    def _steps(self, count: int, after: Place | None, backwards: bool) -> Iterator["_Step"]:
        stages = self._stages()
        if backwards:
            stages.reverse()
        if after is not None and len(stages) > 1 and (after[0] is None) != stages[0].is_missing:
            del stages[0]
        for number, stage in enumerate(stages):
            at = after if number == 0 else None
            size = count
            while True:
                places = self._places(stage, size, at, backwards)
                if places:
                    at = places[-1]
                    yield _Step(self._first_of_rows(stage, places), at)
                if len(places) < size:
                    break
                size = _LARGE_STEP

    def _stages(self) -> list[_Stage]:
        paths = tuple(key.path for key in self._order.keys)
        if paths[0] in _ALWAYS_PRESENT:
            return [_Stage(self._query, False)]
        has_value = exists(paths[0])
        return [
            _Stage(all_of([self._query, has_value]), False),
            _Stage(all_of([self._query, none_of(has_value)]), True),
        ]

    def _places(self, stage: _Stage, size: int, after: Place | None, backwards: bool) -> list[Place]:
        """The next places that images of a stage are at."""
        keys = self._order.keys[1:] if stage.is_missing else self._order.keys
        sources = [
            {str(n): {"terms": {"field": key.path, "order": "desc" if key.descending != backwards else "asc"}}}
            for n, key in enumerate(keys)
        ]
        composite: dict[str, Any] = {"size": size, "sources": sources}
        if after is not None:
            values = after[1:] if stage.is_missing else after
            composite["after"] = {str(n): value for n, value in enumerate(values)}
        answer = self._ask(
            query=stage.query,
            size=0,
            track_total_hits=False,
            aggregations={"places": {"composite": composite}},
        )
        missing = (None,) if stage.is_missing else ()
        return [missing + tuple(bucket["key"].values()) for bucket in answer["aggregations"]["places"]["buckets"]]

    def _first_of_rows(self, stage: _Stage, places: Sequence[Place]) -> list[Place]:
        """Those of some places that are the first of their rows."""
        level = self._order.keys[-1].path
        rows = list(dict.fromkeys(place[-1] for place in places))
        query = all_of([self._query, terms(level, rows)])
        body: dict[str, Any] = {"query": query, "size": len(rows), "collapse": {"field": level}, "source": False}
        if stage.is_missing:
            # Rows that have a value in one of their images are in the other stage.
            has_value = exists(self._order.keys[0].path)
            names = {"terms": {"field": level, "size": len(rows)}}
            body["post_filter"] = none_of(has_value)
            body["aggregations"] = {"others": {"filter": has_value, "aggregations": {"rows": names}}}
        else:
            body["query"] = all_of([stage.query, terms(level, rows)])
        answer = self._ask(**body, sort=self._order.body(), track_total_hits=False)
        others: set[Any] = set()
        if stage.is_missing:
            others = {bucket["key"] for bucket in answer["aggregations"]["others"]["rows"]["buckets"]}
        firsts = {_place_of(hit["sort"], stage) for hit in answer["hits"]["hits"]}
        return [place for place in places if place in firsts and place[-1] not in others]

    def _ask(self, **body: Any) -> dict[str, Any]:
        answer = self._elastic.search(**body)
        self._milliseconds += answer["took"]
        self._partial = self._partial or is_partial(answer)
        return answer


@dataclass(frozen=True, slots=True)
class _Step:
    """Rows that a step of the walk found, and where it ended."""

    kept: list[Place]
    last: Place


def _place_of(sort_values: Sequence[Any], stage: _Stage) -> Place:
    return (None, *sort_values[1:]) if stage.is_missing else tuple(sort_values)
