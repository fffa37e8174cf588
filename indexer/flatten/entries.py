"""The values of one stored element, as the flattener takes them; pages that link to searches take the same."""

from base64 import b64decode

from indexer.flatten.convert import Scalar
from indexer.reader.header import Entry
from indexer.reader.values import is_printable

GROUPS = ("Alphabetic", "Ideographic", "Phonetic")


def values_of(entry: Entry) -> list[tuple[Scalar, str]] | None:
    """List the values of an element, each with its group where it is a name; None for bytes that are no text."""
    if "BulkDataURI" in entry:
        return None
    inline = entry.get("InlineBinary")
    if inline is not None:
        return _bytes_as_text(entry, b64decode(inline))
    found: list[tuple[Scalar, str]] = []
    for value in entry.get("Value", ()):
        if isinstance(value, dict):
            found.extend((value[group], group) for group in GROUPS if (value.get(group) or "").strip(" ^="))
        elif isinstance(value, str):
            if value.strip():
                found.append((value, ""))
        elif value is not None:
            found.append((value, ""))
    return found


def is_raw(entry: Entry) -> bool:
    """Tell bytes that do not fit the VR which the file gives them: no value of any type, but their digits as text."""
    return entry["vr"] == "UN" and "written_vr" in entry


def _bytes_as_text(entry: Entry, raw: bytes) -> list[tuple[Scalar, str]] | None:
    if "written_vr" in entry:
        return [(raw.hex(), "")]
    if entry["vr"] != "UN" or not is_printable(raw):
        return None
    text = raw.rstrip(b" \0").decode("utf-8")
    return [(part, "") for part in text.split("\\") if part.strip()]
