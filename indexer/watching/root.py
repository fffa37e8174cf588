"""Watching one folder: looks at it when the system says so and every few seconds, and offers what is finished.

Each watched folder has a thread of its own, so that a network file system that hangs holds up none but itself.
"""

import errno
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import structlog

from indexer.batches import WATCHER, deliver
from indexer.files import shown, strerror
from indexer.services import REDIS_IS_AWAY, Services
from indexer.status.ledger import Added
from indexer.watching.events import FolderEvents
from indexer.watching.incoming import Incoming
from indexer.watching.mounts import Mount, mount_now

log = structlog.get_logger(__name__)

# A look at everything takes a tenth of the time at most.
_REST = 10
# What the status holds is compared with what we remember so often, whatever happens.
_RELOAD_SECONDS = 600.0
# A lost event stays in the notice for so long.
_LOST_SECONDS = 600.0
_LISTEN_AGAIN_SECONDS = 60.0
# A look that takes longer may not come back.
_SLOW_SECONDS = 60.0
_SHORTEST_SECONDS = 0.02
_REFUSED_SHOWN = 3

_NO_EVENTS = {
    errno.EMFILE: "the limit fs.inotify.max_user_instances is reached",
    errno.ENOSPC: "the limit fs.inotify.max_user_watches is reached",
    errno.ENOSYS: "the system has none",
}


