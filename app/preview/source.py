"""Open the file of an image and read what a picture needs to know, without its pixels."""

import gzip
import hashlib
import io
import os
import re
import stat
import struct
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import BinaryIO

from pydicom import dcmread
from pydicom.datadict import DicomDictionary
from pydicom.dataset import Dataset
from pydicom.tag import BaseTag, Tag
from pydicom.uid import (
    UID,
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
)

from app.preview.elements import text, values
from app.preview.errors import DamagedError, FileChangedError, FileGoneError, FileRefusedError, TooLargeError
from indexer.reader import instance_uid

PIXELS = {0x7FE00008: "FloatPixelData", 0x7FE00009: "DoubleFloatPixelData", 0x7FE00010: "PixelData"}
_TAGS = [
    *(BaseTag(tag) for tag in DicomDictionary if tag >> 16 == 0x0028),
    *(
        Tag(keyword)
        for keyword in (
            "SOPInstanceUID",
            "ImagerPixelSpacing",
            "SharedFunctionalGroupsSequence",
            "PerFrameFunctionalGroupsSequence",
            "ExtendedOffsetTable",
            "ExtendedOffsetTableLengths",
        )
    ),
]
_GZIP = b"\x1f\x8b\x08"
_MOST_UNPACKED = 512_000_000
_UNDEFINED = 0xFFFFFFFF


@dataclass(frozen=True, slots=True)
class FileState:
    """Size, time of the last change and number of a file: they change when its content does."""

    size: int
    modified: int
    number: int

    @classmethod
    def of(cls, status: os.stat_result) -> "FileState":
        """Take it from what the operating system says."""
        return cls(status.st_size, status.st_mtime_ns, status.st_ino)


@dataclass(frozen=True, eq=False, slots=True)
class Source:
    """The opened file of an image.

    Attributes
    ----------
    dataset
        The elements that describe the picture; all elements where `file` is None.
    syntax
        Transfer syntax of the pixels.
    pixels
        Keyword of the element with the pixels; empty where there is none.
    file
        The file; None where it had to be unpacked as a whole (deflated).
    state
        By which it is seen that the file has been replaced.
    start
        Position of the first byte of the pixels' value.
    """

    dataset: Dataset
    syntax: UID
    little_endian: bool
    pixels: str
    pixels_vr: str
    file: BinaryIO | None
    state: FileState
    start: int
    encapsulated: bool


@contextmanager
def opened(path: str, image: str) -> Iterator[Source]:
    """Open the file of an image.

    Parameters
    ----------
    path
        As it is written in the document of the image.
    image
        Id of the image. An index may be wrong, and files are replaced: a file that is not this image is not shown.

    Raises
    ------
    FileGoneError, FileRefusedError, FileChangedError, DamagedError, TooLargeError
    """
    with _open(path) as file:
        source = _read(file)
        _check(source, file, image)
        yield source


def existing(path: str) -> bytes:
    r"""Find the file that a written path means, where bytes that are not UTF-8 may be written as `\xNN`.

    Raises
    ------
    FileGoneError, FileRefusedError
    """
    escaped = os.fsencode(path)
    for name in (escaped, re.sub(rb"\\x([0-9a-f]{2})", lambda found: bytes.fromhex(found[1].decode()), escaped)):
        try:
            mode = os.stat(name).st_mode  # noqa: PTH116 (a path of bytes)
        except PermissionError as error:
            raise FileRefusedError("The server has no permission to read the file of this image.") from error
        except (OSError, ValueError):
            continue
        if not stat.S_ISREG(mode):
            raise FileRefusedError("Under the path of this image stands something that is no regular file.")
        return name
    raise FileGoneError("The file of this image is not where it was when it was indexed: moved, renamed or deleted.")


