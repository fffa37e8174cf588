"""What the system tells of one watched folder, by inotify(7): which folders came, which were renamed.

Of watchdog its reader of inotify is used, not its observer, which tells handlers neither that events were lost nor that
the folder has gone. https://man7.org/linux/man-pages/man7/inotify.7.html
"""

import errno
import os
import sys
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from indexer.files import is_finished_name

if TYPE_CHECKING:
    from watchdog.observers.inotify_c import InotifyEvent, InotifyFD, WatchDescriptor

# Names that are kept until they are looked at; beyond, everything is looked at.
_MOST_NAMES = 10_000
# A move away is followed by its arrival at once, unless it left the folder: few have to be remembered.
_MOST_MOVES = 1_000


@dataclass
class Heard:
    """What was heard since it was last asked for.

    Attributes
    ----------
    names
        Folders that came.
    renamed
        Those of them that had the name of an unfinished folder here before.
    all
        Whether so much happened, or was lost, that all has to be looked at.
    lost
        Whether the system could not keep up and dropped events.
    """

    names: set[str] = field(default_factory=set)
    renamed: set[str] = field(default_factory=set)
    all: bool = False
    lost: bool = False


class FolderEvents:
    """Hears of one folder, not of what is in its sub-folders.

    Parameters
    ----------
    folder
        The folder.
    wake
        Called, from a thread of its own, when there is something to look at.
    """

    def __init__(self, folder: Path, wake: Callable[[], None]) -> None:
        self._folder = folder
        self._wake = wake
        self._lock = threading.Lock()
        self._heard = Heard()
        self._leaving: dict[int, None] = {}
        self._reader: InotifyFD | None = None
        self._gone = False

    @property
    def is_open(self) -> bool:
        """Whether the folder is being listened to."""
        return self._reader is not None and self._reader.is_alive() and not self._gone

    def open(self) -> None:
        """Begin to listen.

        Raises
        ------
        OSError
            The system cannot (ENOSYS), or allows no more (EMFILE, ENOSPC), or the folder is not there.
        """
        if sys.platform != "linux":
            raise OSError(errno.ENOSYS, "no inotify")
        from watchdog.observers.inotify_c import CallbackId, InotifyConstants, InotifyFD, Mask

        mask = Mask(
            InotifyConstants.IN_CREATE
            | InotifyConstants.IN_MOVED_FROM
            | InotifyConstants.IN_MOVED_TO
            | InotifyConstants.IN_MOVE_SELF
            | InotifyConstants.IN_ONLYDIR
        )
        self.close()
        reader = InotifyFD()
        reader.start()
        self._reader, self._gone = reader, False
        try:
            if reader.add_callback(os.fsencode(self._folder), mask, self, CallbackId(id(self))) == -1:
                raise PermissionError(errno.EACCES, "Permission denied")
        except OSError:
            self.close()
            raise

    def close(self) -> None:
        """Listen no more."""
        reader, self._reader = self._reader, None
        if reader is not None:
            reader.stop()
            reader.join()

    def take(self) -> Heard:
        """What was heard since the last time."""
        with self._lock:
            heard, self._heard = self._heard, Heard()
        return heard

    def on_event(self, event: "InotifyEvent") -> None:
        """Note what came; called by the reader."""
        if event.is_move_self:
            self._leave()
            return
        if not event.is_directory:
            return
        name = os.fsdecode(event.name)
        with self._lock:
            if event.is_moved_from:
                if not is_finished_name(name):
                    self._leaving[event.cookie] = None
                if len(self._leaving) > _MOST_MOVES:
                    del self._leaving[next(iter(self._leaving))]
                return
            if event.is_moved_to and event.cookie in self._leaving:
                del self._leaving[event.cookie]
                self._heard.renamed.add(name)
            if len(self._heard.names) < _MOST_NAMES:
                self._heard.names.add(name)
            else:
                self._heard.all = True
        self._wake()

    def on_watch_deleted(self, _wd: "WatchDescriptor") -> None:
        """Note that the folder has gone, or its file system; called by the reader."""
        self._leave()

    def on_queue_overflow(self) -> None:
        """Note that events were lost; called by the reader."""
        with self._lock:
            self._heard.lost = self._heard.all = True
        self._wake()

    def _leave(self) -> None:
        self._gone = True
        with self._lock:
            self._heard.all = True
        self._wake()
