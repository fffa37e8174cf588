"""A header as a page shows it: filtered, bounded, with what became of each element and what a query marks in it."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from app.search.conditions import listed_names
from app.search.marks import Condition, Element, Marks, spans_in
from app.search.matching import Spans
from app.web.header_rows import SEPARATOR, Row, walk
from indexer.flatten import Place
from indexer.flatten.convert import number_text
from indexer.flatten.entries import values_of
from indexer.settings import Limits


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which elements a page shows.

    Attributes
    ----------
    text
        Only elements that have it in tag, keyword, name or value, with the sequences around them; of a sequence that
        has it, all that is inside.
    only_marked
        Only elements that are marked.
    most
        How many, at most.
    """

    text: str = ""
    only_marked: bool = False
    most: int = 1_000


@dataclass(slots=True)
class HeaderView:
    """The rows of a page.

    Attributes
    ----------
    elements
        How many elements the header has.
    masked
        How many of them are masked for whoever asks.
    found
        How many of them fit the filter.
    shown
        How many rows of elements there are.
    is_cut
        Whether there would be more.
    matches, matches_shown
        How many elements are marked, in the whole header and on the page.
    """

    rows: list[Row] = field(default_factory=list)
    elements: int = 0
    masked: int = 0
    found: int = 0
    shown: int = 0
    is_cut: bool = False
    matches: int = 0
    matches_shown: int = 0


def view_header(
    header: Mapping[str, Any],
    wanted: Wanted,
    places: Iterable[Place] = (),
    marks: Marks | None = None,
    limits: Limits | None = None,
) -> HeaderView:
    """Make the rows of a header.

    Parameters
    ----------
    header
        DICOM JSON.
    wanted
        What of it is shown.
    places
        What became of each element, as the flattener tells it of this header, in its order.
    marks
        What is marked in it.
    limits
        With which it was flattened.
    """
    along = _Along(places)
    marker = _Marker(marks or Marks(), limits or Limits())
    view = HeaderView()
    needle = wanted.text.casefold()
    around: list[Row] = []  # sequences and items that are open
    opened = 0  # how many of these are among the rows
    inside = 0  # how many there are around a sequence that fits, itself included; 0 outside of any
    for row in walk(header):
        if row.what in ("end-item", "end-sequence"):
            if opened == len(around):
                view.rows.append(row)
                opened -= 1
            inside = 0 if inside == len(around) else inside
            around.pop()
            continue
        if row.what in ("sequence", "item"):
            around.append(row)
        if row.what == "item":
            continue
        view.elements += row.masked or 1
        view.masked += row.masked
        along.note_in(row)
        fulfilled = marker.of(row)
        view.matches += bool(fulfilled)
        fits = _fits(row, needle) and (bool(fulfilled) or not wanted.only_marked)
        view.found += fits
        if fits and row.what == "sequence" and not inside:
            inside = len(around)
        if not (fits or inside):
            continue
        if view.shown == wanted.most:
            view.is_cut = True
            continue
        view.shown += 1
        if fulfilled:
            view.matches_shown += 1
            row.match = view.matches_shown
            for each in around:
                each.has_match = True
        row.parts = _parts(row, fulfilled)
        view.rows.extend(around[opened:])
        opened = len(around)
        if row.what == "element":
            view.rows.append(row)
    return view


class _Along:
    """Goes along with the rows of a header through the places of its elements, both in the order of the header."""

    def __init__(self, places: Iterable[Place]) -> None:
        self._places = iter(places)

    def note_in(self, row: Row) -> None:
        """Write into a row what became of its element."""
        tag = row.tag.strip("()").replace(",", "")
        for place in self._places:
            # A page opens fewer levels than there are places.
            if place.depth <= row.level and place.tag == tag:
                # Of what is masked it is not known what became of it.
                row.place = None if row.masked else place
                return


class _Marker:
    """Asks of each row what a query has to do with it."""

    def __init__(self, marks: Marks, limits: Limits) -> None:
        self._marks = marks
        self._limits = limits

    def of(self, row: Row) -> tuple[Condition, ...]:
        """The conditions that the element of a row fulfils."""
        if not self._marks or row.masked:
            return ()
        values = values_of(row.entry) if row.vr != "SQ" else ()
        texts = tuple(v if isinstance(v, str) else number_text(v, row.vr) for v, _ in values or ())
        return self._marks.of(Element(_fields(row), self._names(row), texts))

    def _names(self, row: Row) -> tuple[str, ...]:
        return listed_names(row.place, self._limits) if row.place else (row.keyword,)


def _fields(row: Row) -> frozenset[str]:
    """The fields that hold an element; where the flattener was not asked, those that its keyword tells."""
    if row.place is None:
        usual = row.keyword if row.level == 0 else f"nested.{row.keyword}"
        return frozenset(("sequences",) if row.what == "sequence" else (usual, "text"))
    # The names of creators are among the words of a header.
    return frozenset((*row.place.fields, "text") if "creators" in row.place.fields else row.place.fields)


def _fits(row: Row, needle: str) -> bool:
    if not needle:
        return True
    texts = (row.tag, row.tag.strip("()").replace(",", ""), row.keyword, row.name, row.value, row.note)
    return any(needle in text.casefold() for text in texts)


def _parts(row: Row, fulfilled: tuple[Condition, ...]) -> list[tuple[str, bool]]:
    """The value of a row in pieces that are marked and pieces that are not."""
    if not fulfilled:
        return [(row.value, False)] if row.value else []
    parts: list[tuple[str, bool]] = []
    for number, text in enumerate(row.texts):
        if number:
            parts.append((SEPARATOR, False))
        parts += _pieces(text, spans_in(fulfilled, text))
    return [*parts, (row.more, False)] if row.more else parts


def _pieces(text: str, spans: Spans) -> list[tuple[str, bool]]:
    pieces = []
    at = 0
    for start, end in spans:
        pieces += [(text[at:start], False), (text[start:end], True)]
        at = end
    return [piece for piece in (*pieces, (text[at:], False)) if piece[0]]
