"""From stored values to gray: modality transformation, then window or VOI LUT, then black and white (PS3.4 §N.2).

All three are functions of one stored value. Where a frame has no more than 65,536 different ones they are computed once
for each of these, not for each pixel; else strip by strip. So a large frame needs no floating-point copy of itself.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from app.preview.elements import integer, macro, number
from app.preview.lookup import LookupTable, tables
from app.preview.source import Source
from app.preview.windows import Function, Window, function_of, shade, windows_of

Array = NDArray[Any]
_STRIP = 1_000_000  # pixels
_SAMPLE = 500_000  # pixels
_TABLE = 2**16


@dataclass(frozen=True, eq=False, slots=True)
class Modality:
    """From stored values to those that the modality means, such as Hounsfield units (PS3.3 §C.11.1)."""

    table: LookupTable | None = None
    slope: float = 1
    intercept: float = 0

    def __call__(self, stored: Array) -> Array:
        """Transform values."""
        if self.table is not None:
            return self.table(stored).astype(np.float64)
        transformed: Array = stored * np.float64(self.slope) + self.intercept
        return transformed


@dataclass(frozen=True, eq=False, slots=True)
class Proposal:
    """How the file wants one of its frames to be shown.

    Attributes
    ----------
    padding
        The lowest and the highest of the stored values that stand for no pixel, if there are any.
    """

    modality: Modality
    windows: list[Window]
    function: Function
    tables: list[LookupTable]
    padding: tuple[float, float] | None


def proposal_of(source: Source, frame: int) -> Proposal:
    """Read how a frame wants to be shown."""
    dataset = source.dataset
    voi = macro(dataset, "FrameVOILUTSequence", frame)
    value = macro(dataset, "PixelValueTransformationSequence", frame)
    slope, intercept = number(value, "RescaleSlope"), number(value, "RescaleIntercept")
    modality_tables = tables(value, "ModalityLUTSequence", little_endian=source.little_endian)
    padding = integer(dataset, "PixelPaddingValue")
    limit = integer(dataset, "PixelPaddingRangeLimit")
    return Proposal(
        modality=Modality(modality_tables[0] if modality_tables else None, slope or 1, intercept or 0),
        windows=windows_of(voi),
        function=function_of(voi),
        tables=tables(voi, "VOILUTSequence", little_endian=source.little_endian),
        padding=None if padding is None else _between(padding, padding if limit is None else limit),
    )


def window_of_pixels(stored: Array, proposal: Proposal) -> Window:
    """Choose a window for values that come without: what lies between their lowest and highest half percent.

    Where these are equal, as in a mask that is nearly empty, between the lowest and the highest.
    """
    sample = stored.ravel()[:: max(stored.size // _SAMPLE, 1)]
    if proposal.padding is not None:
        low, high = proposal.padding
        sample = sample[(sample < low) | (sample > high)]
    values = proposal.modality(sample)
    values = values[np.isfinite(values)]
    lowest, highest = np.percentile(values, [0.5, 99.5]) if values.size else (0.0, 0.0)
    if lowest == highest:
        with np.errstate(invalid="ignore"):
            ends = proposal.modality(np.array([np.nanmin(stored), np.nanmax(stored)])) if values.size else values
        ends = ends[np.isfinite(ends)]
        lowest, highest = (ends.min(), ends.max()) if ends.size else (lowest, highest)
    return Window(float(lowest / 2 + highest / 2), float(highest - lowest) or 1.0)


def to_gray(stored: Array, modality: Modality, voi: Callable[[Array], Array], *, inverted: bool) -> NDArray[np.uint8]:
    """Turn stored values to 8-bit gray.

    Parameters
    ----------
    voi
        From modality values to 0 (black) to 1 (white).
    inverted
        Whether the lowest value is white (MONOCHROME1).
    """

    def gray(values: Array) -> NDArray[np.uint8]:
        share = np.nan_to_num(voi(modality(values)), nan=0, posinf=1, neginf=0)
        if inverted:
            share = 1 - share
        levels: NDArray[np.uint8] = np.rint(share * 255).astype(np.uint8)
        return levels

    if stored.dtype.kind not in "iu":
        return each_value(gray, stored)
    low, high = int(stored.min()), int(stored.max())
    if high - low >= _TABLE:
        return each_value(gray, stored)
    known = gray(np.arange(low, high + 1))
    return each_value(lambda strip: known[strip.astype(np.int64) - low], stored)


def voi_of_table(table: LookupTable, highest: float) -> Callable[[Array], Array]:
    """Make a VOI table a function to 0 (black) to 1 (white).

    Parameters
    ----------
    highest
        The highest modality value of the frame.
    """
    # The first input may be negative, and is often read unsigned: then it lies above all values that there are.
    if table.first >= 2**15 and table.first > highest:
        table = LookupTable(table.first - 2**16, table.entries, table.bits)
    # Some say 16 bits and use 12.
    white = 2**table.bits - 1
    top = float(table.entries.max())
    white = white if top > white / 2 else (top or 1)
    return lambda values: np.clip(table(values) / white, 0, 1)


def voi_of_window(window: Window, function: Function) -> Callable[[Array], Array]:
    """Make a window a function to 0 (black) to 1 (white)."""
    return lambda values: shade(values, window, function)


def each_value(function: Callable[[Array], NDArray[np.uint8]], stored: Array) -> NDArray[np.uint8]:
    """Apply a function of one value to all, strip by strip; it may make several of one, as with colours."""
    flat = stored.reshape(-1)
    first = function(flat[:1])
    out = np.empty((flat.size, *first.shape[1:]), np.uint8)
    for start in range(0, flat.size, _STRIP):
        out[start : start + _STRIP] = function(flat[start : start + _STRIP])
    return out.reshape(*stored.shape, *first.shape[1:])


def _between(one: float, other: float) -> tuple[float, float]:
    return min(one, other), max(one, other)
