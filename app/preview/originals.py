"""The file of an image as it is, for those who want it: opened only after it was made sure that it is this image.

A file of the size and the time that the index has is the one that was indexed, and what is not DICOM is never handed
out. Any other file is looked into, in a process of its own: it may be the same image, touched or copied.
"""

import os
import stat
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, BinaryIO

from app.preview.errors import DamagedError, FileChangedError, FileGoneError, FileRefusedError, TooLargeError
from app.preview.folders import refuse_outside
from app.preview.source import FileState, existing
from indexer.reader import NotAnImage, ReadError, instance_uid, read_header
from indexer.settings import Limits

_MAGIC, _MAGIC_AT = b"DICM", 128
GZIP_MAGIC = b"\x1f\x8b"


@dataclass(frozen=True, eq=False, slots=True)
class Original:
    """An opened file.

    Attributes
    ----------
    file
        To be closed by whoever asked for it.
    state
        By which it is seen that the file has been replaced.
    modified
        Seconds since 1970.
    is_compressed
        Whether it is a gzip file with an image in it.
    """

    file: BinaryIO
    state: FileState
    modified: float
    is_compressed: bool


def open_original(
    image: str, facts: Mapping[str, Any], folders: tuple[str, ...], look: Callable[[], object], limits: Limits
) -> Original:
    """Open the file of an image.

    Parameters
    ----------
    image
        Its id.
    facts
        `file` of its document.
    folders
        Where files may be read from; none allow every place.
    look
        Looks into the file and raises where it is another image.
    limits
        Of the reader, for what `look` cannot read.

    Raises
    ------
    PreviewError
        Where it has gone, must not be read, or is another one by now.
    """
    name = existing(str(facts.get("path", "")))
    refuse_outside(name, folders)
    try:
        # The last part of the path was looked at: it may have become a link, or a pipe, meanwhile.
        descriptor = os.open(os.path.realpath(name), os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK | os.O_NOFOLLOW)
    except FileNotFoundError as error:
        raise FileGoneError("The file of this image has just been moved or deleted.") from error
    except OSError as error:
        raise FileRefusedError("The server cannot read the file of this image.") from error
    file = os.fdopen(descriptor, "rb")
    try:
        return _checked(file, name, image, facts, look, limits)
    except BaseException:
        file.close()
        raise


def _checked(
    file: BinaryIO,
    name: bytes,
    image: str,
    facts: Mapping[str, Any],
    look: Callable[[], object],
    limits: Limits,
) -> Original:
    status = os.fstat(file.fileno())
    if not stat.S_ISREG(status.st_mode):
        raise FileRefusedError("Under the path of this image stands something that is no regular file.")
    state = FileState.of(status)
    begin = file.read(_MAGIC_AT + len(_MAGIC))
    file.seek(0)
    if not (_is_as_indexed(status, facts) and begin[_MAGIC_AT:] == _MAGIC):
        _look_into(name, image, look, limits)
        if FileState.of(os.stat(name)) != state:  # noqa: PTH116 (a path of bytes)
            raise FileChangedError("The file of this image is just being replaced: try again.")
    return Original(file, state, status.st_mtime, begin.startswith(GZIP_MAGIC))


def _is_as_indexed(status: os.stat_result, facts: Mapping[str, Any]) -> bool:
    try:
        indexed = datetime.fromisoformat(str(facts.get("mtime"))).timestamp()
    except ValueError:
        return False
    return bool(status.st_size == facts.get("size") and abs(status.st_mtime - indexed) < 0.002)


def _look_into(name: bytes, image: str, look: Callable[[], object], limits: Limits) -> None:
    try:
        look()
    except (DamagedError, TooLargeError):
        # Pictures need more of a file than the index does.
        try:
            header = read_header(Path(os.fsdecode(name)), limits)
        except (ReadError, NotAnImage) as error:
            raise FileChangedError("Under the path of this image stands another file now: index it again.") from error
        if (instance_uid(header.elements) or f"sha256-{header.digest}") != image:
            raise FileChangedError("Under the path of this image stands another file now: index it again.") from None
