"""Lookup tables: modality LUT, VOI LUT (PS3.3 §C.11.1, §C.11.2) and the colours of a palette (PS3.3 §C.7.6.3.1.6).

Read here, since `pydicom.pixels` looks values up in arrays of the table's own type, which overflow where a table of
8-bit entries has more than 256 of them.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset
from pydicom.pixels import apply_color_lut

from app.preview.elements import items, numbers, text, value
from app.preview.errors import DamagedError

Array = NDArray[Any]
_COLOURS = ("Red", "Green", "Blue")


@dataclass(frozen=True, eq=False, slots=True)
class LookupTable:
    """A table from stored values, or modality values, to others.

    Attributes
    ----------
    first
        The input that the first entry is for; below it the first entry holds, beyond the last one the last.
    entries
        One output for each input, or three where they are colours.
    bits
        Size of an output.
    """

    first: int
    entries: Array
    bits: int
    explanation: str = ""

    def __call__(self, inputs: Array) -> Array:
        """Look values up."""
        at = np.rint(inputs).astype(np.int64) - self.first
        return self.entries[np.clip(at, 0, len(self.entries) - 1)]


def tables(dataset: Dataset, sequence: str, *, little_endian: bool) -> list[LookupTable]:
    """Read the modality or VOI tables of a data set; those that cannot be understood are left out."""
    found = (_table(item, little_endian=little_endian) for item in items(dataset, sequence))
    return [table for table in found if table is not None]


def _table(item: Dataset, *, little_endian: bool) -> LookupTable | None:
    descriptor = _descriptor(item, "LUTDescriptor")
    if descriptor is None:
        return None
    length, first, bits = descriptor
    data = value(item, "LUTData")
    entries = _entries(data, length, bits, little_endian=little_endian)
    if entries is None:
        entries = np.array(numbers(item, "LUTData")[:length])
    if not len(entries) or not 1 <= bits <= 16:
        return None
    return LookupTable(first, entries, bits, text(item, "LUTExplanation"))


def _descriptor(dataset: Dataset, keyword: str) -> tuple[int, int, int] | None:
    """Read the number of entries, the first input and the bits of an output; 0 entries mean 65,536."""
    found = [int(each) for each in numbers(dataset, keyword)]
    if len(found) != 3:
        return None
    length, first, bits = found
    return (length % 2**16) or 2**16, first, bits


def _entries(data: object, length: int, bits: int, *, little_endian: bool) -> Array | None:
    if not isinstance(data, bytes):
        return None
    # Entries of 8 bits are packed into words, or each has a word of its own: the length tells.
    wide = len(data) >= 2 * length
    kind = f"{'<' if little_endian else '>'}u{2 if wide else 1}"
    return np.frombuffer(data[: length * (2 if wide else 1)], kind)


def palette(dataset: Dataset, *, little_endian: bool) -> LookupTable:
    """Read the colours of a palette, 8 bits each.

    Raises
    ------
    DamagedError
        Where there are none, or they cannot be understood.
    """
    descriptor = _descriptor(dataset, "RedPaletteColorLookupTableDescriptor")
    if descriptor is None:
        raise DamagedError("The picture has a palette of colours, and the file does not describe it.")
    length, first, bits = descriptor
    if "SegmentedRedPaletteColorLookupTableData" in dataset:
        entries = _segmented(dataset, length, first)
    else:
        data = [value(dataset, f"{colour}PaletteColorLookupTableData") for colour in _COLOURS]
        entries = _joined([_entries(each, length, bits, little_endian=little_endian) for each in data])
    # Some files say 16 bits, and have 8.
    if bits > 8 and entries.max() > 255:
        entries = entries >> 8
    return LookupTable(first, entries.astype(np.uint8), 8)


def _joined(channels: Sequence[Array | None]) -> Array:
    there = [channel for channel in channels if channel is not None and len(channel)]
    if len(there) != 3 or len({len(channel) for channel in there}) != 1:
        raise DamagedError("The colours of the picture's palette are incomplete.")
    return np.stack(there, axis=-1)


def _segmented(dataset: Dataset, length: int, first: int) -> Array:
    """Let pydicom expand the segments (PS3.3 §C.7.9.2)."""
    try:
        return apply_color_lut(np.arange(first, first + length, dtype=np.int64), dataset)[..., :3]
    except Exception as error:
        # pydicom raises what it meets, from IndexError to struct.error.
        raise DamagedError("The colours of the picture's palette cannot be understood.") from error
