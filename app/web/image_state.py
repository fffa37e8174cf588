"""The state of an image page, all of it in its address: the search that led here, the filter of the header, the frame.

The parameters of the search page keep their names, so that the way back is the same address without the rest.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Self
from urllib.parse import quote_plus

from flask import url_for
from werkzeug.datastructures import MultiDict

from app.web.search_state import SearchState, hidden_fields

PICTURE = ("frame", "center", "width")
_OF_SEARCH = ("q", "filter", "level", "sort", "fields", "facets", "size")
_PLACE = ("after", "page")


@dataclass(frozen=True, slots=True)
class ImageState:
    """What the page of an image shows.

    Attributes
    ----------
    search
        The search that led here; None where it was not one.
    place
        On which of its pages.
    find
        Only elements of the header that have this text.
    only
        Only elements that are marked.
    picture
        `frame`, `center` and `width` as they were asked for.
    """

    image: str
    search: SearchState | None = None
    place: tuple[tuple[str, str], ...] = ()
    find: str = ""
    only: bool = False
    picture: tuple[tuple[str, str], ...] = ()

    @classmethod
    def of(cls, image: str, parameters: MultiDict[str, str]) -> Self:
        """Read it from the parameters of an address."""
        from_search = any(name in parameters for name in _OF_SEARCH)
        return cls(
            image,
            SearchState.of(parameters) if from_search else None,
            tuple((name, parameters[name]) for name in _PLACE if from_search and parameters.get(name)),
            parameters.get("find", "").strip(),
            parameters.get("only") == "1",
            tuple((name, parameters[name].strip()) for name in PICTURE if parameters.get(name, "").strip()),
        )

    @property
    def back(self) -> str:
        """The address of the search that led here, else of an empty one."""
        if self.search is None:
            return url_for("search.index")
        parameters: dict[str, Any] = {**self.search.parameters(), **dict(self.place)}
        return url_for("search.index", **parameters)

    @property
    def asked(self) -> Mapping[str, str]:
        """The parameters of the picture."""
        return dict(self.picture)

    def parameters(self) -> dict[str, Any]:
        """The parameters of its address, without those that have their default."""
        found: dict[str, Any] = {} if self.search is None else {**self.search.parameters(), **dict(self.place)}
        if self.find:
            found["find"] = self.find
        if self.only:
            found["only"] = "1"
        return found | dict(self.picture)

    def link(self, **changes: Any) -> str:
        """The address of this state with changes; those of the picture by the names of its parameters."""
        picture = {**dict(self.picture), **{name: changes.pop(name) for name in PICTURE if name in changes}}
        kept = tuple((name, str(value)) for name, value in picture.items() if value not in (None, ""))
        state = replace(self, picture=kept, **changes)
        return url_for("images.show", image=state.image, **state.parameters())

    def other(self, image: str) -> str:
        """The address of another image of the series: with the same window, at its first frame."""
        return self.link(image=image, frame=None)

    def hidden(self, *left_out: str) -> list[tuple[str, str]]:
        """Fields of a form that keep the state; without those that the form has itself."""
        return hidden_fields(self.parameters(), left_out)


class SearchLinks:
    """Makes links to the search that led here, narrowed down by what an element has; a page has hundreds of them.

    Parameters
    ----------
    search
        None where it was not a search that led here.
    """

    def __init__(self, search: SearchState | None) -> None:
        self._search = search or SearchState()
        self._plain = self._search.link()

    def with_all(self, conditions: tuple[str, ...], *, excluded: bool = False) -> str:
        """The address of the search for what fulfils the conditions, or, excluded, does not fulfil all of them.

        One condition becomes a filter, several that hold together a part of the query, since filters on one field are
        alternatives.
        """
        state = self._search
        if len(conditions) > 1:
            together = " ".join(conditions)
            added = f"NOT ({together})" if excluded else together
            return state.link(query=f"({state.query}) {added}" if state.query else added)
        opposite = (conditions[0], f"-{conditions[0]}")
        if not any(one in opposite for one in state.filters):
            # The address of a search always has a parameter, `q`.
            return f"{self._plain}&filter={quote_plus(opposite[excluded], safe='/:')}"
        kept = tuple(one for one in state.filters if one not in opposite)
        return state.link(filters=(*kept, opposite[excluded]))
