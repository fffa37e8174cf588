"""The files of a batch on disk: which there are, which are no images by their name, which may not be read."""

import errno
import os
import re
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import NamedTuple

from indexer.status.ledger import FoundFile

# Entries of one folder that are held, and put into order, at a time: a folder may have millions.
_SLICE = 4_096


@dataclass(frozen=True, slots=True)
class Unlistable:
    """A folder that could not be listed: its path relative to the batch's folder, with a slash at the end."""

    path: str
    reason: str


class Entry(NamedTuple):
    """What a folder holds: path relative to the batch's folder, and facts (None where they cannot be had)."""

    path: str
    facts: os.stat_result | None


def walk(folder: Path) -> Iterator[FoundFile | Unlistable]:
    """List all files below a folder, in bounded memory; those of a folder in the order of their names.

    Of a folder with more than some thousand entries each slice is in order, as the disk gives it. Symbolic links to
    folders are listed as files and not followed; sockets, pipes and devices are left out.

    Raises
    ------
    OSError
        The folder itself cannot be listed.
    """
    for found in entries(folder):
        if isinstance(found, Unlistable):
            yield found
        elif found.facts is None:
            yield FoundFile(found.path, 0, "0")  # gone or unreadable: reading it will say so
        elif stat.S_ISREG(found.facts.st_mode) or stat.S_ISLNK(found.facts.st_mode):
            yield FoundFile(found.path, found.facts.st_size, mtime_text(found.facts))


def entries(folder: Path, *, folders: bool = False) -> Iterator[Entry | Unlistable]:
    """List everything below a folder but what is in folders behind links; the base of `walk`.

    Parameters
    ----------
    folders
        Whether folders are listed too, each before what is in it.

    Raises
    ------
    OSError
        The folder itself cannot be listed.
    """
    pending = [""]
    while pending:
        relative = pending.pop()
        below: list[str] = []
        try:
            with os.scandir(f"{folder}/{relative}") as listing:  # no Path: a deep one takes long to put together
                while some := sorted(islice(listing, _SLICE), key=lambda entry: entry.name):
                    for entry in some:
                        path = f"{relative}/{entry.name}" if relative else entry.name
                        of_folder = is_folder(entry)
                        if of_folder:
                            below.append(path)
                        if folders or not of_folder:
                            yield Entry(path, _facts(entry))
        except OSError as error:
            if not relative:
                raise
            yield Unlistable(f"{relative}/", f"the folder cannot be listed: {strerror(error)}")
        pending += sorted(below, reverse=True)


def is_folder(entry: os.DirEntry[str]) -> bool:
    """Whether an entry is a folder itself, not a link to one; what the system refuses to tell is none."""
    try:
        return entry.is_dir(follow_symlinks=False)
    except OSError:
        return False


def _facts(entry: os.DirEntry[str]) -> os.stat_result | None:
    try:
        return entry.stat(follow_symlinks=False)
    except OSError:
        return None


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


def is_finished_name(name: str) -> bool:
    """Whether a folder of this name may be complete: not hidden, no extension that starts with `.tmp`."""
    return not name.startswith(".") and not Path(name).suffix.startswith(".tmp")


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


_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")


def shown(path: str) -> str:
    r"""Write a path so that it takes one line of a terminal and commands it nothing: control characters as `\xNN`."""
    return _CONTROL.sub(lambda found: found[0].encode("unicode_escape").decode("ascii"), printable(path))
