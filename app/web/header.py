"""A header (DICOM JSON, PS3.18 Annex F) as the rows of a page, in order, sequences opened and closed.

Without recursion, because sequences may be nested deeper than Python or a template can follow.
"""

import base64
import binascii
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from app.web.formats import age, day, day_and_time, file_size, person, time_of_day, uid
from indexer.flatten import Place
from mappings.dictionary import attribute_of

_LONGEST = 1_000
_MOST_VALUES = 64
_DEEPEST = 24
_FORMATS = {"DA": day, "TM": time_of_day, "DT": day_and_time, "AS": age, "UI": uid}


@dataclass(slots=True)
class Row:
    """One element.

    Attributes
    ----------
    what
        `element`, or `sequence`, `item`, `end-item` and `end-sequence` around what is inside.
    tag
        `(0018,0050)`.
    keyword, name
        Of the standard; of private elements the creator.
    note
        What the value means, where its form does not say it: the name of a UID, a date as people write it.
    outcome, field, why
        What became of it, the field that it is searched by, and why it is not simply that; blank where not asked.
    """

    what: str
    tag: str = ""
    keyword: str = ""
    name: str = ""
    vr: str = ""
    value: str = ""
    note: str = ""
    count: int = 0
    empty: bool = False
    level: int = 0
    outcome: str = ""
    field: str = ""
    why: str = ""


@dataclass(slots=True)
class HeaderView:
    """The rows of a page.

    Attributes
    ----------
    elements
        How many elements the header has.
    found
        How many of them fit the filter.
    shown
        How many rows of elements there are.
    is_cut
        Whether there would be more.
    """

    rows: list[Row] = field(default_factory=list)
    elements: int = 0
    found: int = 0
    shown: int = 0
    is_cut: bool = False


def header_events(header: Mapping[str, Any], wanted: str, most: int, places: Iterable[Place] = ()) -> HeaderView:
    """Make the rows of a header.

    Parameters
    ----------
    header
        DICOM JSON.
    wanted
        Shows only elements that have this text in tag, keyword, name or value, with the sequences around them; of a
        sequence that has it, all that is inside.
    most
        Elements to show.
    places
        What became of each element, as the flattener tells it of this header, in its order.
    """
    where = _Where(places)
    view = HeaderView()
    needle = wanted.casefold()
    around: list[Row] = []  # sequences and items that are open
    opened = 0  # how many of these are among the rows
    inside = 0  # how many there are around a sequence that fits, itself included; 0 outside of any
    for row in _walk(header):
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
        view.elements += 1
        where.note_in(row)
        fits = _fits(row, needle)
        view.found += fits
        if fits and row.what == "sequence" and not inside:
            inside = len(around)
        if not (fits or inside):
            continue
        if view.shown == most:
            view.is_cut = True
            continue
        view.shown += 1
        view.rows.extend(around[opened:])
        opened = len(around)
        if row.what == "element":
            view.rows.append(row)
    return view


class _Where:
    """Goes along with the rows of a header through the places of its elements, both in the order of the header."""

    def __init__(self, places: Iterable[Place]) -> None:
        self._places = iter(places)

    def note_in(self, row: Row) -> None:
        """Write into a row what became of its element."""
        tag = row.tag.strip("()").replace(",", "")
        for place in self._places:
            # A page opens fewer levels than there are places.
            if place.depth <= row.level and place.tag == tag:
                row.outcome, row.why = place.outcome, place.why
                row.field = next((field for field in place.fields if field != "text"), "")
                return


def _fits(row: Row, needle: str) -> bool:
    if not needle:
        return True
    texts = (row.tag, row.tag.strip("()").replace(",", ""), row.keyword, row.name, row.value, row.note)
    return any(needle in text.casefold() for text in texts)


def _walk(header: Mapping[str, Any]) -> Iterator[Row]:
    stack: list[tuple[Iterator[Any], Row | None, dict[str, str]]] = [(iter(header.items()), None, _creators(header))]
    while stack:
        items, closing, creators = stack[-1]
        entry = next(items, None)
        if entry is None:
            stack.pop()
            if closing is not None:
                yield closing
            continue
        if not isinstance(entry[0], str):  # an item of a sequence: its number and its data set
            number, dataset = entry
            level = len(stack) // 2
            yield Row("item", count=number, level=level)
            dataset = dataset if isinstance(dataset, Mapping) else {}
            stack.append((iter(dataset.items()), Row("end-item", level=level), _creators(dataset)))
            continue
        tag, element = entry
        row = _row(tag, element, creators, len(stack) // 2)
        values = element.get("Value") or []
        if row.vr != "SQ" or not values:
            yield row
        elif row.level >= _DEEPEST:
            row.value = "nested too deep for this page; see the header as JSON"
            yield row
        else:
            row.what, row.count = "sequence", len(values)
            yield row
            stack.append((iter(enumerate(values, 1)), Row("end-sequence", level=row.level), {}))


def _creators(dataset: Mapping[str, Any]) -> dict[str, str]:
    """The private creators of a data set, by group and block."""
    return {
        tag[:4] + tag[6:]: str((entry.get("Value") or [""])[0])
        for tag, entry in dataset.items()
        if tag[4:6] == "00" and int(tag[:4], 16) % 2
    }


def _row(tag: str, entry: Mapping[str, Any], creators: Mapping[str, str], level: int) -> Row:
    number = int(tag, 16)
    is_private = bool(number >> 16 & 1)
    attribute = None if is_private else attribute_of(number)
    keyword, name = (attribute.keyword, attribute.name) if attribute else ("", "")
    if is_private:
        is_creator = tag[4:6] == "00" and tag[6:] >= "10"
        name = "Private creator" if is_creator else creators.get(tag[:6], "Private, without creator")
    elif attribute is None:
        name = "Group length" if tag[4:] == "0000" else "Unknown element"
    value, note = _value(entry)
    empty = not value
    return Row("element", f"({tag[:4]},{tag[4:]})", keyword, name, entry.get("vr", ""), value, note, 0, empty, level)


def _value(entry: Mapping[str, Any]) -> tuple[str, str]:
    vr = entry.get("vr", "")
    cut = f"cut: {entry['cut']}" if entry.get("cut") else ""
    if "InlineBinary" in entry:
        return _binary(entry["InlineBinary"]), cut
    if "BulkDataURI" in entry:
        return "binary, not kept", cut
    values = entry.get("Value") or []
    if vr == "SQ":
        return "", cut
    texts = [_text(value) for value in values[:_MOST_VALUES]]
    text = " \\ ".join(texts)
    if len(text) > _LONGEST:
        text = text[:_LONGEST] + " …"
    if len(values) > _MOST_VALUES:
        text += f" … ({len(values):,} values)"
    return text, cut or _note(vr, texts)


def _note(vr: str, texts: list[str]) -> str:
    known = person if vr == "PN" else _FORMATS.get(vr)
    if known is None or len(texts) != 1:
        return ""
    meaning = known(texts[0])
    return meaning if meaning != texts[0] else ""


def _text(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, Mapping):
        groups = [str(value.get(group, "")) for group in ("Alphabetic", "Ideographic", "Phonetic")]
        return "=".join(groups).rstrip("=")
    return str(value)


def _binary(text: str) -> str:
    try:
        raw = base64.b64decode(text)
    except (binascii.Error, ValueError):
        return "binary"
    start = raw[:16].hex(" ")
    return f"{start}{' …' if len(raw) > 16 else ''} ({file_size(len(raw))})" if raw else ""
