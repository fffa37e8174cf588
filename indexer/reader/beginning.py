"""The first bytes of a file: is it DICOM, where does its data set start, and how is it encoded.

Real files lack the preamble, or the meta header, or tell a transfer syntax that is not theirs. The bytes of the first
element decide; a departure from what the meta header says is forgiven and noted.
"""

import struct

from indexer.reader.encoding import Encoding
from indexer.reader.header import DicomJson
from indexer.reader.representations import EXPLICIT, dictionary_vr
from indexer.reader.source import Source
from mappings.dictionary import attribute_of

PREAMBLE = 128
IMPLICIT_LITTLE = "1.2.840.10008.1.2"
BIG_ENDIAN = "1.2.840.10008.1.2.2"
DEFLATED = frozenset({"1.2.840.10008.1.2.1.99", "1.2.840.10008.1.2.4.95"})
GE_PRIVATE_IMPLICIT = "1.2.840.113619.5.2"
MEDIA_DIRECTORY = "1.2.840.10008.1.3.10"
GZIP_MAGIC = b"\x1f\x8b\x08"


def find_start(source: Source) -> tuple[int, str | None] | None:
    """Find where the elements begin.

    Returns
    -------
    tuple or None
        Offset of the first element and what had to be forgiven; None for a file that is not DICOM.
    """
    if source.has(0, PREAMBLE + 4) and source.buffer[PREAMBLE : PREAMBLE + 4] == b"DICM":
        return PREAMBLE + 4, None
    if source.buffer[:4] == b"DICM":
        return 4, "no preamble"
    if _looks_like_elements(source.buffer):
        return 0, "no preamble"
    return None


def _looks_like_elements(begin: bytes) -> bool:
    """Tell whether bytes are two elements, of groups 0002 or 0008, in any encoding."""
    for encoding in (Encoding(True, True), Encoding(False, True), Encoding(True, False), Encoding(False, False)):
        first = _element(begin, 0, encoding)
        if first is None or first[0] >> 16 not in {0x0002, 0x0008}:
            continue
        second = _element(begin, first[1], encoding)
        if second is not None and second[0] > first[0]:
            return True
        if first[1] == len(begin):
            return True  # a file of one element
    return False


def _element(begin: bytes, offset: int, encoding: Encoding) -> tuple[int, int] | None:
    """Read tag and end of a known public element, None where there is none."""
    order = "<" if encoding.little else ">"
    prefix = begin[offset : offset + 12]
    if len(prefix) < 8:
        return None
    group, element = struct.unpack_from(order + "HH", prefix)
    tag = int(group) << 16 | int(element)
    if dictionary_vr(tag) is None and not group & 1:
        return None
    if not encoding.explicit:
        (length,) = struct.unpack_from(order + "I", prefix, 4)
        return (tag, offset + 8 + int(length)) if length < 0x10000 or length == 0xFFFFFFFF else None
    known = EXPLICIT.get(prefix[4:6])
    if known is None:
        return None
    if known[1]:
        (length,) = struct.unpack_from(order + "I", prefix.ljust(12, b"\0"), 8)
        return tag, offset + 12 + int(length)
    (length,) = struct.unpack_from(order + "H", prefix, 6)
    return tag, offset + 8 + int(length)


def meta_encoding(begin: bytes) -> Encoding:
    """Tell how the file meta information is encoded: explicit little endian, but for a few old writers."""
    return Encoding(begin[4:6] in EXPLICIT, begin[:2] != b"\x00\x02")


def transfer_syntax(meta: DicomJson) -> str | None:
    """Read the transfer syntax from the file meta information."""
    values = meta.get("00020010", {}).get("Value") or [None]
    return str(values[0]).strip() if values[0] else None


def data_set_encoding(begin: bytes, syntax: str | None) -> tuple[Encoding, str | None]:
    """Tell how the data set is encoded.

    Parameters
    ----------
    begin
        Its first bytes, 6 at least.
    syntax
        The transfer syntax of the meta header.

    Returns
    -------
    tuple
        The encoding, and what had to be forgiven.
    """
    told = Encoding(syntax not in {IMPLICIT_LITTLE, GE_PRIVATE_IMPLICIT}, syntax != BIG_ENDIAN)
    if len(begin) < 6:
        return told, None
    explicit = begin[4:6] in EXPLICIT
    if not explicit and told.explicit and syntax is not None and begin[4:6].isalpha() and begin[4:6].isupper():
        explicit = True  # a VR that does not exist yet
    little = told.little
    if not _is_known(begin, little=little) and _is_known(begin, little=not little):
        little = not little
    found = Encoding(explicit, little)
    if syntax is not None and found != told:
        return found, "another encoding than the meta header tells"
    return found, None


def _is_known(begin: bytes, *, little: bool) -> bool:
    """Tell whether the first tag, read in this byte order, is an attribute or the length of a low group."""
    group, element = struct.unpack("<HH" if little else ">HH", begin[:4])
    return attribute_of(int(group) << 16 | int(element)) is not None or (element == 0 and group < 0x100)
