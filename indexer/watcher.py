"""The watcher: a finished folder in the watched folder becomes a batch, found exactly once.

Finished is a folder without an extension that starts with `.tmp`: it was renamed when it was complete, or stood there
at the start, or was created under its final name. The last kind may still grow, so it counts once nothing in it has
changed for a moment. Events of the file system only say that it is worth looking; what is there decides, and a look is
taken every few seconds anyway, so that a lost event loses nothing.
"""

import signal
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType

import redis
import structlog
from kombu.exceptions import OperationalError
from watchdog.events import FileSystemEvent, FileSystemEventHandler
from watchdog.observers import Observer

from indexer.batches import delivery_of, offer
from indexer.files import Unlistable, printable, strerror, walk
from indexer.recovery import Recovery
from indexer.services import Services
from indexer.status import StatusUnavailableError
from indexer.status.ledger import Added

log = structlog.get_logger(__name__)

SOURCE = "watcher"
_REDIS_IS_AWAY = (redis.RedisError, StatusUnavailableError, OperationalError)


def is_finished_name(name: str) -> bool:
    """Whether a folder of this name may be complete: not hidden, no extension that starts with `.tmp`."""
    return not name.startswith(".") and not Path(name).suffix.startswith(".tmp")


@dataclass
class Incoming:
    """Decides which folders of the watched folder are finished, from what the disk shows at one moment and the next.

    Attributes
    ----------
    folder
        The watched folder.
    settle_seconds
        How long nothing may have changed in a folder that was not renamed.
    clock
        Seconds of a clock that never goes back.
    """

    folder: Path
    settle_seconds: float
    clock: Callable[[], float] = time.monotonic
    renamed: set[str] = field(default_factory=set)
    loose: int = 0
    _offered: dict[str, str] = field(default_factory=dict)
    _growing: dict[str, tuple[object, float]] = field(default_factory=dict)

    def finished(self) -> list[tuple[Path, str]]:
        """Folders that are complete and not known in their present delivery: path, delivery.

        Raises
        ------
        OSError
            The watched folder cannot be listed.
        """
        found = []
        names = set()
        loose = 0
        for entry in sorted(self.folder.iterdir()):
            if not is_finished_name(entry.name):
                continue
            if entry.is_symlink() or not entry.is_dir():
                loose += 1
                continue
            names.add(entry.name)
            delivery = self._complete(entry)
            if delivery is not None:
                found.append((entry, delivery))
        self.loose = loose
        for known in (self._offered, self._growing):
            for name in known.keys() - names:
                del known[name]
        self.renamed &= names
        return found

    def _complete(self, folder: Path) -> str | None:
        try:
            delivery = delivery_of(folder)
        except FileNotFoundError:
            return None
        if self._offered.get(folder.name) == delivery:
            return None
        if folder.name in self.renamed:
            return delivery
        contents = _contents(folder)
        seen, since = self._growing.get(folder.name, (None, 0.0))
        if seen != contents:
            self._growing[folder.name] = (contents, self.clock())
            return None
        return delivery if self.clock() - since >= self.settle_seconds else None

    def is_known(self, folder: Path, delivery: str) -> None:
        """Remember that this delivery is a batch now."""
        self._offered[folder.name] = delivery
        self._growing.pop(folder.name, None)
        self.renamed.discard(folder.name)


def _contents(folder: Path) -> tuple[int, int, str]:
    files = size = 0
    newest = ""
    try:
        for found in walk(folder):
            if not isinstance(found, Unlistable):
                files += 1
                size += found.size
                newest = max(newest, found.mtime)
    except OSError:
        return (-1, 0, "")
    return (files, size, newest)


class _Events(FileSystemEventHandler):
    """Notes which folders were renamed, and wakes the watcher."""

    def __init__(self, folder: Path, renamed: Callable[[str], None], wake: Callable[[], None]) -> None:
        self._folder = folder
        self._renamed = renamed
        self._wake = wake

    def on_moved(self, event: FileSystemEvent) -> None:
        target = Path(str(event.dest_path))
        if target.parent == self._folder and Path(str(event.src_path)).parent == self._folder:
            self._renamed(target.name)
        self._wake()

    def on_created(self, event: FileSystemEvent) -> None:
        self._wake()


class Watcher:
    """Looks at the watched folder, offers what is finished, reports its heartbeat and checks for lost work.

    Parameters
    ----------
    services
        With the settings that say which folder is watched.
    """

    def __init__(self, services: Services) -> None:
        settings = services.settings
        self._services = services
        self._folder = settings.incoming_folder
        self._incoming = Incoming(self._folder, settings.settle_seconds)
        self._recovery = Recovery(services)
        self._wake = threading.Event()
        self._stop = threading.Event()
        self._renamed: list[str] = []

    def run(self) -> None:
        """Watch until `stop` is called.

        Raises
        ------
        OSError
            The watched folder cannot be made or watched.
        """
        self._folder.mkdir(parents=True, exist_ok=True)
        observer = Observer()
        observer.schedule(_Events(self._folder, self._renamed.append, self._wake.set), str(self._folder))
        observer.start()
        log.info("watching", folder=printable(str(self._folder)))
        try:
            while not self._stop.is_set():
                self._round()
        finally:
            observer.stop()
            observer.join()
            try:
                self._services.presence.watcher_leaves()
            except redis.RedisError:
                log.warning("leave not delivered")

    def stop(self, _signal: int = 0, _frame: FrameType | None = None) -> None:
        """End `run` soon; fit as a signal handler."""
        self._stop.set()
        self._wake.set()

    def _round(self) -> None:
        self._wake.clear()
        try:
            notice = self._look()
            self._services.presence.watcher_beats(printable(str(self._folder)), notice)
            self._recovery.check()
        except _REDIS_IS_AWAY as error:
            log.warning("Redis is away", error=type(error).__name__)
        # Between two looks at a folder that may still grow, no longer than it takes to settle.
        self._wake.wait(min(self._services.settings.heartbeat_seconds, max(self._incoming.settle_seconds, 0.2)))

    def _look(self) -> str | None:
        while self._renamed:
            self._incoming.renamed.add(self._renamed.pop())
        try:
            for folder, delivery in self._incoming.finished():
                self._offer(folder, delivery)
        except OSError as error:
            return f"the watched folder cannot be listed: {strerror(error)}"
        if self._incoming.loose:
            return f"{self._incoming.loose} files or links lie outside of any folder: put them into one to be indexed"
        return None

    def _offer(self, folder: Path, delivery: str) -> None:
        offered = offer(self._services.ledger, folder, SOURCE, delivery)
        if offered.added is not Added.KNOWN:
            # Queued after it is in the status: a crash in between is found by the check for lost work.
            self._services.queue.register(offered.id)
            log.info("batch found", batch=offered.id, how=offered.added)
        self._incoming.is_known(folder, delivery)


def run_until_signal(watcher: Watcher) -> None:
    """Run a watcher in the main thread until SIGTERM or SIGINT."""
    signal.signal(signal.SIGTERM, watcher.stop)
    signal.signal(signal.SIGINT, watcher.stop)
    watcher.run()
