"""Bring the stored values of one frame, whatever they are encoded with; the other frames are not read."""

import os
from dataclasses import dataclass
from typing import Any

from numpy.typing import NDArray
from pydicom.pixels import get_decoder
from pydicom.pixels.decoders.base import Decoder
from pydicom.uid import UID, JPEGExtended12Bit

from app.preview.elements import integer, text, value
from app.preview.errors import (
    DamagedError,
    FrameNotFoundError,
    NoPixelsError,
    PreviewError,
    TooLargeError,
    UnsupportedError,
)
from app.preview.source import Source

_GRAY = ("MONOCHROME1", "MONOCHROME2")
_PALETTE = "PALETTE COLOR"
_RGB = "RGB"
_FLOAT_BITS = {"FloatPixelData": 32, "DoubleFloatPixelData": 64}
_BITS_OF_LOSSY_JPEG = 8
_VIDEO = ("MPEG2", "MPEG-4", "HEVC", "SMPTE")


@dataclass(frozen=True, slots=True)
class Shape:
    """What the header says about the picture's form."""

    frames: int
    rows: int
    columns: int
    samples: int
    photometric: str
    bits_allocated: int
    bits_stored: int

    @property
    def gray(self) -> bool:
        """Whether a window can be set."""
        return self.photometric in _GRAY

    @property
    def palette(self) -> bool:
        """Whether values are numbers of colours."""
        return self.photometric == _PALETTE


@dataclass(frozen=True, eq=False, slots=True)
class Frame:
    """A decoded frame: rows × columns stored values, or rows × columns × 3 of red, green and blue."""

    values: NDArray[Any]
    bits: int


def shape_of(source: Source) -> Shape:
    """Read the form of the picture; what is missing is assumed to be as it mostly is."""
    dataset = source.dataset
    photometric = text(dataset, "PhotometricInterpretation").upper()
    samples = integer(dataset, "SamplesPerPixel") or (3 if photometric.startswith(("RGB", "YBR")) else 1)
    allocated = _FLOAT_BITS.get(source.pixels) or integer(dataset, "BitsAllocated") or 0
    return Shape(
        frames=max(integer(dataset, "NumberOfFrames") or 1, 1),
        rows=integer(dataset, "Rows") or 0,
        columns=integer(dataset, "Columns") or 0,
        samples=samples,
        photometric=photometric or (_RGB if samples == 3 else "MONOCHROME2"),
        bits_allocated=allocated,
        bits_stored=integer(dataset, "BitsStored") or allocated,
    )


def check(source: Source, shape: Shape, frame: int, megapixels: float) -> None:
    """Say why there can be no picture, as far as the header tells.

    Raises
    ------
    FrameNotFoundError, NoPixelsError, UnsupportedError, DamagedError, TooLargeError
    """
    if not source.pixels:
        raise NoPixelsError("The object has no pixels: it is a report, a plan, a waveform or the like.")
    if frame > shape.frames:
        raise FrameNotFoundError(f"The image has {shape.frames:,} frame{'s' if shape.frames > 1 else ''}.")
    if shape.rows < 1 or shape.columns < 1:
        raise DamagedError("The header does not say how many rows and columns the picture has.")
    if shape.rows * shape.columns > megapixels * 1_000_000:
        raise TooLargeError(
            f"A frame has {shape.rows:,} × {shape.columns:,} pixels; pictures are made of up to {megapixels:g} million."
        )
    if (shape.gray or shape.palette) and shape.samples != 1:
        raise DamagedError("The header contradicts itself about the number of samples of a pixel.")
    if source.syntax == JPEGExtended12Bit and shape.bits_stored > _BITS_OF_LOSSY_JPEG:
        raise UnsupportedError("There is no decoder for lossy JPEG of more than 8 bits.")
    _decoder(source.syntax)


def decode(source: Source, shape: Shape, frame: int, megapixels: float) -> Frame:
    """Decode a frame.

    Parameters
    ----------
    frame
        Its number, from 1.
    megapixels
        Size of a frame, at most.

    Raises
    ------
    FrameNotFoundError, NoPixelsError, UnsupportedError, DamagedError, TooLargeError
    """
    check(source, shape, frame, megapixels)
    decoder = _decoder(source.syntax)
    options = _options(source, shape)
    try:
        if source.file is None:
            found, facts = decoder.as_array(source.dataset, index=frame - 1, **options)
        else:
            _check_length(source, shape, frame)
            source.file.seek(source.start)
            found, facts = decoder.as_array(source.file, index=frame - 1, **options)
    except MemoryError as error:
        raise TooLargeError("The picture needs more memory than there is for one.") from error
    except PreviewError:
        raise
    except Exception as error:
        # pydicom and each of its decoders raise what they meet; the message could quote the header.
        raise DamagedError(
            "No decoder understands the pixels of this frame: damaged, or encoded in a way that is not supported."
        ) from error
    colour = str(facts["photometric_interpretation"])
    if found.ndim == 3 and (colour != _RGB or found.shape[2] != 3):
        raise UnsupportedError("The colours of the picture are encoded in a way that is not supported.")
    return Frame(found, int(facts.get("bits_stored", shape.bits_stored)))


def _options(source: Source, shape: Shape) -> dict[str, Any]:
    options: dict[str, Any] = {
        "rows": shape.rows,
        "columns": shape.columns,
        "samples_per_pixel": shape.samples,
        "photometric_interpretation": shape.photometric,
        "number_of_frames": shape.frames,
        "bits_allocated": shape.bits_allocated,
        "pixel_keyword": source.pixels,
    }
    if source.pixels == "PixelData":
        options["bits_stored"] = shape.bits_stored
        options["pixel_representation"] = integer(source.dataset, "PixelRepresentation") or 0
    if shape.samples > 1:
        options["planar_configuration"] = integer(source.dataset, "PlanarConfiguration") or 0
    if source.pixels_vr:
        options["pixel_vr"] = source.pixels_vr
    offsets = [value(source.dataset, keyword) for keyword in ("ExtendedOffsetTable", "ExtendedOffsetTableLengths")]
    if all(offsets):
        options["extended_offsets"] = tuple(offsets)
    return options


def _decoder(syntax: UID) -> Decoder:
    try:
        decoder = get_decoder(syntax)
    except (NotImplementedError, ValueError):
        decoder = None
    if decoder is not None and decoder.is_available:
        return decoder
    # The name comes from the dictionary, not from the file.
    name = syntax.name if syntax.is_transfer_syntax and syntax.name != syntax else ""
    if any(word in name for word in _VIDEO):
        raise UnsupportedError(f"This is a video ({name}); of videos no pictures are made.")
    raise UnsupportedError(f"There is no decoder for {name or 'the transfer syntax of this file'}.")


def _check_length(source: Source, shape: Shape, frame: int) -> None:
    if source.file is None or source.encapsulated or source.syntax.is_encapsulated:
        return
    samples = 2 if shape.photometric == "YBR_FULL_422" else shape.samples
    bits = shape.rows * shape.columns * samples * shape.bits_allocated
    if source.file.seek(0, os.SEEK_END) < source.start + bits * frame // 8:
        raise DamagedError("The file ends before the end of this frame.")
