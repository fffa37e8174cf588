"""How a data set is encoded (PS3.5 §7, Annex A), and the marks of items and sequences."""

import struct
from collections.abc import Mapping
from types import MappingProxyType
from typing import NamedTuple

UNDEFINED = 0xFFFFFFFF
ITEM, ITEM_END, SEQUENCE_END = 0xFFFEE000, 0xFFFEE00D, 0xFFFEE0DD
DELIMITERS = 0xFFFE  # their group

# By whether the byte order is little endian: a tag with VR and short length, a tag with a length, a length.
PREFIX: Mapping[bool, struct.Struct] = MappingProxyType({True: struct.Struct("<HH2sH"), False: struct.Struct(">HH2sH")})
TAG_AND_LENGTH: Mapping[bool, struct.Struct] = MappingProxyType(
    {True: struct.Struct("<HHI"), False: struct.Struct(">HHI")}
)
LENGTH: Mapping[bool, struct.Struct] = MappingProxyType({True: struct.Struct("<I"), False: struct.Struct(">I")})


class Encoding(NamedTuple):
    """Explicit or implicit VR, little or big endian."""

    explicit: bool
    little: bool


IMPLICIT = Encoding(explicit=False, little=True)
