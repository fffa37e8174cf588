"""Read the header of one file: the shell of I/O around the pure walker."""

import hashlib
import os
import re
import stat
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from indexer.reader.beginning import (
    DEFLATED,
    GZIP_MAGIC,
    MEDIA_DIRECTORY,
    data_set_encoding,
    find_start,
    meta_encoding,
    transfer_syntax,
)
from indexer.reader.errors import (
    EmptyFileError,
    NoPermissionError,
    NotAnImage,
    NotDicomError,
    TruncatedError,
    UnreadableError,
)
from indexer.reader.header import DicomJson, Header
from indexer.reader.source import BLOCK, GZIP, RAW_DEFLATE, Source, Unpacked
from indexer.reader.walk import Walker
from indexer.settings import Limits

UID = re.compile(r"[0-9.]{1,64}")


def read_header(path: Path, limits: Limits) -> Header:
    """Read the header of a file, never its pixels.

    Parameters
    ----------
    path
        The file.
    limits
        What is kept of it.

    Raises
    ------
    ReadError
        Where it gives no header; the error's `code` is the error code of the image.
    NotAnImage
        For a DICOMDIR.
    """
    with opened(path) as (file, size):
        return _read(file, size, limits)


@contextmanager
def opened(path: Path) -> Iterator[tuple[BinaryIO, int]]:
    """Open a file; its bytes, and how many there are, are given.

    Raises
    ------
    ReadError
        Where it cannot be opened, or what reads it fails because of the system or of damaged compression.
    """
    try:
        with path.open("rb", buffering=0) as file:
            status = os.fstat(file.fileno())
            if not stat.S_ISREG(status.st_mode):
                raise UnreadableError("not a regular file")
            if status.st_size == 0:
                raise EmptyFileError("the file is empty")
            yield file, status.st_size
    except PermissionError as error:
        raise NoPermissionError("no permission to read the file") from error
    except OSError as error:
        raise UnreadableError(os.strerror(error.errno) if error.errno else "the file cannot be read") from error
    except zlib.error as error:
        raise UnreadableError("the compressed data is damaged") from error


def instance_uid(elements: DicomJson) -> str | None:
    """Find the SOPInstanceUID where it is one: digits and dots, 64 at most."""
    for tag in ("00080018", "00020003"):
        for value in elements.get(tag, {}).get("Value", ()):
            if isinstance(value, str) and UID.fullmatch(value.strip()):
                return value.strip()
    return None


def _read(file: BinaryIO, size: int, limits: Limits) -> Header:
    source = Source(file, size)
    notes: list[str] = []
    source.has(0, min(size, BLOCK))
    if source.buffer.startswith(GZIP_MAGIC):
        file.seek(0)
        source = Source(_unpacked(file, GZIP, limits), None)
        notes.append("gzip-compressed")
    found = find_start(source)
    if found is None:
        raise NotDicomError("not a DICOM file")
    start, forgiven = found
    if forgiven:
        notes.append(forgiven)
    elements, walker = _walk(file, source, start, limits, notes)
    if not elements:
        raise TruncatedError("the file ends before its first element")
    digest = None if instance_uid(elements) else _digest(file)
    return Header(elements, tuple(dict.fromkeys([*notes, *walker.notes])), walker.unread, digest)


def _walk(file: BinaryIO, source: Source, start: int, limits: Limits, notes: list[str]) -> tuple[DicomJson, Walker]:
    elements: DicomJson = {}
    walker = Walker(source, limits)
    walker.position = start
    source.has(start, 8)
    begin = source.buffer[start - source.base :][:8]
    if begin[:2] in {b"\x02\x00", b"\x00\x02"}:
        walker.read(elements, meta_encoding(begin), stop_group=0x0002)
    else:
        notes.append("no meta header")
    syntax = transfer_syntax(elements)
    media = elements.get("00020002", {}).get("Value")
    if media == [MEDIA_DIRECTORY]:
        raise NotAnImage("a DICOMDIR describes other files")
    if syntax in DEFLATED:
        file.seek(walker.position)
        walker.source = source = Source(_unpacked(file, RAW_DEFLATE, limits), None)
        walker.position = 0
    source.has(walker.position, 8)
    encoding, forgiven = data_set_encoding(source.buffer[walker.position - source.base :][:8], syntax)
    if forgiven:
        notes.append(forgiven)
    walker.read(elements, encoding)
    return elements, walker


def _unpacked(file: BinaryIO, window_bits: int, limits: Limits) -> BinaryIO:
    return Unpacked(file.read, window_bits, limits.unpacked_bytes)  # type: ignore[return-value]


def _digest(file: BinaryIO) -> str:
    file.seek(0)
    digest = hashlib.sha256()
    while block := file.read(16 * BLOCK):
        digest.update(block)
    return digest.hexdigest()
