"""A place in the archive for a file: ARCHIVE/study/series/instance.dcm.

Nothing that is in the archive is ever replaced. On the same file system a file gets its second name there (a hard
link), which either happens or does not; elsewhere it is copied, written through to the disk, read again and compared.
"""

import contextlib
import errno
import hashlib
import os
import re
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import count
from pathlib import Path

from indexer.operations.disk import Folder

_UNSAFE = re.compile(r"[^A-Za-z0-9._-]+")
_LONGEST_NAME = 120
_BLOCK = 1 << 20
# What link() says where a file cannot have a second name.
_NO_LINKS = frozenset({errno.EXDEV, errno.EPERM, errno.EMLINK, errno.EOPNOTSUPP, errno.ENOSYS, errno.EACCES})


class CopyDiffersError(OSError):
    """What was written to the archive is not what was read."""


@dataclass(frozen=True, slots=True)
class Placed:
    """Where a file is in the archive, and whether it was put there now (or was there, byte for byte)."""

    path: Path
    is_new: bool


def safe_name(key: str) -> str:
    """Make a name for a folder or file of a key, which may come from a header and hold anything."""
    name = _UNSAFE.sub("_", key).strip(".")
    if name == key and 0 < len(name) <= _LONGEST_NAME:
        return name
    digest = hashlib.sha256(key.encode("utf-8", "surrogatepass")).hexdigest()[:12]
    return f"{name[:_LONGEST_NAME]}-{digest}" if name else digest


def place(folder: Folder, path: str, target: Path, name: str) -> Placed:
    """Give a file of a batch a place in a folder of the archive.

    Parameters
    ----------
    path
        Relative to the batch's folder.
    target
        The folder of the archive; made where it is missing.
    name
        Wanted; a different file of this name stays, and this one gets a number.

    Raises
    ------
    OSError
        It cannot be read or written.
    """
    target.mkdir(parents=True, exist_ok=True)
    for candidate in _candidates(target, name):
        if is_same(folder, path, candidate):
            return Placed(candidate, is_new=False)
        if _link_or_copy(folder, path, candidate):
            return Placed(candidate, is_new=True)
    raise AssertionError("there is always another number")


def _candidates(target: Path, name: str) -> Iterator[Path]:
    yield target / f"{name}.dcm"
    for number in count(2):
        yield target / f"{name}-{number}.dcm"


def _link_or_copy(folder: Folder, path: str, candidate: Path) -> bool:
    """Answer False where there is another file of this name."""
    try:
        folder.link(path, candidate)
    except FileExistsError:
        return False
    except OSError as error:
        if error.errno not in _NO_LINKS:
            raise
        return _copy(folder, path, candidate)
    return True


def _copy(folder: Folder, path: str, candidate: Path) -> bool:
    part = candidate.parent / f".{uuid.uuid4().hex}.part"
    try:
        with _reading(folder, path) as source:
            facts = os.fstat(source)
            read = _write(source, part)
        os.utime(part, ns=(facts.st_atime_ns, facts.st_mtime_ns))
        with part.open("rb") as written:
            if _digest(written.fileno()) != read:
                raise CopyDiffersError(errno.EIO, "the copy in the archive differs from the file")
        return _name_finally(part, candidate)
    finally:
        with contextlib.suppress(FileNotFoundError):
            part.unlink()


def _write(source: int, part: Path) -> str:
    """Copy, through to the disk; answer the digest of what was read."""
    digest = hashlib.sha256()
    with part.open("xb") as target:
        while block := os.read(source, _BLOCK):
            digest.update(block)
            target.write(block)
        target.flush()
        os.fsync(target.fileno())
    return digest.hexdigest()


def _name_finally(part: Path, candidate: Path) -> bool:
    try:
        os.link(part, candidate)
    except FileExistsError:
        return False
    except OSError as error:
        if error.errno not in _NO_LINKS:
            raise
        # A file system without hard links: whoever else archives this image at this moment has the same name in mind.
        if candidate.exists():
            return False
        part.rename(candidate)
    descriptor = os.open(candidate.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
    return True


def is_same(folder: Folder, path: str, candidate: Path) -> bool:
    """Whether there is a file in the archive that is this one, byte for byte."""
    try:
        other = os.open(candidate, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK)
    except FileNotFoundError:
        return False
    except OSError as error:
        if error.errno == errno.ELOOP:
            return False
        raise
    try:
        with _reading(folder, path) as own:
            one, two = os.fstat(own), os.fstat(other)
            if os.path.samestat(one, two):
                return True
            return one.st_size == two.st_size and _digest(own) == _digest(other)
    finally:
        os.close(other)


@contextlib.contextmanager
def _reading(folder: Folder, path: str) -> Iterator[int]:
    descriptor = folder.open(path)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def _digest(descriptor: int) -> str:
    digest = hashlib.sha256()
    while block := os.read(descriptor, _BLOCK):
        digest.update(block)
    return digest.hexdigest()
