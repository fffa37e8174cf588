"""The elements of a header (DICOM JSON, PS3.18 Annex F) as rows: in order, sequences opened and closed.

Without recursion, because sequences may be nested deeper than Python or a template can follow.
"""

import base64
import binascii
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from dataclasses import field as made_by
from typing import Any

from app.web.formats import age, day, day_and_time, file_size, person, time_of_day, uid
from indexer.flatten import Place
from indexer.flatten.entries import values_of
from indexer.reader.header import Entry
from mappings.dictionary import attribute_of

SEPARATOR = " \\ "  # of values (PS3.5 §6.2)
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
    texts, more
        Its values as written, and what tells that there are more than these.
    note
        What the value means, where its form does not say it: the name of a UID, a date as people write it.
    place
        What became of it; None where not asked.
    parts
        The value in pieces, each with whether it is marked.
    match
        Its number among the marked rows of the page; 0 where it is not marked.
    masked
        How many elements it stands for, whose values are masked for whoever asks; 0 where it is shown.
    has_match
        Whether something inside of this item is marked.
    find, exclude, query
        Links to the search for images with the same value, and without it, and that search as text; blank where there
        is none.
    """

    what: str
    tag: str = ""
    keyword: str = ""
    name: str = ""
    vr: str = ""
    texts: list[str] = made_by(default_factory=list)
    more: str = ""
    note: str = ""
    count: int = 0
    empty: bool = False
    masked: int = 0
    level: int = 0
    entry: Entry = made_by(default_factory=dict)
    place: Place | None = None
    parts: list[tuple[str, bool]] = made_by(default_factory=list)
    match: int = 0
    has_match: bool = False
    find: str = ""
    exclude: str = ""
    query: str = ""

    @property
    def value(self) -> str:
        """The values as one text."""
        return SEPARATOR.join(self.texts) + self.more

    @property
    def outcome(self) -> str:
        """What became of it; blank where not asked."""
        return self.place.outcome.value if self.place else ""

    @property
    def field(self) -> str:
        """The field that it is searched by."""
        return next((name for name in self.place.fields if name != "text"), "") if self.place else ""

    @property
    def why(self) -> str:
        """Why it is not simply that."""
        return self.place.why if self.place else ""


def walk(header: Mapping[str, Any]) -> Iterator[Row]:
    """Go through a header in order, into its sequences and out of them again."""
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
            row.texts = ["nested too deep for this page; see the header as JSON"]
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


def _row(tag: str, entry: Entry, creators: Mapping[str, str], level: int) -> Row:
    number = int(tag, 16)
    is_private = bool(number >> 16 & 1)
    attribute = None if is_private else attribute_of(number)
    keyword, name = (attribute.keyword, attribute.name) if attribute else ("", "")
    if is_private:
        is_creator = tag[4:6] == "00" and tag[6:] >= "10"
        name = "Private creator" if is_creator else creators.get(tag[:6], "Private, without creator")
    elif attribute is None:
        name = "Group length" if tag[4:] == "0000" else "Unknown element"
    row = Row("element", f"({tag[:4]},{tag[4:]})", keyword, name, entry.get("vr", ""), entry=entry, level=level)
    row.masked = entry.get("masked", 0)
    if row.masked and is_private:
        row.name = "Private element"
    _fill(row, entry)
    row.empty = not row.value and not row.masked
    return row


def _fill(row: Row, entry: Entry) -> None:
    """Write the values into a row: as many as a page can show."""
    row.note = f"cut: {entry['cut']}" if entry.get("cut") else ""
    if "InlineBinary" in entry:
        as_text = values_of(entry) if row.vr == "UN" and "written_vr" not in entry else None
        row.texts = [str(value)[:_LONGEST] for value, _ in as_text or ()] or [_binary(entry["InlineBinary"])]
        return
    if "BulkDataURI" in entry:
        row.texts = ["binary, not kept"]
        return
    values = entry.get("Value") or []
    if row.vr == "SQ":
        return
    texts = [_text(value) for value in values[:_MOST_VALUES]]
    row.note = row.note or _note(row.vr, texts)
    left = _LONGEST
    for text in texts:
        row.texts.append(text[:left])
        left -= len(text) + len(SEPARATOR)
        if left < 0:
            row.more = " …"
            break
    if len(values) > _MOST_VALUES:
        row.more = f" … ({len(values):,} values)"


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