class WatchedRoot:
    """Watches one folder from a thread.

    Parameters
    ----------
    services
        With the settings.
    folder
        The watched folder, absolute.
    clock
        Seconds of a clock that never goes back.
    """

    def __init__(self, services: Services, folder: Path, clock: Callable[[], float] = time.monotonic) -> None:
        self._services = services
        self._settings = services.settings
        self._folder = folder
        self._clock = clock
        self._incoming = Incoming(folder, services.settings.settle_seconds, clock)
        self._wake = threading.Event()
        self._stop = threading.Event()
        self._events = FolderEvents(folder, self._wake.set)
        self._thread = threading.Thread(target=self._run, name=f"watch {folder.name}", daemon=True)
        self._failure: BaseException | None = None
        # What was so at the last look at all.
        self._problem: str | None = None
        self._no_events: str | None = None
        self._lost_at: tuple[float, datetime] | None = None
        self._looking_since: float | None = None
        self._identity: tuple[int, int] | None = None
        self._mount: Mount | None = None
        self._server: str | None = None
        self._took = 0.0
        # When what is to be done again.
        self._look_at = self._reload_at = self._listen_at = 0.0

    def start(self) -> None:
        """Begin to watch."""
        self._thread.start()

    def stop(self) -> None:
        """Ask the thread to end."""
        self._stop.set()
        self._wake.set()

    def join(self, seconds: float) -> None:
        """Wait for its end, unless the file system hangs."""
        self._thread.join(seconds)

    def check(self) -> None:
        """Raise what has ended the thread, if anything has."""
        if self._failure is not None:
            raise self._failure

    def notice(self) -> str | None:
        """What people should know about this folder, in a few words, or None."""
        since = self._looking_since
        now = self._clock()
        said = [self._problem, self._no_events]
        if since is not None and now - since > _SLOW_SECONDS:
            said.append(f"a look at it has been running for {now - since:.0f} s: does its file system answer?")
        if self._lost_at is not None and now - self._lost_at[0] < _LOST_SECONDS:
            said.append(
                f"the system lost events at {self._lost_at[1]:%H:%M:%S} UTC, so that everything was looked at again"
            )
        loose, refused = self._incoming.loose, self._incoming.refused
        if loose:
            said.append(f"{loose} files or links lie outside of any folder: put them into one to be indexed")
        if refused:
            some = ", ".join(f"{shown(name)} ({reason})" for name, reason in sorted(refused.items())[:_REFUSED_SHOWN])
            said.append(f"{len(refused)} folders cannot be looked at: {some}")
        return "; ".join(filter(None, said)) or None

    def _run(self) -> None:
        try:
            while not self._stop.is_set():
                self._wake.clear()
                try:
                    self._round()
                except REDIS_IS_AWAY as error:
                    log.warning("Redis is away", error=type(error).__name__)
                    self._stop.wait(1.0)
                self._wake.wait(self._pause())
        except Exception as error:
            # Whoever watches the watcher starts it again.
            log.exception("watching failed", folder=shown(str(self._folder)))
            self._failure = error
        finally:
            self._events.close()

    def _pause(self) -> float:
        """How long nothing has to be done, unless something is heard."""
        due = self._incoming.due() if self._problem is None else None
        until = self._look_at if due is None else min(self._look_at, due)
        return max(until - self._clock(), _SHORTEST_SECONDS)

    def _round(self) -> None:
        began = self._looking_since = self._clock()
        try:
            heard = self._events.take()
            self._incoming.renamed |= heard.renamed
            if heard.lost:
                self._lost_at = (began, datetime.now(UTC))
                log.warning("events were lost", folder=shown(str(self._folder)))
            if heard.all or began >= self._look_at:
                self._look_at_all()
                self._look_at = self._clock() + max(self._settings.look_seconds, _REST * self._took)
            elif self._problem is None:
                self._look(heard.names | self._incoming.waiting())
        finally:
            self._looking_since = None

    def _look_at_all(self) -> None:
        try:
            facts = self._folder.stat()
        except OSError as error:
            self._is_away(f"it cannot be looked at: {strerror(error)}")
            return
        identity = (facts.st_dev, facts.st_ino)
        if identity != self._identity:
            mount = mount_now(self._folder)
            if self._mount and mount and mount.point != self._mount.point and len(mount.point) < len(self._mount.point):
                self._is_away(f"what was mounted at {shown(self._mount.point)} is not there any more")
                return
            log.info("watching", folder=shown(str(self._folder)), on=mount.kind if mount else None)
            self._identity, self._mount = identity, mount
            self._listen_at = self._reload_at = 0.0
            self._events.close()
            if self._is_on_network():
                self._incoming.settle_seconds = self._settings.network_settle_seconds
        self._problem = None
        self._listen()
        self._reload()
        self._look(None)

    def _is_away(self, problem: str) -> None:
        """The folder has gone for now; when it comes back it is as good as new."""
        if self._problem is None:
            log.warning("watched folder is away", folder=shown(str(self._folder)), problem=problem)
        self._problem = problem
        self._identity = None
        self._events.close()

    def _listen(self) -> None:
        """Hear of events, where that is wanted and possible."""
        mode = self._settings.watch_mode
        if mode == "polling" or (mode == "auto" and self._is_on_network()):
            self._no_events = None
            return
        if self._events.is_open or self._clock() < self._listen_at:
            return
        try:
            self._events.open()
        except OSError as error:
            why = _NO_EVENTS.get(error.errno or 0, strerror(error))
            self._no_events = f"without events of the system ({why}) it is looked at every few seconds"
            self._listen_at = self._clock() + _LISTEN_AGAIN_SECONDS
        else:
            self._no_events = None

    def _is_on_network(self) -> bool:
        return self._mount is not None and self._mount.is_network

    def _reload(self) -> None:
        """Ask the status which deliveries are batches: at first, of another start of Redis, and now and then."""
        server = self._services.status.server()
        if server == self._server and self._clock() < self._reload_at:
            return
        above = f"{self._folder}/"
        deliveries = self._services.status.deliveries()
        self._incoming.knows(
            {
                path.removeprefix(above): delivery
                for path, delivery in deliveries
                if path.startswith(above) and "/" not in path[len(above) :]
            }
        )
        self._server = server
        self._reload_at = self._clock() + _RELOAD_SECONDS

    def _look(self, names: set[str] | None) -> None:
        began = self._clock()
        try:
            found = self._incoming.finished(names)
        except OSError as error:
            self._is_away(f"it cannot be listed: {strerror(error)}")
            return
        self._took = self._clock() - began
        for folder, delivery in found:
            if self._stop.is_set():
                return
            self._offer(folder, delivery)

    def _offer(self, folder: Path, delivery: str) -> None:
        offered = deliver(self._services, folder, WATCHER, delivery)
        if offered.added is Added.DELETING:
            return  # offered again at each look, until it is deleted
        if offered.added is not Added.KNOWN:
            log.info("batch found", batch=offered.id, how=offered.added)
        self._incoming.is_known(folder, delivery)
