"""The entry of one element: its bytes are read as far as the limits allow, and converted by its VR."""

from typing import Any

from indexer.reader.charsets import UNKNOWN_SET, Note, encodings_of
from indexer.reader.header import Entry
from indexer.reader.level import Level
from indexer.reader.representations import BINARY, NUMBERS, STRINGS
from indexer.reader.source import Source
from indexer.reader.values import (
    INLINE_BYTES,
    PRINTABLE_BYTES,
    binary_entry,
    bulk_entry,
    number_entry,
    string_entry,
    tag_entry,
    unknown_entry,
)
from indexer.settings import Limits

CHARACTER_SET, PIXEL_REPRESENTATION = 0x00080005, 0x00280103
# What an element costs in the stored header beside its value.
ENTRY_BYTES = 40


def read_entry(
    source: Source, level: Level, tag: int, vr: str, start: int, length: int, limits: Limits, note: Note
) -> tuple[Entry, int]:
    """Read the value of an element that is no sequence.

    Returns
    -------
    tuple
        The entry, and about how many bytes it takes in the stored header.
    """
    if length == 0:
        return {"vr": vr}, ENTRY_BYTES
    if vr in STRINGS:
        raw = source.take(start, min(length, limits.element_bytes))
        entry = string_entry(vr, raw, length, limits, level.charset, note)
        if tag == CHARACTER_SET or (tag & 0xFF00 == 0 and tag >> 16 & 1):
            _governs(level, tag, entry, note)
        return entry, ENTRY_BYTES + len(raw)
    if vr in BINARY:
        return _binary(source, vr, start, length)
    size = 4 if vr == "AT" else NUMBERS[vr][1]
    raw = source.take(start, min(length, size * limits.values_per_element))
    cost = ENTRY_BYTES + 2 * len(raw)
    if vr == "AT":
        return tag_entry(raw, length, limits, little=level.encoding.little), cost
    entry = number_entry(vr, raw, length, limits, little=level.encoding.little)
    if tag == PIXEL_REPRESENTATION and entry.get("Value") == [1]:
        level.pixel_representation = 1
    return entry, cost


def _binary(source: Source, vr: str, start: int, length: int) -> tuple[Entry, int]:
    if length > (PRINTABLE_BYTES if vr == "UN" else INLINE_BYTES):
        return bulk_entry(vr, length), ENTRY_BYTES
    raw = source.take(start, length)
    return (unknown_entry if vr == "UN" else binary_entry)(vr, raw), ENTRY_BYTES + 2 * length


def _governs(level: Level, tag: int, entry: Entry, note: Note) -> None:
    """Follow the elements that decide how others are read: character set and private creators."""
    values: list[Any] = entry.get("Value", [])
    if tag == CHARACTER_SET:
        level.charset, regular = encodings_of(tuple(value or "" for value in values))
        if not regular:
            note(UNKNOWN_SET)
    elif values and tag & 0xFFFF >= 0x10:
        level.creators[(tag >> 16 << 8) | (tag & 0xFF)] = str(values[0]).strip()
