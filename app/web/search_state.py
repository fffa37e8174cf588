"""The state of the search page, all of it in the page's address: whatever one sees can be shared or kept as a link."""

from collections.abc import Container, Mapping
from dataclasses import dataclass, replace
from typing import Any, Self

from flask import url_for
from werkzeug.datastructures import MultiDict

from app.search.fields import names_in
from app.search.filters import MOST_FILTERS
from app.search.levels import Level

SIZES = (25, 50, 100)
_LONGEST = 9  # digits of the number of a page


class UnusableParameterError(Exception):
    """A parameter of the page's address that means nothing; the message says what may stand there."""


def check(parameters: MultiDict[str, str]) -> None:
    """Check what the page would else have to guess: the level, and the size and number of a page.

    Raises
    ------
    UnusableParameterError
        For the first that means nothing.
    """
    level, size, page = (parameters.get(name, "") for name in ("level", "size", "page"))
    if level and level not in list(Level):
        raise UnusableParameterError(f"There is no level “{level[:30]}”: results are {', '.join(Level)}.")
    if size and size not in map(str, SIZES):
        raise UnusableParameterError(f"A page cannot have “{size[:30]}” results: 25, 50 or 100 are possible.")
    if page and not (page.isascii() and page.isdigit() and len(page) <= _LONGEST and int(page)):
        raise UnusableParameterError(f"There is no page “{page[:30]}”: pages have numbers from 1.")


@dataclass(frozen=True, slots=True)
class SearchState:
    """What the search page shows, but for the page of the list.

    Attributes
    ----------
    query, filters, level, sort
        As in `app.archive.SearchRequest`.
    fields
        Columns that were chosen; none means the usual ones.
    facets
        Facets that were added to the usual ones.
    size
        Results of a page.
    """

    query: str = ""
    filters: tuple[str, ...] = ()
    level: Level = Level.IMAGE
    sort: str = ""
    fields: tuple[str, ...] = ()
    facets: tuple[str, ...] = ()
    size: int = SIZES[0]

    @classmethod
    def of(cls, parameters: MultiDict[str, str]) -> Self:
        """Read it from the parameters of an address; what means nothing is the default."""

        def names(parameter: str) -> tuple[str, ...]:
            given = [name for text in parameters.getlist(parameter) for name in names_in(text)]
            return tuple(dict.fromkeys(given))

        level = parameters.get("level", "")
        size = parameters.get("size", type=int)
        filters = dict.fromkeys(text for text in parameters.getlist("filter") if text.strip())
        return cls(
            query=parameters.get("q", "").strip(),
            filters=tuple(filters)[: MOST_FILTERS + 1],
            level=Level(level) if level in list(Level) else Level.IMAGE,
            sort=parameters.get("sort", ""),
            fields=names("fields"),
            facets=names("facets"),
            size=size if size in SIZES else SIZES[0],
        )

    def parameters(self) -> dict[str, Any]:
        """The parameters of its address, without those that have their default."""
        found: dict[str, Any] = {"q": self.query}
        if self.filters:
            found["filter"] = list(self.filters)
        if self.level is not Level.IMAGE:
            found["level"] = self.level.value
        if self.sort:
            found["sort"] = self.sort
        if self.fields:
            found["fields"] = _list(self.fields)
        if self.facets:
            found["facets"] = _list(self.facets)
        if self.size != SIZES[0]:
            found["size"] = self.size
        return found

    def link(self, **changes: Any) -> str:
        """The address of this state with changes."""
        return url_for("search.index", **replace(self, **changes).parameters())

    def page(self, after: str, number: int) -> str:
        """The address of another page of the list."""
        return url_for("search.index", **self.parameters(), after=after, page=number)

    def hidden(self, *left_out: str) -> list[tuple[str, str]]:
        """Fields of a form that keep the state; without those that the form has itself."""
        return hidden_fields(self.parameters(), left_out)

    def with_filter(self, text: str) -> Self:
        """The state with a filter more, or, where it is set, without it."""
        if text in self.filters:
            return replace(self, filters=tuple(one for one in self.filters if one != text))
        return replace(self, filters=(*self.filters, text))


def hidden_fields(parameters: Mapping[str, Any], left_out: Container[str]) -> list[tuple[str, str]]:
    """Fields of a form that hand on the parameters of an address; without those that the form has itself."""
    return [
        (name, str(one))
        for name, value in parameters.items()
        if name not in left_out
        for one in (value if isinstance(value, list) else [value])
    ]


def _list(names: tuple[str, ...]) -> str:
    return ",".join(f'"{name}"' if "," in name else name for name in names)
