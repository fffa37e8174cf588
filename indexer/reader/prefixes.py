"""What stands before a value: VR and length, also where the file does not tell the VR, or tells one that is none."""

import struct

from indexer.reader.charsets import Note
from indexer.reader.encoding import LENGTH, UNDEFINED
from indexer.reader.level import Level
from indexer.reader.representations import EXPLICIT, dictionary_vr, private_vr
from indexer.reader.source import Source
from indexer.settings import Limits

Prefix = tuple[str, int, int]


def prefix(source: Source, level: Level, tag: int, position: int, limits: Limits, note: Note) -> Prefix:
    """Read VR and length of an element; eight bytes of it are in the window.

    Returns
    -------
    tuple
        The VR, the length of the value, and the offset where it starts.
    """
    length_of = LENGTH[level.encoding.little].unpack_from
    offset = position - source.base
    if not level.encoding.explicit:
        (length,) = length_of(source.buffer, offset + 4)
        return implied_vr(level, tag, length, limits), length, position + 8
    known = EXPLICIT.get(source.buffer[offset + 4 : offset + 6])
    if known is None:
        return _odd_prefix(source, level, tag, position, limits, note)
    vr, long_form = known
    if long_form:
        (length,) = LENGTH[level.encoding.little].unpack(source.take(position + 8, 4))
        return (implied_vr(level, tag, length, limits) if vr == "UN" else vr), length, position + 12
    (length,) = struct.unpack_from("<H" if level.encoding.little else ">H", source.buffer, offset + 6)
    return vr, length, position + 8


def _odd_prefix(source: Source, level: Level, tag: int, position: int, limits: Limits, note: Note) -> Prefix:
    """Read an element whose VR is none: implicit VR in the middle of explicit, or a VR that does not exist yet."""
    order = "<" if level.encoding.little else ">"
    code, short = struct.unpack(order + "4x2sH", source.take(position, 8))
    (implicit,) = struct.unpack(order + "4xI", source.take(position, 8))
    end = position + 8 + implicit
    fits = end <= level.bound and source.size is not None and end <= source.size
    if not code.isalpha() and (implicit == UNDEFINED or fits):
        note("an element without a VR")
        return implied_vr(level, tag, implicit, limits), implicit, position + 8
    note("an element with an unknown VR")
    # Every VR that the standard adds has a length of 32 bits behind two reserved bytes (PS3.5 §7.1.2).
    if short == 0 and code.isalpha() and source.has(position, 12):
        (length,) = LENGTH[level.encoding.little].unpack(source.take(position + 8, 4))
        return "UN", length, position + 12
    return implied_vr(level, tag, short, limits), short, position + 8


def implied_vr(level: Level, tag: int, length: int, limits: Limits) -> str:
    """Find the VR of an element that comes without one (PS3.5 §6.2.2)."""
    if tag >> 16 & 1:
        return private_vr(tag, level.creators.get(tag >> 8)) or "UN"
    vr = dictionary_vr(tag) or "UN"
    if " or " not in vr:
        return vr
    if vr == "US or SS":
        return "SS" if level.pixel_representation else "US"
    if vr == "OB or OW":
        return "OW"
    # Tables: short ones as numbers, long ones are data.
    return "US" if length <= 2 * limits.values_per_element else "OW"
