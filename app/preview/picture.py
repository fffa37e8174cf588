"""Draw one frame of an image, and tell what there is to draw."""

import io
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from pydicom.dataset import Dataset

from app.preview.decoding import Frame, Shape, check, decode, shape_of
from app.preview.elements import macro, numbers
from app.preview.errors import DamagedError, PreviewError, TooLargeError
from app.preview.gray import Proposal, each_value, proposal_of, to_gray, voi_of_table, voi_of_window, window_of_pixels
from app.preview.lookup import LookupTable, palette
from app.preview.source import Source, opened
from app.preview.windows import Function, Window
from app.preview.wish import Wish

Picture = NDArray[np.uint8]
_MOST_STRETCHED = 20
_MOST_KEPT = 64_000_000  # bytes


@dataclass(frozen=True, slots=True)
class Facts:
    """What there is to draw.

    Attributes
    ----------
    gray
        Whether a window can be set.
    window, window_from
        What a picture is drawn with when nothing is asked for, and where that comes from: `file` or `pixels`; `lut`
        without a window, where the file brings a table; None in colour pictures.
    luts
        The explanations of the file's VOI tables.
    problem
        Why there is no picture.
    """

    frames: int
    rows: int
    columns: int
    photometric_interpretation: str
    bits_stored: int
    gray: bool
    windows: list[Window]
    function: Function
    luts: list[str]
    window: Window | None = None
    window_from: str | None = None
    problem: PreviewError | None = None

    def document(self) -> dict[str, Any]:
        """As JSON."""
        names = ("frames", "rows", "columns", "photometric_interpretation", "bits_stored", "gray", "luts")
        return {name: getattr(self, name) for name in names} | {
            "windows": [asdict(window) for window in self.windows],
            "function": self.function.value,
            "window": asdict(self.window) if self.window else None,
            "window_from": self.window_from,
            "showable": self.problem is None,
            "problem": self.problem and self.problem.document(),
        }


@dataclass(frozen=True, eq=False, slots=True)
class _Exposure:
    """All that is needed to draw a frame again in another window, without its file."""

    shape: Shape
    frame: Frame
    proposal: Proposal
    palette: LookupTable | None
    ratio: float


class Painter:
    """Draws pictures one after the other; keeps the frame drawn last, since windows are tried on one frame.

    Parameters
    ----------
    megapixels
        Size of a frame, at most.
    """

    def __init__(self, megapixels: float) -> None:
        self._megapixels = megapixels
        self._kept: tuple[object, _Exposure] | None = None

    def draw(self, wish: Wish) -> bytes:
        """Draw a frame as PNG.

        Raises
        ------
        PreviewError
            Where there is no picture; no other error leaves this function.
        """
        with _guarded(), opened(wish.path, wish.image) as source:
            exposure = self._exposure(source, wish)
            return _png(_pixels(exposure, wish), exposure.ratio, wish.size)

    def describe(self, wish: Wish, *, decoding: bool) -> Facts:
        """Tell what there is to draw.

        Parameters
        ----------
        decoding
            Whether to decode the frame: only then it is sure that it can be, and a window can come from its pixels.

        Raises
        ------
        PreviewError
            Where the file cannot be read, or has no such frame. That it has no picture is told in the facts.
        """
        with _guarded(), opened(wish.path, wish.image) as source:
            shape = shape_of(source)
            proposal = proposal_of(source, wish.frame)
            window, window_from, problem = None, None, None
            try:
                check(source, shape, wish.frame, self._megapixels)
                exposure = self._exposure(source, wish) if decoding else None
                if shape.gray:
                    window, window_from = _default(proposal, exposure)
            except PreviewError as error:
                if error.status != PreviewError.status:
                    raise
                problem = error
            return Facts(
                frames=shape.frames,
                rows=shape.rows,
                columns=shape.columns,
                photometric_interpretation=shape.photometric,
                bits_stored=shape.bits_stored,
                gray=shape.gray,
                windows=proposal.windows if shape.gray else [],
                function=proposal.function,
                luts=[table.explanation for table in proposal.tables] if shape.gray else [],
                window=window,
                window_from=window_from,
                problem=problem,
            )

    def _exposure(self, source: Source, wish: Wish) -> _Exposure:
        key = (wish.path, wish.image, wish.frame, source.state)
        if self._kept is not None and self._kept[0] == key:
            return self._kept[1]
        self._kept = None
        shape = shape_of(source)
        frame = decode(source, shape, wish.frame, self._megapixels)
        exposure = _Exposure(
            shape=shape,
            frame=frame,
            proposal=proposal_of(source, wish.frame),
            palette=palette(source.dataset, little_endian=source.little_endian) if shape.palette else None,
            ratio=_ratio(source.dataset, wish.frame),
        )
        if frame.values.nbytes <= _MOST_KEPT:
            self._kept = (key, exposure)
        return exposure


