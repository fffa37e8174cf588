"""The files of a batch on disk: which there are, which are no images by their name, which may not be read."""

import errno
import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from indexer.status.ledger import FoundFile


@dataclass(frozen=True, slots=True)
class Unlistable:
    """A folder that could not be listed: its path relative to the batch's folder, with a slash at the end."""

    path: str
    reason: str


def walk(folder: Path) -> Iterator[FoundFile | Unlistable]:
    """List all files below a folder, in bounded memory and in the order of their names.

    Symbolic links to folders are listed as files and not followed; sockets, pipes and devices are left out.

    Raises
    ------
    OSError
        The folder itself cannot be listed.
    """
    pending = [""]
    first = True
    while pending:
        relative = pending.pop()
        try:
            with os.scandir(folder / relative) as listing:
                entries = sorted(listing, key=lambda entry: entry.name)
        except OSError as error:
            if first:
                raise
            yield Unlistable(f"{relative}/", f"the folder cannot be listed: {strerror(error)}")
            continue
        first = False
        folders = []
        for entry in entries:
            path = f"{relative}/{entry.name}" if relative else entry.name
            if entry.is_dir(follow_symlinks=False):
                folders.append(path)
            elif found := _found(path, entry):
                yield found
        pending += reversed(folders)


def _found(path: str, entry: os.DirEntry[str]) -> FoundFile | None:
    try:
        facts = entry.stat(follow_symlinks=False)
    except OSError:
        return FoundFile(path, 0, "0")  # gone or unreadable: reading it will say so
    if not (stat.S_ISREG(facts.st_mode) or stat.S_ISLNK(facts.st_mode)):
        return None
    return FoundFile(path, facts.st_size, mtime_text(facts))


def mtime_text(facts: os.stat_result) -> str:
    """Time of last change in seconds, to the nanosecond, as text: two files with the same text are unchanged."""
    return f"{facts.st_mtime_ns // 1_000_000_000}.{facts.st_mtime_ns % 1_000_000_000:09d}"


def is_no_image(path: str) -> bool:
    """Whether a file is known by its name to be no image: hidden, or an index that a file manager or PACS export adds.

    Parameters
    ----------
    path
        Relative to the batch's folder.
    """
    *folders, name = path.split("/")
    return name in ("Thumbs.db", "DICOMDIR") or any(part.startswith(".") for part in (*folders, name))


def leaves(root: Path, path: str) -> bool:
    """Whether a relative path leads out of its folder, by a symbolic link; `root` is the folder, resolved."""
    return not (root / path).resolve().is_relative_to(root)


def strerror(error: OSError) -> str:
    """Say what the system said, without the path."""
    if error.errno == errno.EACCES:
        return "permission denied"
    return (error.strerror or type(error).__name__).lower()


def printable(path: str) -> str:
    r"""Write a path so that it is valid Unicode: bytes that are not UTF-8 as `\xNN`."""
    return os.fsencode(path).decode("utf-8", "backslashreplace")
