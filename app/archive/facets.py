"""Counts of facets, in requests of their own: one for what histograms have to know, one for all counts."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from app.archive.elastic import Elastic, is_partial
from app.search.dsl import Query, all_of, everything
from app.search.facets import (
    Facet,
    FacetValue,
    Spread,
    facet_aggregations,
    read_facet,
    read_spread,
    spread_aggregations,
)
from app.search.filters import write_filter
from app.search.levels import Level


@dataclass(frozen=True, slots=True)
class CountedFacet:
    """A facet with its values, the most frequent first or in their order; `more` says that there are further ones."""

    facet: Facet
    values: list[FacetValue]
    more: bool

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


def count_facets(
    elastic: Elastic,
    query: Query,
    filters: Mapping[str, Query],
    facets: Sequence[Facet],
    level: Level,
    size: int,
) -> FacetCounts:
    """Count the values of facets among the results.

    Each facet leaves the filters on its own field aside: it shows what else could be chosen there.

    Parameters
    ----------
    query
        What is searched for, without the filters.
    filters
        By the names of the fields that they are about.
    facets
        To be counted.
    level
        What is counted: images, series, studies or patients.
    size
        Values of a facet, at most.
    """
    if not facets:
        return FacetCounts([], 0, False)
    others = {facet.name: _others(filters, facet) for facet in facets}
    asked = {facet.name: spread_aggregations(facet) for facet in facets}
    answer = _ask(elastic, query, others, asked)
    spreads = {name: read_spread(part) for name, part in answer.parts.items()}
    asked = {f.name: facet_aggregations(f, spreads.get(f.name), level, size) for f in facets}
    counted = _ask(elastic, query, others, asked)
    return FacetCounts(
        [_counted(facet, spreads.get(facet.name), level, size, counted.parts[facet.name]) for facet in facets],
        answer.milliseconds + counted.milliseconds,
        answer.partial or counted.partial,
    )


@dataclass(frozen=True, slots=True)
class _Answer:
    parts: Mapping[str, Any]
    milliseconds: int
    partial: bool


def _ask(elastic: Elastic, query: Query, others: Mapping[str, Query], asked: Mapping[str, dict[str, Any]]) -> _Answer:
    names = [name for name, aggregations in asked.items() if aggregations]
    if not names:
        return _Answer({}, 0, False)
    # Numbered, since names of fields may have signs in them that names of aggregations may not.
    aggregations = {
        str(number): {"filter": others[name], "aggregations": asked[name]} for number, name in enumerate(names)
    }
    answer = elastic.search(query=query, size=0, track_total_hits=False, aggregations=aggregations)
    parts = {name: answer["aggregations"][str(number)] for number, name in enumerate(names)}
    return _Answer(parts, answer["took"], is_partial(answer))


def _others(filters: Mapping[str, Query], facet: Facet) -> Query:
    return all_of([query for name, query in filters.items() if name != facet.field.name]) if filters else everything()


def _counted(facet: Facet, spread: Spread | None, level: Level, size: int, answer: Mapping[str, Any]) -> CountedFacet:
    values, more = read_facet(facet, spread, level, size, answer)
    return CountedFacet(facet, values, more)
