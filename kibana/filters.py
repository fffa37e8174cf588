"""Filters: conditions that Kibana shows as labels and that a person can change, turn around or take away.

Each contains the query that Elasticsearch is sent, so that what it means does not depend on Kibana's reading of it.
"""

from dataclasses import dataclass
from typing import Any

from kibana.saved_objects import Json


@dataclass(frozen=True, slots=True)
class Filter:
    """One condition on one field.

    Attributes
    ----------
    field
        Its name.
    type
        `exists`, `phrase` or `range`: which form Kibana offers to change it.
    about
        What Kibana's form shows of the value.
    query
        In Elasticsearch's own language.
    negate
        Whether what fulfils the condition is left out.
    """

    field: str
    type: str
    about: Json
    query: Json
    negate: bool = False

    def written(self, data_view: Json) -> Json:
        """Write it as Kibana does.

        Parameters
        ----------
        data_view
            How the filter names the reference to its data view: dashboards' charts and searches do it differently.
        """
        meta = {
            "alias": None,
            "disabled": False,
            "field": self.field,
            "key": self.field,
            "negate": self.negate,
            "type": self.type,
            **self.about,
            **data_view,
        }
        return {"$state": {"store": "appState"}, "meta": meta, "query": self.query}


def has(field: str) -> Filter:
    """Only images with a value."""
    return Filter(field, "exists", {"value": "exists"}, {"exists": {"field": field}})


def lacks(field: str) -> Filter:
    """Only images without a value."""
    return Filter(field, "exists", {"value": "exists"}, {"exists": {"field": field}}, negate=True)


def equals(field: str, value: str) -> Filter:
    """Only images with this value."""
    return Filter(field, "phrase", {"params": {"query": value}}, {"match_phrase": {field: value}})


def at_least(field: str, least: int) -> Filter:
    """Only images with this number or a higher one."""
    return _range(field, {"gte": least}, negate=False)


def outside(field: str, start: str, end: str) -> Filter:
    """Only images whose date is before the start or not before the end; both may be relative to now."""
    return _range(field, {"gte": start, "lt": end}, negate=True)


def _range(field: str, bounds: dict[str, Any], *, negate: bool) -> Filter:
    return Filter(field, "range", {"params": bounds, "value": bounds}, {"range": {field: bounds}}, negate)
