"""A stored header (DICOM JSON, PS3.18 Annex F) without the values that identify.

Each element stays where it is, and one that is masked says so: `masked` is how many elements it stands for, itself
included, so that the numbers of elements stay right.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from app.deidentified.attributes import Profile
from indexer.flatten.convert import CONVERTERS
from indexer.flatten.entries import is_raw, values_of
from indexer.reader.header import DicomJson, Entry
from mappings.dictionary import Attribute, attribute_of

MASKED = "masked"
_ODD = frozenset("13579BDFbdf")


def masked_header(header: Mapping[str, Entry], profile: Profile) -> DicomJson:
    """Mask a header, with all that is inside of its sequences."""
    return {tag: _masked(tag, entry, profile) for tag, entry in header.items()}


def _masked(tag: str, entry: Entry, profile: Profile) -> Entry:
    attribute = None if tag[3] in _ODD else attribute_of(int(tag, 16))
    if profile.masks(attribute) or attribute is None:
        return mark(entry)
    if entry["vr"] == "SQ":
        if "Value" not in entry:
            return {"vr": "SQ"}
        return {**_kept(entry), "Value": [masked_header(item or {}, profile) for item in entry["Value"]]}
    return _kept(entry) if _fits(attribute, entry) else mark(entry)


def mark(entry: Entry) -> Entry:
    """What stands for an element that is masked."""
    return {"vr": entry["vr"], MASKED: sum(1 for _ in _elements(entry))}


def _kept(entry: Entry) -> Entry:
    """An element with the keys that are known; why a part is missing is told without words of the file."""
    return {key: entry[key] for key in ("vr", "Value", "BulkDataURI", "cut") if key in entry}


def _fits(attribute: Attribute, entry: Entry) -> bool:
    """Whether all values are of the attribute's type: others may be anything."""
    if "InlineBinary" in entry or is_raw(entry):
        return False
    if "BulkDataURI" in entry:
        return True
    convert = CONVERTERS.get(attribute.kind)
    return convert is not None and all(convert(value, entry["vr"]) is not None for value, _ in values_of(entry) or ())


def _elements(entry: Entry) -> Iterator[Entry]:
    """An element and all that are inside of it."""
    waiting = [entry]
    while waiting:
        one = waiting.pop()
        yield one
        if one.get("vr") == "SQ":
            waiting.extend(inner for item in one.get("Value") or () for inner in (item or {}).values())


def is_masked(entry: Mapping[str, Any]) -> bool:
    """Whether an element of a masked header is masked."""
    return MASKED in entry