def _default(proposal: Proposal, exposure: _Exposure | None) -> tuple[Window | None, str | None]:
    if proposal.tables:
        return None, "lut"
    if proposal.windows:
        return proposal.windows[0], "file"
    return (window_of_pixels(exposure.frame.values, proposal) if exposure else None), "pixels"


def _pixels(exposure: _Exposure, wish: Wish) -> Picture:
    if exposure.shape.gray:
        return _gray(exposure, wish)
    if exposure.palette is not None:
        return each_value(exposure.palette, exposure.frame.values)
    return _eight_bits(exposure.frame)


def _gray(exposure: _Exposure, wish: Wish) -> Picture:
    stored, proposal = exposure.frame.values, exposure.proposal
    if wish.center is not None and wish.width is not None:
        voi = voi_of_window(Window(wish.center, wish.width), proposal.function)
    elif proposal.tables:
        highest = float(proposal.modality(stored.max(keepdims=True)).max())
        voi = voi_of_table(proposal.tables[0], highest)
    elif proposal.windows:
        voi = voi_of_window(proposal.windows[0], proposal.function)
    else:
        voi = voi_of_window(window_of_pixels(stored, proposal), proposal.function)
    return to_gray(stored, proposal.modality, voi, inverted=exposure.shape.photometric == "MONOCHROME1")


def _eight_bits(frame: Frame) -> Picture:
    if frame.values.dtype == np.uint8 and frame.bits == 8:
        return frame.values
    white = 2**frame.bits - 1
    return each_value(lambda values: np.rint(np.clip(values / white, 0, 1) * 255).astype(np.uint8), frame.values)


def _ratio(dataset: Dataset, frame: int) -> float:
    """How much higher than wide a pixel is (PS3.3 §C.7.6.3.1.7)."""
    for found in (
        numbers(dataset, "PixelAspectRatio"),
        numbers(macro(dataset, "PixelMeasuresSequence", frame), "PixelSpacing"),
        numbers(dataset, "ImagerPixelSpacing"),
    ):
        if len(found) == 2 and min(found) > 0:
            ratio = found[0] / found[1]
            return ratio if 1 / _MOST_STRETCHED <= ratio <= _MOST_STRETCHED else 1
    return 1


def _png(pixels: Picture, ratio: float, size: int) -> bytes:
    rows, columns = pixels.shape[:2]
    height, width = rows * max(ratio, 1), columns * max(1 / ratio, 1)
    scale = min(size / max(height, width), 1)
    wanted = max(round(width * scale), 1), max(round(height * scale), 1)
    picture = Image.fromarray(np.ascontiguousarray(pixels))
    if wanted != picture.size:
        picture = picture.resize(wanted, Image.Resampling.BICUBIC)
    out = io.BytesIO()
    # Level 1 is three times as fast as the default, and 10 % larger.
    picture.save(out, "PNG", compress_level=1)
    return out.getvalue()


@contextmanager
def _guarded() -> Iterator[None]:
    """Let nothing out but our own errors: neither what damage provokes, nor warnings, which could quote the header."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    except PreviewError:
        raise
    except MemoryError as error:
        raise TooLargeError("The picture needs more memory than there is for one.") from error
    except Exception as error:
        raise DamagedError("What the file says about its pixels cannot be understood.") from error
