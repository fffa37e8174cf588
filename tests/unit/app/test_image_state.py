"""The address of an image's page: what it keeps from image to image, and how it narrows the search down."""

from collections.abc import Iterator
from urllib.parse import parse_qs, urlsplit

import pytest
from flask import Flask
from werkzeug.datastructures import MultiDict

from app.web.image_state import ImageState, SearchLinks
from app.web.search_state import SearchState


@pytest.fixture(autouse=True)
def routes() -> Iterator[None]:
    """The two addresses that links lead to."""
    app = Flask("addresses")
    app.add_url_rule("/search", "search.index", lambda: "")
    app.add_url_rule("/images/<image>", "images.show", lambda image: image)
    with app.test_request_context():
        yield


def parameters(link: str) -> dict[str, list[str]]:
    return parse_qs(urlsplit(link).query, keep_blank_values=True)


FULL = [("q", "chest"), ("filter", "A:=1"), ("filter", "-B:*"), ("level", "image"), ("after", "XY"), ("page", "3")]
OWN = [("find", "date"), ("only", "1"), ("frame", "2"), ("center", "40"), ("width", "400")]


def test_all_that_an_address_says_is_kept() -> None:
    state = ImageState.of("1.2", MultiDict([*FULL, *OWN]))
    kept = parameters(state.link())
    assert kept == {
        "q": ["chest"], "filter": ["A:=1", "-B:*"], "after": ["XY"], "page": ["3"],
        "find": ["date"], "only": ["1"], "frame": ["2"], "center": ["40"], "width": ["400"],
    }  # fmt: skip
    assert parameters(state.back) == {name: kept[name] for name in ("q", "filter", "after", "page")}
    assert dict(state.hidden("frame", "center", "width", "filter")) == {
        "q": "chest", "after": "XY", "page": "3", "find": "date", "only": "1",
    }  # fmt: skip


def test_another_image_is_shown_from_its_first_frame_in_the_same_window() -> None:
    other = ImageState.of("1.2", MultiDict(OWN)).other("1.3")
    assert urlsplit(other).path == "/images/1.3"
    assert parameters(other) == {"find": ["date"], "only": ["1"], "center": ["40"], "width": ["400"]}


def test_without_a_search_the_way_back_is_an_empty_one() -> None:
    state = ImageState.of("1.2", MultiDict([("find", "x"), ("after", "stray")]))
    assert (state.search, state.place, state.back) == (None, (), "/search")
    assert state.link(find="") == "/images/1.2"


@pytest.mark.parametrize(
    ("search", "conditions", "excluded", "query", "filters"),
    [
        (None, ("A:=1",), False, "", ["A:=1"]),
        (None, ("A:=1",), True, "", ["-A:=1"]),
        (SearchState("x", ("B:=2",)), ("A:=1",), False, "x", ["B:=2", "A:=1"]),
        (SearchState("x", ("A:=1",)), ("A:=1",), False, "x", ["A:=1"]),
        (SearchState("x", ("A:=1",)), ("A:=1",), True, "x", ["-A:=1"]),
        (SearchState("x", ("-A:=1", "B:=2")), ("A:=1",), False, "x", ["B:=2", "A:=1"]),
        (SearchState("x OR y"), ("A:=1", "A:=2"), False, "(x OR y) A:=1 A:=2", []),
        (SearchState("x OR y"), ("A:=1", "A:=2"), True, "(x OR y) NOT (A:=1 A:=2)", []),
        (None, ("A:=1", "A:=2"), True, "NOT (A:=1 A:=2)", []),
        (None, ('A:="&é +%/\n"',), False, "", ['A:="&é +%/\n"']),
    ],
)
def test_a_search_is_narrowed_down(
    search: SearchState | None, conditions: tuple[str, ...], excluded: bool, query: str, filters: list[str]
) -> None:
    found = parameters(SearchLinks(search).with_all(conditions, excluded=excluded))
    assert found["q"] == [query]
    assert found.get("filter", []) == filters
