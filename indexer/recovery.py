"""The periodic check that finds lost work and queues it again.

Lost is: what a task held whose lease ran out (the worker died); what an unfinished batch has open although nothing of
it is queued or worked on (Redis lost its last second, or its queue); a batch whose images are all final but which
nobody has finished; one that is to be deleted or cleaned up, and nobody does it. Queueing too much is harmless, since a
task leaves out what is final.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass, field

import structlog

from indexer.metrics.catalogue import TASKS_LOST
from indexer.operations.cleaning import OPERATION as CLEAN
from indexer.operations.deleting import OPERATION as DELETE
from indexer.operations.shrinking import shrink_old
from indexer.queue import chunks, new_lease
from indexer.services import Services
from indexer.status import Batch, BatchStatus, Lease

log = structlog.get_logger(__name__)

_SHRINK_SECONDS = 3_600.0


@dataclass
class Recovery:
    """Finds lost work; remembers between two checks what looked lost in the first.

    Attributes
    ----------
    clock
        Seconds of a clock that never goes back.
    """

    services: Services
    clock: Callable[[], float] = time.monotonic
    _still_since: dict[str, tuple[object, float]] = field(default_factory=dict)
    _uncleaned_since: dict[str, float] = field(default_factory=dict)
    _shrunk_at: float | None = None

    def check(self) -> None:
        """Look once. Connection errors of Redis pass through."""
        self._queue_expired()
        self._look_at_unfinished()
        self._look_at_uncleaned()
        self._shrink_old()

    def _queue_expired(self) -> None:
        for lease in self.services.leases.expired():
            log.warning("lost task is queued again", batch=lease.batch, chunk=lease.id, images=len(lease.paths))
            self.services.tally.count(TASKS_LOST)
            if lease.operation:
                self._queue_operation(lease)
            elif lease.paths:
                self.services.queue.index(lease)
            else:
                self.services.queue.register(lease.batch, lease.id)

    def _look_at_unfinished(self) -> None:
        active = self.services.status.active_batches()
        self._still_since = {id_: since for id_, since in self._still_since.items() if id_ in active}
        if not active:
            return
        nothing_queued = self.services.queue.waiting() == 0 and self.services.status.waiting() is None
        worked_on = self.services.leases.batches()
        for id_ in active:
            batch = self.services.status.batch(id_)
            if batch is None:
                continue
            if not nothing_queued or id_ in worked_on:
                self._still_since.pop(id_, None)
            elif self._still_long(batch):
                self._still_since.pop(id_)
                self._queue_open(batch)

    def _still_long(self, batch: Batch) -> bool:
        seen, since = self._still_since.get(batch.id, (None, 0.0))
        if seen != batch.modify_date:
            self._still_since[batch.id] = (batch.modify_date, self.clock())
            return False
        return self.clock() - since >= 2 * self.services.settings.lease_seconds

    def _queue_operation(self, lease: Lease) -> None:
        """Go on with what has to come to its end; what a person asked for is over, and can be asked for again."""
        if lease.operation == DELETE:
            self.services.queue.delete(lease.batch)
        elif lease.operation == CLEAN:
            self.services.queue.clean(lease.batch)
        else:
            self.services.leases.end(lease)

    def _look_at_uncleaned(self) -> None:
        """Queue a clean-up again that nobody has seen to for long."""
        batches = self.services.status.to_clean()
        worked_on = self.services.leases.batches() if batches else set()
        queued = bool(batches) and self.services.queue.waiting() > 0
        self._uncleaned_since = {id_: self._uncleaned_since.get(id_, self.clock()) for id_ in batches}
        for id_ in batches:
            batch = self.services.status.batch(id_)
            if batch is None:
                self.services.ledger.clean_later(id_, wanted=False)
            elif queued or id_ in worked_on or batch.status is not BatchStatus.DONE:
                self._uncleaned_since[id_] = self.clock()
            elif self.clock() - self._uncleaned_since[id_] >= 2 * self.services.settings.lease_seconds:
                self._uncleaned_since[id_] = self.clock()
                self.services.queue.clean(id_)

    def _shrink_old(self) -> None:
        if self._shrunk_at is not None and self.clock() - self._shrunk_at < _SHRINK_SECONDS:
            return
        self._shrunk_at = self.clock()
        if shrunk := shrink_old(self.services):
            log.info("old batches shrunk", batches=shrunk)

    def _queue_open(self, batch: Batch) -> None:
        log.warning("unfinished batch is queued again", batch=batch.id, open=batch.counts.open)
        if batch.deleting:
            self.services.queue.delete(batch.id)
        elif not batch.registered:
            self.services.queue.register(batch.id)
        elif batch.counts.open == 0:
            self.services.queue.finish(batch.id)
        else:
            for paths in chunks(self.services.status.open_paths(batch.id), self.services.settings.chunk_files):
                self.services.queue.index(new_lease(batch.id, paths))
