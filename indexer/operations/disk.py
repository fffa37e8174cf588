"""Deleting files of a batch without harm: no link is followed, nothing outside of the folder is touched.

Every step goes by the descriptor of the folder before it, so that a folder that is replaced by a link meanwhile leads
nowhere.
"""

import errno
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from indexer.files import printable
from indexer.services import Services
from indexer.status import Batch

_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_BATCHES = 500


class NotInFolderError(OSError):
    """A path does not name a file in the folder."""


class Folder:
    """An open folder of a batch, in which files are named by relative paths. From `open_folder`."""

    def __init__(self, root: int) -> None:
        self._root = root
        self._last: tuple[str, int] | None = None

    def facts(self, path: str) -> os.stat_result:
        """Tell of a file, or of a link itself.

        Raises
        ------
        OSError
            It is not there, or a folder on the way to it is a link.
        """
        folder, name = self._place(path)
        return os.stat(name, dir_fd=folder, follow_symlinks=False)

    def open(self, path: str) -> int:
        """Open a regular file for reading, never a link; answer its descriptor."""
        folder, name = self._place(path)
        return os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK, dir_fd=folder)

    def link(self, path: str, target: Path) -> None:
        """Give a file a second name elsewhere; one that exists there stays."""
        folder, name = self._place(path)
        os.link(name, target, src_dir_fd=folder, follow_symlinks=False)

    def delete(self, path: str) -> bool:
        """Delete a regular file; answer False where it is not there (any more).

        Raises
        ------
        OSError
            It is a link or no file, or may not be deleted.
        """
        try:
            if not stat.S_ISREG(self.facts(path).st_mode):
                raise NotInFolderError(errno.EINVAL, "it is a link or no file")
            folder, name = self._place(path)
            os.unlink(name, dir_fd=folder)
        except FileNotFoundError:
            return False
        return True

    def delete_empty_folders(self) -> int:
        """Delete the folders in it that are empty, or become so by this; answer how many."""
        deleted = 0
        for _, names, _, descriptor in os.fwalk(".", topdown=False, dir_fd=self._root, follow_symlinks=False):
            for name in names:
                deleted += _delete_if_empty(name, descriptor)
        self.close_last()
        return deleted

    def close_last(self) -> None:
        """Close what was kept open to be quick."""
        if self._last is not None:
            os.close(self._last[1])
            self._last = None

    def _place(self, path: str) -> tuple[int, str]:
        """Open the folder of a file; the last one is kept, since files of a folder come one after the other."""
        folder, _, name = path.rpartition("/")
        if self._last is None or self._last[0] != folder:
            self.close_last()
            self._last = (folder, self._descend(folder.split("/") if folder else []))
        if name in ("", ".", ".."):
            raise NotInFolderError(errno.EINVAL, "it is no name of a file")
        return self._last[1], name

    def _descend(self, names: list[str]) -> int:
        here = os.dup(self._root)
        try:
            for name in names:
                if name in ("", ".", ".."):
                    raise NotInFolderError(errno.EINVAL, "it leads out of the folder")
                below = os.open(name, _FOLDER, dir_fd=here)
                os.close(here)
                here = below
        except OSError:
            os.close(here)
            raise
        return here


def _delete_if_empty(name: str, parent: int) -> int:
    try:
        os.rmdir(name, dir_fd=parent)
    except OSError:
        return 0  # not empty, a link, or not ours to delete
    return 1


@contextmanager
def open_folder(path: Path) -> Iterator[Folder]:
    """Open the folder of a batch.

    Raises
    ------
    OSError
        It is not there, is a link, or may not be read.
    """
    root = os.open(path, _FOLDER)
    folder = Folder(root)
    try:
        yield folder
    finally:
        folder.close_last()
        os.close(root)


def delete_empty(path: Path) -> int:
    """Delete a folder if it is empty; answer how many were deleted."""
    try:
        path.rmdir()
    except OSError:
        return 0
    return 1


def why_files_must_stay(services: Services, batch: Batch, folder: Path) -> str | None:
    """Say why deleting files of a batch could harm others, or None when it cannot."""
    if folder.is_symlink():
        return "its folder is a symbolic link"
    own = folder.resolve()
    settings = services.settings
    if any(incoming.resolve().is_relative_to(own) for incoming in settings.incoming_folders):
        return "its folder is, or contains, a watched folder"
    if settings.archive_folder and overlap(own, settings.archive_folder.resolve()):
        return "the archive folder is in it, or it is in the archive folder"
    for other in _all_batches(services):
        if other.id != batch.id and overlap(own, Path(other.path).resolve()):
            return f"the batch {other.id} has files there, too ({printable(other.path)})"
    return None


def overlap(one: Path, other: Path) -> bool:
    """Whether one folder is the other, or in it."""
    return one.is_relative_to(other) or other.is_relative_to(one)


def _all_batches(services: Services) -> Iterator[Batch]:
    offset = 0
    while results := services.status.batches(offset, _BATCHES).results:
        yield from results
        offset += _BATCHES
