"""The bytes of one element as its entry of the DICOM JSON Model (PS3.18 Annex F).

Values stay as they were written: decimal and integer strings, dates and times as strings. What does not fit its VR so
badly that no reader of DICOM JSON could take it is kept under a VR that fits, and the file's VR is told beside it
(`written_vr`). The flattener decides what the values mean.
"""

import math
import struct
from base64 import b64encode
from collections.abc import Sequence
from typing import Any

from indexer.reader.charsets import DEFAULT, Note, decode
from indexer.reader.header import Entry
from indexer.reader.representations import NUMBERS, SINGLE_VALUED, STRINGS, TEXT
from indexer.settings import Limits

# Binary values of this size are kept; of longer ones the header tells the length.
INLINE_BYTES = 64
# Unknown elements (VR UN) are often text: kept to this size where they look like it.
PRINTABLE_BYTES = 1_024

NUL_IN_TEXT = "NUL characters inside text"
_PADDING = " \0"
_PLAIN = (DEFAULT,)
# One value in so few bytes needs nothing else where its VR is one of these.
_SIMPLE = (STRINGS - SINGLE_VALUED) - {"DS", "IS", "PN"}
SHORT = 32
_GROUPS = ("Alphabetic", "Ideographic", "Phonetic")


def bulk_entry(vr: str, length: int | None) -> Entry:
    """Describe a value that is not kept, by its length in bytes (None where the file does not tell it)."""
    return {"vr": vr, "BulkDataURI": f"?length={'undefined' if length is None else length}"}


def binary_entry(vr: str, raw: bytes) -> Entry:
    """Keep a small binary value."""
    return {"vr": vr, "InlineBinary": b64encode(raw).decode("ascii")}


def is_printable(raw: bytes) -> bool:
    """Tell whether bytes of unknown meaning are text: UTF-8 without control characters."""
    try:
        text = raw.rstrip(b" \0").decode("utf-8")
    except UnicodeDecodeError:
        return False
    return bool(text) and all(character.isprintable() or character in "\r\n\t" for character in text)


def unknown_entry(vr: str, raw: bytes) -> Entry:
    """Keep a value of unknown meaning where it is small or text."""
    if len(raw) <= INLINE_BYTES or is_printable(raw):
        return binary_entry(vr, raw)
    return bulk_entry(vr, len(raw))


def number_entry(vr: str, raw: bytes, length: int, limits: Limits, *, little: bool) -> Entry:
    """Convert binary numbers.

    Parameters
    ----------
    raw
        The first bytes of the value, at least as many as the limit of values needs.
    length
        Of the whole value, in bytes.
    """
    code, size = NUMBERS[vr]
    if length % size:
        return {**unknown_entry("UN", raw), "written_vr": vr}
    count = length // size
    kept = min(count, limits.values_per_element)
    if count == 1 and code not in "fd":
        return {"vr": vr, "Value": [int.from_bytes(raw, "little" if little else "big", signed=code.islower())]}
    values: list[Any] = list(struct.unpack_from(f"{'<' if little else '>'}{kept}{code}", raw))
    if code in "fd" and not all(map(math.isfinite, values)):
        values = [_float(value) for value in values]
    entry: Entry = {"vr": vr, "Value": values}
    if kept < count:
        entry["cut"] = f"{kept} of {count} values"
    return entry


def _float(value: float) -> float | str:
    if math.isnan(value):
        return "NaN"
    return value if math.isfinite(value) else ("Infinity" if value > 0 else "-Infinity")


def tag_entry(raw: bytes, length: int, limits: Limits, *, little: bool) -> Entry:
    """Convert attribute tags (AT)."""
    if length % 4:
        return {**unknown_entry("UN", raw), "written_vr": "AT"}
    kept = min(length // 4, limits.values_per_element)
    words = struct.unpack_from(f"{'<' if little else '>'}{kept * 2}H", raw)
    entry: Entry = {"vr": "AT", "Value": [f"{words[i]:04X}{words[i + 1]:04X}" for i in range(0, len(words), 2)]}
    if kept < length // 4:
        entry["cut"] = f"{kept} of {length // 4} values"
    return entry


def string_entry(vr: str, raw: bytes, length: int, limits: Limits, encodings: Sequence[str], note: Note) -> Entry:
    """Convert strings of any kind.

    Parameters
    ----------
    raw
        The value, or its beginning where it is longer than the limit of bytes.
    length
        Of the whole value, in bytes.
    """
    text = decode(raw, encodings if vr in TEXT else _PLAIN, note, is_name=vr == "PN")
    if vr in _SIMPLE and "\\" not in text and "\0" not in text[:-1] and len(raw) == length <= SHORT:
        value = text.rstrip(_PADDING)
        return {"vr": vr, "Value": [value]} if value else {"vr": vr}
    cut = f"{len(raw)} of {length} bytes" if len(raw) < length else None
    strings = [text] if vr in SINGLE_VALUED else text.split("\\")
    if len(strings) > limits.values_per_element:
        cut = cut or f"{limits.values_per_element} of {len(strings)} values"
        strings = strings[: limits.values_per_element]
    strings = [string.rstrip(_PADDING) for string in strings]
    if "\0" in text:
        strings = [_without_nul(string, note) for string in strings]
    if len(raw) > limits.value_characters // 2:
        shortened = [cut_text(string, limits.value_characters) for string in strings]
        if shortened != strings:
            cut = cut or f"{limits.value_characters} characters of a longer value"
            strings = shortened
    entry: Entry = {"vr": vr}
    if any(strings):
        entry["Value"] = [_name(string) for string in strings] if vr == "PN" else [string or None for string in strings]
    if vr in _UNFIT and not all(map(_UNFIT[vr], strings)):
        entry["vr"], entry["written_vr"] = "LO", vr
    if cut:
        entry["cut"] = cut
    return entry


def _without_nul(string: str, note: Note) -> str:
    if "\0" not in string:
        return string
    note(NUL_IN_TEXT)
    return string.replace("\0", " ").rstrip()


def cut_text(text: str, limit: int) -> str:
    """Shorten a text to a number of UTF-16 units, which is how Elasticsearch counts characters."""
    if len(text) <= limit // 2:
        return text
    if text.isascii():
        return text[:limit]
    return text.encode("utf-16-le")[: limit * 2].decode("utf-16-le", errors="ignore")


def _name(value: str) -> dict[str, str] | None:
    groups = value.split("=", 2)
    return {_GROUPS[i]: group for i, group in enumerate(groups) if group} or None


def _is_decimal(string: str) -> bool:
    try:
        float(string or 0)
    except ValueError:
        return False
    return True


def _is_integer(string: str) -> bool:
    try:
        int(string or 0)
    except ValueError:
        return False
    return True


_UNFIT = {"DS": _is_decimal, "IS": _is_integer}
