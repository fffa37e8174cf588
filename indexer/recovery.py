"""The periodic check that finds lost work and queues it again.

Lost is: what a task held whose lease ran out (the worker died); what an unfinished batch has open although nothing of
it is queued or worked on (Redis lost its last second, or its queue); a batch whose images are all final but which
nobody has finished. Queueing too much is harmless, since a task leaves out what is final.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass, field

import structlog

from indexer.queue import chunks, new_lease
from indexer.services import Services
from indexer.status import Batch

log = structlog.get_logger(__name__)


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

    def check(self) -> None:
        """Look once. Connection errors of Redis pass through."""
        self._queue_expired()
        self._look_at_unfinished()

    def _queue_expired(self) -> None:
        for lease in self.services.leases.expired():
            log.warning("lost task is queued again", batch=lease.batch, chunk=lease.id, images=len(lease.paths))
            if lease.paths:
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

    def _queue_open(self, batch: Batch) -> None:
        log.warning("unfinished batch is queued again", batch=batch.id, open=batch.counts.open)
        if not batch.registered:
            self.services.queue.register(batch.id)
        elif batch.counts.open == 0:
            self.services.queue.finish(batch.id)
        else:
            for paths in chunks(self.services.status.open_paths(batch.id), self.services.settings.chunk_files):
                self.services.queue.index(new_lease(batch.id, paths))