@contextmanager
def _open(path: str) -> Iterator[io.BufferedReader]:
    name = existing(path)
    try:
        # Should a pipe have taken the file's place meanwhile, opening it must not wait for a writer.
        descriptor = os.open(name, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    except FileNotFoundError as error:
        raise FileGoneError("The file of this image has just been moved or deleted.") from error
    except OSError as error:
        raise FileRefusedError("The server cannot read the file of this image.") from error
    with os.fdopen(descriptor, "rb") as file:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise FileRefusedError("Under the path of this image stands something that is no regular file.")
        yield file


def _read(file: io.BufferedReader) -> Source:
    state = FileState.of(os.fstat(file.fileno()))
    packed = file.read(len(_GZIP)) == _GZIP
    file.seek(0)
    whole: BinaryIO = _unpacked(file) if packed else file
    try:
        dataset = dcmread(whole, stop_before_pixels=True, force=True, specific_tags=_TAGS)
        syntax, little_endian = _syntax(dataset)
        if syntax == DeflatedExplicitVRLittleEndian:
            whole.seek(0)
            dataset = dcmread(whole, force=True)
            pixels = next((name for name in PIXELS.values() if name in dataset), "")
            return Source(dataset, syntax, little_endian, pixels, "", None, state, 0, encapsulated=False)
        return _at_pixels(whole, dataset, syntax, state, little_endian=little_endian)
    except MemoryError as error:
        raise TooLargeError("The header of this file needs more memory than there is for a picture.") from error
    except Exception as error:
        # Damage shows itself in many ways: struct.error, KeyError, RecursionError, zlib.error.
        raise DamagedError("The header of the file cannot be understood.") from error


def _unpacked(file: BinaryIO) -> BinaryIO:
    try:
        content = gzip.GzipFile(fileobj=file).read(_MOST_UNPACKED + 1)
    except (OSError, EOFError, zlib.error) as error:
        raise DamagedError("The compressed file is damaged.") from error
    if len(content) > _MOST_UNPACKED:
        raise TooLargeError("The compressed file is too large to be unpacked for a picture.")
    return io.BytesIO(content)


def _syntax(dataset: Dataset) -> tuple[UID, bool]:
    """Find the transfer syntax; where the file does not tell, from how its elements are encoded."""
    implicit, little_endian = dataset.original_encoding
    meta = getattr(dataset, "file_meta", Dataset())
    told = text(meta, "TransferSyntaxUID")
    if told:
        return UID(told), bool(little_endian)
    if implicit:
        return ImplicitVRLittleEndian, True
    return (ExplicitVRLittleEndian if little_endian else ExplicitVRBigEndian), bool(little_endian)


def _at_pixels(file: BinaryIO, dataset: Dataset, syntax: UID, state: FileState, *, little_endian: bool) -> Source:
    """Read the tag, VR and length of the pixels, before which reading has stopped."""
    order = "<" if little_endian else ">"
    begin = file.read(8)
    pixels = vr = ""
    length = 0
    if len(begin) == 8:
        group, element, length = struct.unpack(f"{order}HHL", begin)
        pixels = PIXELS.get(group << 16 | element, "")
        if pixels and begin[4:6].isalpha() and begin[4:6].isupper():
            vr = begin[4:6].decode("ascii")
            (length,) = struct.unpack(f"{order}L", file.read(4))
    encapsulated = length == _UNDEFINED
    return Source(dataset, syntax, little_endian, pixels, vr, file, state, file.tell(), encapsulated=encapsulated)


def _check(source: Source, file: io.BufferedReader, image: str) -> None:
    meta = getattr(source.dataset, "file_meta", Dataset())
    found = instance_uid(
        {
            "00080018": {"vr": "UI", "Value": [str(each) for each in values(source.dataset, "SOPInstanceUID")]},
            "00020003": {"vr": "UI", "Value": [str(each) for each in values(meta, "MediaStorageSOPInstanceUID")]},
        }
    )
    if found is None:
        file.seek(0)
        found = "sha256-" + hashlib.file_digest(file, "sha256").hexdigest()
    if found != image:
        raise FileChangedError("Under the path of this image stands another file now: index it again.")
