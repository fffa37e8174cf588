"""Value representations (PS3.5 §6.2, §7.1): how each is encoded, and which one an element has that does not tell."""

from collections.abc import Mapping
from functools import lru_cache
from types import MappingProxyType

from pydicom._private_dict import private_dictionaries

from mappings.dictionary import attribute_of

TEXT = frozenset({"SH", "LO", "ST", "LT", "UC", "UT", "PN"})  # in the Specific Character Set
STRINGS = TEXT | {"AE", "AS", "CS", "DA", "DS", "DT", "IS", "TM", "UI", "UR"}
SINGLE_VALUED = frozenset({"ST", "LT", "UT", "UR"})  # a backslash is a character of the text
BINARY = frozenset({"OB", "OD", "OF", "OL", "OV", "OW", "UN"})
NUMBERS: Mapping[str, tuple[str, int]] = MappingProxyType(
    {
        "US": ("H", 2),
        "SS": ("h", 2),
        "UL": ("I", 4),
        "SL": ("i", 4),
        "UV": ("Q", 8),
        "SV": ("q", 8),
        "FL": ("f", 4),
        "FD": ("d", 8),
    }
)

LONG_FORM = frozenset({"OB", "OD", "OF", "OL", "OV", "OW", "SQ", "SV", "UC", "UN", "UR", "UT", "UV"})
# The two bytes of an explicit VR, and whether its length has 32 bits.
EXPLICIT: Mapping[bytes, tuple[str, bool]] = MappingProxyType(
    {vr.encode(): (vr, vr in LONG_FORM) for vr in STRINGS | BINARY | NUMBERS.keys() | {"SQ", "AT"}}
)


@lru_cache(maxsize=16_384)
def dictionary_vr(tag: int) -> str | None:
    """Look up the VR of a public tag; ambiguous ones as the dictionary writes them, None for unknown tags."""
    attribute = attribute_of(tag)
    if attribute is not None:
        return attribute.vr
    return "UL" if tag & 0xFFFF == 0 else None


def private_vr(tag: int, creator: str | None) -> str | None:
    """Look up the VR of a private element by its creator, None where it is not known."""
    element = tag & 0xFFFF
    if element == 0:
        return "UL"
    if 0x10 <= element <= 0xFF:
        return "LO"  # the private creator itself
    block = private_dictionaries.get(creator) if creator else None
    if not block:
        return None
    key = f"{tag >> 16:04X}xx{element & 0xFF:02X}"
    entry = block.get(key) or block.get(f"{tag:08X}")
    return entry[0] if entry else None
