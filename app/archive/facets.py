"""Counts of facets, in requests of their own: what spans have to know is asked first, while the rest is counted."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from app.archive.elastic import Elastic, both, is_partial
from app.search.dsl import Query, all_of, everything
from app.search.facets import (
    Facet,
    FacetValue,
    Form,
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

    def others(self, facet: Facet) -> Query:
        """The filters on all fields but the facet's own: it shows what else could be chosen there."""
        others = [query for name, query in self.filters.items() if name != facet.field.name]
        return all_of(others) if others else everything()

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
    single = [facet for facet in facets if facet.form is Form.VALUES]
    spread = [facet for facet in facets if facet.form is not Form.VALUES]
    one, other = both(lambda: _Counted(elastic, counting, spread), lambda: _Counted(elastic, counting, single))
    found = one.facets | other.facets
    return FacetCounts(
        [found[facet.name] for facet in facets],
        max(one.milliseconds, other.milliseconds),
        one.partial or other.partial,
    )


class _Counted:
    """Some facets, counted by one request, or by two where the spans of some follow from their least and greatest."""

    def __init__(self, elastic: Elastic, counting: Counting, facets: Sequence[Facet]) -> None:
        self._elastic = elastic
        self._counting = counting
        self.milliseconds = 0
        self.partial = False
        known = self._ask({facet: spread_aggregations(facet) for facet in facets})
        spreads = {facet: read_spread(facet, known.get(facet, {})) for facet in facets}
        level, size = counting.level, counting.size
        chosen = {facet: counting.chosen(facet) for facet in facets}
        answers = self._ask(
            {f: facet_aggregations(f, spreads[f], level, size, list(chosen[f].values())) for f in facets}
        )
        self.facets: dict[str, CountedFacet] = {}
        for facet in facets:
            values, more = read_facet(facet, spreads[facet], level, size, answers[facet])
            counts: dict[str | None, int] = {None: next((one.count for one in values if one.value is None), 0)}
            counts.update(zip(chosen[facet], read_chosen(level, answers[facet]), strict=True))
            self.facets[facet.name] = CountedFacet(facet, values, more, counts)

    def _ask(self, asked: Mapping[Facet, dict[str, Any]]) -> dict[Facet, Any]:
        facets = [facet for facet, aggregations in asked.items() if aggregations]
        if not facets:
            return {}
        # Numbered, since names of fields may have signs in them that names of aggregations may not.
        aggregations = {
            str(number): {"filter": self._counting.others(facet), "aggregations": asked[facet]}
            for number, facet in enumerate(facets)
        }
        answer = self._elastic.search(
            query=self._counting.query, size=0, track_total_hits=False, aggregations=aggregations
        )
        self.milliseconds += answer["took"]
        self.partial = self.partial or is_partial(answer)
        return {facet: answer["aggregations"][str(number)] for number, facet in enumerate(facets)}
