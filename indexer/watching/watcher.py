"""The watcher's process: watches all folders, reports that it is alive, and checks for lost work."""

import signal
import threading
from contextlib import suppress
from pathlib import Path
from types import FrameType

import redis
import structlog

from indexer.files import shown, strerror
from indexer.recovery import Recovery
from indexer.services import REDIS_IS_AWAY, Services
from indexer.watching.root import WatchedRoot

log = structlog.get_logger(__name__)

# A thread that sits in a file system that hangs is not waited for.
_STOP_SECONDS = 5.0


class WatchError(Exception):
    """A folder cannot be watched; the message says which and why."""


class Watcher:
    """Watches the folders of the settings, and does what has to be done once for all of them.

    Parameters
    ----------
    services
        With the settings that say which folders are watched.
    """

    def __init__(self, services: Services) -> None:
        self._services = services
        self._folders = services.settings.incoming_folders
        self._roots = {folder: WatchedRoot(services, folder) for folder in self._folders}
        self._recovery = Recovery(services)
        self._stop = threading.Event()

    def run(self) -> None:
        """Watch until `stop` is called.

        Raises
        ------
        WatchError
            A watched folder cannot be made.
        """
        for folder in self._folders:
            _make(folder)
        for root in self._roots.values():
            root.start()
        try:
            while True:
                self._beat()
                if self._stop.wait(self._services.settings.heartbeat_seconds):
                    return
                for root in self._roots.values():
                    root.check()
        finally:
            self._end()

    def stop(self, _signal: int = 0, _frame: FrameType | None = None) -> None:
        """End `run` soon; fit as a signal handler."""
        self._stop.set()

    def _beat(self) -> None:
        try:
            folders = ", ".join(shown(str(folder)) for folder in self._folders)
            self._services.presence.watcher_beats(folders, self._notice())
            self._recovery.check()
            self._services.tally.flush(self._services.redis)
        except REDIS_IS_AWAY as error:
            log.warning("Redis is away", error=type(error).__name__)

    def _notice(self) -> str | None:
        notices = [(folder, root.notice()) for folder, root in self._roots.items()]
        return " · ".join(f"{shown(str(folder))}: {notice}" for folder, notice in notices if notice) or None

    def _end(self) -> None:
        for root in self._roots.values():
            root.stop()
        for root in self._roots.values():
            root.join(_STOP_SECONDS)
        with suppress(redis.RedisError):  # the report fades by itself
            self._services.presence.watcher_leaves()


def run_until_signal(watcher: Watcher) -> None:
    """Run a watcher in the main thread until SIGTERM or SIGINT."""
    signal.signal(signal.SIGTERM, watcher.stop)
    signal.signal(signal.SIGINT, watcher.stop)
    watcher.run()


def _make(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise WatchError(f"{shown(str(folder))} cannot be watched: {strerror(error)}.") from error
