"""The state of a search: all that an address of the search page says, but for the page one is at.

It is checked before it is saved, so that what has a name can be run.
"""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any, Self

from app.search.columns import columns_of
from app.search.compiler import compile_query
from app.search.facets import facets_of
from app.search.fields import names_in
from app.search.filters import conditions, read_filter
from app.search.levels import Level, row_order
from app.search.limits import QueryLimits
from app.search.sorting import order_of

_LONGEST = 10_000  # characters of all but the query, together


class UnusableStateError(Exception):
    """A search that cannot be saved; the message says why."""


@dataclass(frozen=True, slots=True)
class SavedState:
    """What is sought and how it is shown. The names are those of the parameters of `/search` and `/api/search`.

    Attributes
    ----------
    q
        The query.
    level
        What a result is.
    sort, fields, facets
        Names of fields, separated by commas.
    filter
        Conditions beside the query.
    """

    q: str = ""
    level: str = Level.IMAGE.value
    sort: str = ""
    fields: str = ""
    facets: str = ""
    filter: tuple[str, ...] = ()

    @classmethod
    def read(cls, values: Mapping[str, Any]) -> Self:
        """Take it from a mapping of the names, as `document` makes it; what is not there is as usual."""
        found = {name: values[name] for name in NAMES if values.get(name)}
        return cls(**found | {"filter": tuple(found.get("filter", ()))})

    def parameters(self) -> dict[str, Any]:
        """What differs from the usual, for an address."""
        usual = type(self)()
        values = {name: getattr(self, name) for name in NAMES if getattr(self, name) != getattr(usual, name)}
        return values | ({"filter": list(self.filter)} if self.filter else {})

    def document(self) -> dict[str, Any]:
        """All of it, for JSON."""
        return {name: getattr(self, name) for name in NAMES} | {"filter": list(self.filter)}

    def check(self, limits: QueryLimits) -> None:
        """Make sure that it can be run.

        Raises
        ------
        QuerySyntaxError, UnusableFilterError, UnusableSortError, UnusableColumnError, UnusableFacetError
            Where a part of it cannot be understood.
        UnusableStateError
            Where it is too long, or its level is none.
        """
        if sum(map(len, (self.sort, self.fields, self.facets, *self.filter))) > _LONGEST:
            raise UnusableStateError(f"Beside its query, a search may have {_LONGEST:,} characters.")
        if self.level not in set(Level):
            raise UnusableStateError(f"“{self.level}” is no level: there are {', '.join(Level)}.")
        level = Level(self.level)
        compile_query(self.q, limits)
        for text in conditions(map(read_filter, self.filter)).values():
            compile_query(text, limits)
        columns_of(names_in(self.fields), level)
        facets_of(names_in(self.facets))
        order_of(self.sort) if level is Level.IMAGE else row_order(self.sort, level)


NAMES = tuple(field.name for field in fields(SavedState))
