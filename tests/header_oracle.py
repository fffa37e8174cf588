"""What pydicom sees in a file, element by element: the judge of reader and flattener, independent of both.

It walks data sets that pydicom has read, decides by the standard what should become of each element, and says which
values must stand where. It knows the names of the document's fields and nothing of the code that fills them.
"""

import datetime
import gzip
import io
import re
import struct
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pydicom
from pydicom import config
from pydicom.datadict import dictionary_keyword, dictionary_VR, keyword_for_tag, repeater_has_tag
from pydicom.dataset import Dataset
from pydicom.filewriter import correct_ambiguous_vr_element
from pydicom.multival import MultiValue
from pydicom.sequence import Sequence
from pydicom.valuerep import PersonName
from pydicom.values import convert_SQ

BINARY_VRS = {"OB", "OW", "OF", "OD", "OL", "OV", "UN", "OB or OW", "US or OW", "US or SS or OW"}
TEXT_VRS = {"LO", "SH", "ST", "LT", "UC", "UT"}
LONG_VRS = {"IS", "US", "SS", "UL", "SL", "UV", "SV", "US or SS", "US or OW", "US or SS or OW"}
DOUBLE_VRS = {"DS", "FL", "FD"}
PIXELS = {0x7FE00008, 0x7FE00009, 0x7FE00010}


@dataclass
class Expected:
    """One element and what must become of it."""

    path: str  # keywords from the top, without the numbers of items
    tag: int
    vr: str
    keyword: str  # empty for private and unknown ones
    creator: str
    depth: int
    values: list[Any] = field(default_factory=list)  # what pydicom read, without empty ones
    kind: str = "value"  # value, empty, binary, structural


def read_with_pydicom(path: Path) -> Dataset:
    """Read all before the pixel data, as forgiving as pydicom can be, and without the warnings."""
    raw = path.read_bytes()
    if raw.startswith(b"\x1f\x8b"):
        raw = gzip.decompress(raw)
    with lenient_pydicom():
        return pydicom.dcmread(io.BytesIO(raw), force=True, stop_before_pixels=True)


@contextmanager
def lenient_pydicom() -> Iterator[None]:
    """Let pydicom take values as they are, and not warn."""
    old = config.settings.reading_validation_mode
    config.settings.reading_validation_mode = config.IGNORE
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        config.settings.reading_validation_mode = old


def expected_elements(dataset: Dataset) -> list[Expected]:
    """List all elements of a data set with its meta header, at any depth."""
    with lenient_pydicom():
        meta = getattr(dataset, "file_meta", None)
        found = list(_walk(meta, "", 0, [])) if meta else []
        return found + list(_walk(dataset, "", 0, []))


def _walk(dataset: Dataset, prefix: str, depth: int, ancestors: list[Dataset]) -> Iterator[Expected]:
    line = [dataset, *ancestors]
    for tag in sorted(dataset.keys()):
        number = int(tag)
        try:
            element = dataset[tag]
        except Exception:
            # A number that is none, a value of a wrong length: pydicom refuses, the bytes are there.
            raw = dataset.get_item(tag)
            yield Expected(prefix + _name(dataset, number), number, "??", _keyword(number), "", depth, [], "refused")
            assert raw is not None
            continue
        if " or " in element.VR and number not in PIXELS:
            element = correct_ambiguous_vr_element(element, dataset, True, line)
        name = _name(dataset, number)
        expected = Expected(prefix + name, number, str(element.VR), _keyword(number), _creator(dataset, number), depth)
        value = element.value
        if element.VR == "UN" and isinstance(value, bytes) and value.startswith(b"\xfe\xff\x00\xe0"):
            value = convert_SQ(value, True, True)
        if isinstance(value, Sequence):
            expected.kind = "structural" if len(value) else "empty"
            yield expected
            for item in value:
                yield from _walk(item, f"{prefix}{name}.", depth + 1, line)
            continue
        yield _judged(expected, value)


