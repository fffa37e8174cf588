"""Writing below a folder and nowhere else, and asking the disk how much room it has.

Folders are opened one by one without following links, so that not even a link that somebody puts there meanwhile leads
out.
"""

import ctypes
import errno
import os
import shutil
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from app.uploads.errors import DiskFullError, FolderNotWritableError, PathTakenError
from app.uploads.names import shown

_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_FULL = (errno.ENOSPC, errno.EDQUOT)
_FORBIDDEN = (errno.EACCES, errno.EPERM, errno.EROFS)


@dataclass(frozen=True, slots=True)
class Amount:
    """So many files, with so many bytes."""

    files: int = 0
    bytes: int = 0


@contextmanager
def writing(folder: Path) -> Iterator[None]:
    """Turn what the system says of a full disk or missing rights into what a user can act on."""
    try:
        yield
    except OSError as error:
        if error.errno in _FULL:
            raise DiskFullError from error
        if error.errno in _FORBIDDEN:
            raise FolderNotWritableError(
                f"The web application may not write to the watched folder {folder}: give its account the right to."
            ) from error
        raise


def free_bytes(folder: Path) -> int:
    """What other than root can still write to the disk of a folder."""
    return shutil.disk_usage(folder).free


def place(source: Path, root: Path, path: str) -> Path | None:
    """Move a file or folder to a path below a root, making the folders on the way.

    Parameters
    ----------
    source
        On the same file system.
    path
        From `app.uploads.names.relative_path`.

    Returns
    -------
    Path | None
        Where that which stood there has gone, beside `source`; None where nothing did.

    Raises
    ------
    PathTakenError
        A file stands on the way, or in the place of a folder, or the other way round.
    FileNotFoundError
        The root has gone.
    """
    *parents, name = path.split("/")
    folder = os.open(root, _FOLDER)
    try:
        for parent in parents:
            inner = _inside(folder, parent, path)
            os.close(folder)
            folder = inner
        before = _set_aside(folder, name, source, path)
        try:
            os.rename(source, name, dst_dir_fd=folder)
        except OSError:
            if before:
                os.rename(before, name, dst_dir_fd=folder)
            raise
        return before
    finally:
        os.close(folder)


def _set_aside(folder: int, name: str, source: Path, path: str) -> Path | None:
    """Move what stands in the way to a place beside the source: a file for a file, a folder for a folder."""
    try:
        there = os.stat(name, dir_fd=folder, follow_symlinks=False)
    except FileNotFoundError:
        return None
    if stat.S_ISDIR(there.st_mode) != source.is_dir():
        word = "folder" if stat.S_ISDIR(there.st_mode) else "file"
        raise PathTakenError(f"“{shown(path)}” is a {word} already.")
    before = source.with_name(source.name + ".old")
    os.rename(name, before, src_dir_fd=folder)
    return before


def _inside(folder: int, name: str, path: str) -> int:
    with suppress(FileExistsError):
        os.mkdir(name, dir_fd=folder)
    try:
        return os.open(name, _FOLDER, dir_fd=folder)
    except OSError as error:
        if error.errno in (errno.ENOTDIR, errno.ELOOP):
            raise PathTakenError(f"“{shown(path)}”: “{shown(name)}” is a file already, not a folder.") from error
        raise


def amount(place_: Path) -> Amount:
    """How much there is in a folder, at any depth; or that one file."""
    if not stat.S_ISDIR(place_.lstat().st_mode):
        return Amount(1, place_.lstat().st_size)
    files = size = 0
    for folder, _, names in os.walk(place_):
        for name in names:
            files += 1
            size += os.lstat(os.path.join(folder, name)).st_size  # noqa: PTH118  a Path for each of 100,000 files is slow
    return Amount(files, size)


def remove(place_: Path) -> None:
    """Remove a file, or a folder with all that is in it; what has gone already is fine."""
    try:
        if stat.S_ISDIR(place_.lstat().st_mode):
            shutil.rmtree(place_, ignore_errors=True)
        else:
            place_.unlink()
    except FileNotFoundError:
        pass


def flush(folder: Path) -> None:
    """Bring all that was written to the disk of a folder to the disk: one call for any number of files."""
    descriptor = os.open(folder, _FOLDER)
    try:
        syncfs = getattr(ctypes.CDLL(None, use_errno=True), "syncfs", None)
        if syncfs is None:
            os.sync()
        elif syncfs(descriptor) != 0:
            code = ctypes.get_errno()
            raise OSError(code, os.strerror(code))
    finally:
        os.close(descriptor)


def flush_folder(folder: Path) -> None:
    """Bring the names in one folder to the disk."""
    descriptor = os.open(folder, _FOLDER)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
