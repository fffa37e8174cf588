"""What stands before a value, where it is as the standard has it (PS3.5 §7.1)."""

import struct
from collections.abc import Callable, Mapping
from types import MappingProxyType

from indexer.reader.encoding import Encoding
from indexer.reader.representations import EXPLICIT

# From eight bytes of the buffer or more, at an offset: the tag, the VR (blank where the encoding has none, None where
# what ought to be one is none), the length of the value, and that of the prefix.
ReadPrefix = Callable[[bytes, int], tuple[int, str | None, int, int]]


class Irregular(Exception):  # noqa: N818 - it is no error: such a file is read in the way that forgives
    """Not as the standard has it, or rare."""


def _explicit(order: str) -> ReadPrefix:
    short = struct.Struct(order + "HH2sH").unpack_from
    long = struct.Struct(order + "8xI").unpack_from

    def read(buffer: bytes, offset: int) -> tuple[int, str | None, int, int]:
        group, element, code, length = short(buffer, offset)
        known = EXPLICIT.get(code)
        if known is None:
            return group << 16 | element, None, length, 8
        if known[1]:
            if len(buffer) < offset + 12:
                raise Irregular("the file ends inside a prefix")
            return group << 16 | element, known[0], long(buffer, offset)[0], 12
        return group << 16 | element, known[0], length, 8

    return read


def _implicit(order: str) -> ReadPrefix:
    unpack = struct.Struct(order + "HHI").unpack_from

    def read(buffer: bytes, offset: int) -> tuple[int, str | None, int, int]:
        group, element, length = unpack(buffer, offset)
        return group << 16 | element, "", length, 8

    return read


PREFIXES: Mapping[Encoding, ReadPrefix] = MappingProxyType(
    {
        Encoding(explicit=explicit, little=little): (_explicit if explicit else _implicit)("<" if little else ">")
        for explicit in (True, False)
        for little in (True, False)
    }
)