def _judged(expected: Expected, value: Any) -> Expected:
    element = expected.tag & 0xFFFF
    if element == 0 or (expected.tag >> 16 & 1 and 0x10 <= element <= 0xFF):
        expected.kind = "structural"
    elif expected.vr in BINARY_VRS or expected.tag in PIXELS or isinstance(value, bytes):
        text = _printable(value) if expected.vr == "UN" else None
        expected.values = [text] if text else []
        expected.kind = "empty" if not value else "value" if text else "binary"
    else:
        listed = list(value) if isinstance(value, MultiValue | list) else [value]
        expected.values = [one for one in listed if one is not None and _has_content(one)]
        expected.kind = "value" if expected.values else "empty"
    return expected


def _has_content(value: Any) -> bool:
    return bool(str(value).replace("\0", " ").strip(" ^=\r\n\t\f" if isinstance(value, PersonName) else None))


def _printable(raw: Any) -> str | None:
    if not isinstance(raw, bytes) or len(raw) > 1_024:
        return None
    try:
        text = raw.rstrip(b" \0").decode()
    except UnicodeDecodeError:
        return None
    return text if all(c.isprintable() or c in "\r\n\t" for c in text) else None


def _keyword(tag: int) -> str:
    if tag >> 16 & 1:
        return ""
    return keyword_for_tag(tag) or (dictionary_keyword(tag) if repeater_has_tag(tag) else "")


def _creator(dataset: Dataset, tag: int) -> str:
    if not tag >> 16 & 1:
        return ""
    block = tag >> 8 & 0xFF
    element = dataset.get((tag >> 16, block)) if block >= 0x10 else None
    value = "" if element is None else element.value
    text = str(value[0] if isinstance(value, MultiValue) else value or "")
    return text.replace("\0", " ").strip()[:128] or "none"


def _name(dataset: Dataset, tag: int) -> str:
    if tag >> 16 & 1:
        group, block, element = f"{tag >> 16:04X}", tag >> 8 & 0xFF, f"{tag & 0xFF:02X}"
        return f"{_creator(dataset, tag)}:" + (f"{group}xx{element}" if block else f"{tag:08X}")
    return _keyword(tag) or f"{tag:08X}"


def problems(document: dict[str, Any], expected: Expected) -> list[str]:
    """Tell what is missing of one element in the document; nothing where all is well."""
    if expected.kind == "structural":
        return []
    if expected.kind == "empty":
        return [] if expected.path in as_list(document.get("empty")) or _is_long(expected) else ["not in `empty`"]
    if expected.kind in {"binary", "refused"}:
        return []
    return [problem for value in expected.values for problem in _missing(document, expected, value)]


def as_list(value: Any) -> list[Any]:
    """Read a field that has one value, several, or none."""
    return [] if value is None else value if isinstance(value, list) else [value]


def _is_long(expected: Expected) -> bool:
    return len(expected.path) > 256 or expected.depth > 16


def written(value: Any) -> list[str]:
    """Write a value of pydicom as the file has it; a name as its groups."""
    if isinstance(value, PersonName):
        groups = str(value).split("=", 2)
        return [group.strip() for group in groups if group.strip(" ^=")]
    text = str(getattr(value, "original_string", None) or value)
    if isinstance(value, pydicom.tag.BaseTag):
        text = f"{int(value):08X}"
    elif isinstance(value, float) and not hasattr(value, "original_string"):
        text = str(int(value)) if value.is_integer() and abs(value) < 1e16 else repr(value)
    return [text.replace("\0", " ").strip()]


def _missing(document: dict[str, Any], expected: Expected, value: Any) -> Iterator[str]:
    for text in written(value):
        if expected.vr in {"FL", "OF"}:
            continue  # 32-bit floats are written shorter; the typed field is compared below
        if expected.kind == "value" and isinstance(value, str) and expected.vr == "UN":
            parts = [part.strip() for part in text.split("\\") if part.strip()]
        else:
            parts = [text]
        for part in parts:
            if part not in document["text"]:
                yield f"{part!r} not in `text`"
            yield from _missing_in_field(document, expected, part)
    if expected.vr == "FL" and expected.keyword:
        yield from _missing_float(document, expected, float(value))


def _fields_of(document: dict[str, Any], expected: Expected) -> dict[str, Any]:
    return document if expected.depth == 0 else document.get("nested", {})


