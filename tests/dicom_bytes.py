"""DICOM files written byte by byte, for what no writer would write: wrong lengths, stray delimiters, odd encodings."""

import struct
from pathlib import Path

UNDEFINED = 0xFFFFFFFF
LONG_FORM = {"OB", "OW", "OF", "OD", "OL", "OV", "SQ", "UC", "UN", "UR", "UT", "SV", "UV"}
EXPLICIT_LITTLE = "1.2.840.10008.1.2.1"
IMPLICIT_LITTLE = "1.2.840.10008.1.2"
ITEM, ITEM_END, SEQUENCE_END = 0xFFFEE000, 0xFFFEE00D, 0xFFFEE0DD


def tag_bytes(tag: int, order: str = "<") -> bytes:
    return struct.pack(order + "HH", tag >> 16, tag & 0xFFFF)


def explicit(tag: int, vr: str, value: bytes, length: int | None = None, order: str = "<") -> bytes:
    """An element with explicit VR; the length may be a lie."""
    length = len(value) if length is None else length
    if vr in LONG_FORM:
        return tag_bytes(tag, order) + vr.encode() + b"\0\0" + struct.pack(order + "I", length) + value
    return tag_bytes(tag, order) + vr.encode() + struct.pack(order + "H", length) + value


def implicit(tag: int, value: bytes, length: int | None = None) -> bytes:
    """An element with implicit VR; the length may be a lie."""
    return tag_bytes(tag) + struct.pack("<I", len(value) if length is None else length) + value


def item(content: bytes, length: int | None = None) -> bytes:
    """An item of defined length."""
    return implicit(ITEM, content, length)


def open_item(content: bytes, *, closed: bool = True) -> bytes:
    """An item of undefined length."""
    return implicit(ITEM, content, UNDEFINED) + (implicit(ITEM_END, b"") if closed else b"")


def open_sequence(tag: int, items: bytes, *, closed: bool = True) -> bytes:
    """A sequence of undefined length, explicit VR."""
    return explicit(tag, "SQ", items, UNDEFINED) + (implicit(SEQUENCE_END, b"") if closed else b"")


def text(value: str) -> bytes:
    raw = value.encode()
    return raw + b" " * (len(raw) % 2)


def meta(syntax: str = EXPLICIT_LITTLE, uid: str = "1.2.3") -> bytes:
    """Preamble and file meta information."""
    elements = (
        explicit(0x00020002, "UI", text("1.2.840.10008.5.1.4.1.1.7"))
        + explicit(0x00020003, "UI", text(uid))
        + explicit(0x00020010, "UI", syntax.encode() + b"\0" * (len(syntax) % 2))
    )
    return b"\0" * 128 + b"DICM" + explicit(0x00020000, "UL", struct.pack("<I", len(elements))) + elements


UID = explicit(0x00080018, "UI", text("1.2.3"))
MODALITY = explicit(0x00080060, "CS", b"CT")
ROWS = explicit(0x00280010, "US", b"\x10\x00")


def write(folder: Path, content: bytes, name: str = "image.dcm") -> Path:
    path = folder / name
    path.write_bytes(content)
    return path
