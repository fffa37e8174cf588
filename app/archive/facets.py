"""Counts of facets, in requests of their own: what spans have to know is asked first, while the rest is counted."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from app.archive.elastic import Elastic, both, is_partial
from app.search.dsl import Query, all_of
from app.search.facets import (
    Facet,
    FacetValue,
    Form,
    Spread,
    facet_aggregations,
    read_chosen,
    read_facet,
    read_spread,
    spread_aggregations,
)
from app.search.filters import Filter, write_filter
from app.search.levels import Level


@dataclass(frozen=True, slots=True)
class CountedFacet:
    """A facet with its values.

    Attributes
    ----------
    values
        The most frequent first, or in their order.
    more
        Whether there are further ones.
    chosen
        The values that filters on its field are about, with the results that have each, even where there are none.
    """

    facet: Facet
    values: list[FacetValue]
    more: bool
    chosen: Mapping[str | None, int] = field(default_factory=dict)

    def filter_of(self, value: FacetValue, *, excluded: bool = False) -> str:
        """The filter that asks for a value, or leaves it out."""
        text = None if value.value is None else str(value.value)
        return write_filter(self.facet.field, text, excluded=excluded, is_range=value.is_range)


@dataclass(frozen=True, slots=True)
class FacetCounts:
    """All facets that were asked for, what Elasticsearch took, and whether it ran out of time."""

    facets: list[CountedFacet]
    milliseconds: int
    partial: bool


@dataclass(frozen=True, slots=True)
class Condition:
    """A filter, and the query for its value."""

    filter: Filter
    query: Query


@dataclass(frozen=True, slots=True)
class Counting:
    """What is counted.

    Attributes
    ----------
    query
        What is searched for, without the filters.
    filters
        By the names of the fields that they are about, those on one field together.
    conditions
        Each of the filters.
    level
        Images, series, studies or patients.
    size
        Values of a facet, at most.
    """

    query: Query
    filters: Mapping[str, Query]
    conditions: Sequence[Condition]
    level: Level
    size: int

    def others(self, facet: Facet) -> Query | None:
        """The filters on all fields but the facet's own: it shows what else could be chosen there."""
        others = [query for name, query in self.filters.items() if name != facet.field.name]
        return all_of(others) if others else None

    def chosen(self, facet: Facet) -> dict[str, Query]:
        """Values of a facet that filters ask for or leave out."""
        return {
            one.filter.value: one.query
            for one in self.conditions
            if one.filter.field.name == facet.field.name and one.filter.value is not None
        }


def count_facets(elastic: Elastic, counting: Counting, facets: Sequence[Facet]) -> FacetCounts:
    """Count the values of facets among the results."""
    if not facets:
        return FacetCounts([], 0, False)
    # Two requests use two processors. Those that need two requests are in one of them, with fewer of the others.
    single = [facet for facet in facets if facet.form is Form.VALUES]
    first = [facet for facet in facets if facet.form is not Form.VALUES] + single[::3]
    second = [facet for facet in single if facet not in first]
    one, other = both(lambda: _Counted(elastic, counting, first), lambda: _Counted(elastic, counting, second))
    found = one.facets | other.facets
    return FacetCounts(
        [found[facet.name] for facet in facets],
        max(one.milliseconds, other.milliseconds),
        one.partial or other.partial,
    )


class _Counted:
    """Some facets, counted by one request, and a second one for those whose spans follow from what the first finds."""

    def __init__(self, elastic: Elastic, counting: Counting, facets: Sequence[Facet]) -> None:
        self._elastic = elastic
        self._counting = counting
        self.milliseconds = 0
        self.partial = False
        self.facets: dict[str, CountedFacet] = {}
        spreads = {facet: spread_aggregations(facet) for facet in facets}
        waiting = [facet for facet in facets if spreads[facet]]
        ready = {facet: self._aggregations(facet, read_spread(facet, {})) for facet in facets if not spreads[facet]}
        answers = self._ask(ready | {facet: spreads[facet] for facet in waiting})
        for facet in ready:
            self._read(facet, read_spread(facet, {}), answers[facet])
        known = {facet: read_spread(facet, answers[facet]) for facet in waiting}
        answers = self._ask({facet: self._aggregations(facet, known[facet]) for facet in waiting})
        for facet in waiting:
            self._read(facet, known[facet], answers[facet])

    def _aggregations(self, facet: Facet, spread: Spread | None) -> dict[str, Any]:
        counting = self._counting
        chosen = list(counting.chosen(facet).values())
        return facet_aggregations(facet, spread, counting.level, counting.size, chosen)

    def _read(self, facet: Facet, spread: Spread | None, answer: Mapping[str, Any]) -> None:
        level = self._counting.level
        values, more = read_facet(facet, spread, level, self._counting.size, answer)
        counts: dict[str | None, int] = {None: next((one.count for one in values if one.value is None), 0)}
        counts.update(zip(self._counting.chosen(facet), read_chosen(level, answer), strict=True))
        self.facets[facet.name] = CountedFacet(facet, values, more, counts)

    def _ask(self, asked: Mapping[Facet, dict[str, Any]]) -> dict[Facet, Any]:
        if not asked:
            return {}
        # Numbered, since names of fields may have signs in them that names of aggregations may not.
        aggregations: dict[str, Any] = {}
        for number, (facet, parts) in enumerate(asked.items()):
            others = self._counting.others(facet)
            if others is None:
                aggregations |= {f"{number}.{name}": part for name, part in parts.items()}
            else:
                aggregations[str(number)] = {"filter": others, "aggregations": parts}
        answer = self._elastic.search(
            query=self._counting.query, size=0, track_total_hits=False, aggregations=aggregations
        )
        self.milliseconds += answer["took"]
        self.partial = self.partial or is_partial(answer)
        found = answer["aggregations"]
        return {
            facet: found.get(str(number)) or {name: found[f"{number}.{name}"] for name in parts}
            for number, (facet, parts) in enumerate(asked.items())
        }