def same_float(one: float, other: float) -> bool:
    """Compare as 32-bit floats: a shorter decimal of the same float is the same, and so is zero with a sign."""
    return struct.pack("<f", one + 0.0) == struct.pack("<f", other + 0.0)


def _missing_float(document: dict[str, Any], expected: Expected, value: float) -> Iterator[str]:
    found = as_list(_fields_of(document, expected).get(expected.keyword))
    if dictionary_VR(expected.tag) in DOUBLE_VRS and not any(same_float(one, value) for one in found):
        yield f"{value!r} not in the field"


def _missing_in_field(document: dict[str, Any], expected: Expected, text: str) -> Iterator[str]:
    if not expected.keyword:
        if expected.creator:
            key = expected.path.rsplit(":", 1)[1]
            found = as_list(document["private"].get(expected.creator, {}).get(key))
        else:
            found = as_list(document.get("other", {}).get(f"{expected.tag:08X}"))
        if text not in found:
            yield f"{text!r} not in private or other"
        return
    vr = dictionary_VR(expected.tag)
    if vr in BINARY_VRS - LONG_VRS or vr == "SQ":
        if text not in as_list(document.get("other", {}).get(f"{expected.tag:08X}")):
            yield f"{text!r} not in `other`"
        return
    typed = _typed(vr, text)
    if typed is None:
        if text not in as_list(document.get("malformed", {}).get(expected.path)):
            yield f"{text!r} not in `malformed`"
        return
    if typed not in as_list(_fields_of(document, expected).get(expected.keyword)):
        yield f"{typed!r} not in the field"
    elif expected.depth and not _is_long(expected) and not as_list(document.get("path", {}).get(expected.path)):
        yield f"nothing in `path.{expected.path}`"


def _typed(vr: str, text: str) -> Any:
    if vr in LONG_VRS or vr in DOUBLE_VRS:
        try:
            number = float(text)
        except ValueError:
            return None
        if vr in DOUBLE_VRS:
            return number if number - number == 0 else None
        if not number.is_integer():
            return None
        whole = int(text) if re.fullmatch(r"[+-]?\d+", text) else int(number)
        return whole if -(2**63) <= whole < 2**63 else None
    if vr == "DA":
        return _date(text)
    if vr == "TM":
        found = re.fullmatch(r"(\d\d):?(\d\d)?:?(\d\d)?(?:\.(\d+))?", text)
        if not found or int(found[1]) > 23 or int(found[2] or 0) > 59 or int(found[3] or 0) > 60:
            return None
        return f"{found[1]}{found[2] or '00'}{found[3] or '00'}.{(found[4] or '')[:6]:<06}"
    if vr == "DT":
        day = _date(text[:8]) if re.match(r"\d{8}", text) else None
        rest = text[8:14]
        if day is None or not re.fullmatch(r"\d{8}(\d{6}(\.\d+)?([+-]\d{4})?)?", text):
            return None
        fraction = (re.search(r"\.\d+", text) or [""])[0].rstrip("0").rstrip(".")
        zone = re.search(r"([+-]\d\d)(\d\d)$", text)
        at = f"T{rest[:2]}:{rest[2:4]}:{rest[4:6]}{fraction}" if rest else ""
        return day + at + (f"{zone[1]}:{zone[2]}" if zone and at else "")
    if vr == "AS":
        return text.rjust(4, "0") if re.fullmatch(r"\d{1,3}[DWMY]", text) else None
    return text


def _date(text: str) -> str | None:
    digits = text.replace(".", "").replace("-", "")
    try:
        return (
            datetime.date(int(digits[:4]), int(digits[4:6]), int(digits[6:])).isoformat() if len(digits) == 8 else None
        )
    except ValueError:
        return None


def fields_outside(document: dict[str, Any], properties: dict[str, Any], prefix: str = "") -> list[str]:
    """Name the fields of a document that a mapping does not have, or has as another kind of thing."""
    found = []
    for name, value in document.items():
        definition = properties.get(name)
        if definition is None:
            found.append(prefix + name)
        elif definition["type"] == "object":
            for inner in as_list(value):
                found += fields_outside(inner, definition["properties"], f"{prefix}{name}.")
        elif isinstance(value, dict) and definition["type"] != "flattened":
            found.append(prefix + name)
    return found
