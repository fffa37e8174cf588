"""Which task works on which images, so that the work of a task that died is found and queued again.

A task holds a lease while it works and renews it; a lease that runs out belongs to a task that was lost. The count of
tries lets a task that always dies be split until the file that kills it stands alone.
"""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import redis

from indexer.status.connection import RedisClient, load_script
from indexer.status.keys import LEASES, lease_key


@dataclass(frozen=True, slots=True)
class Lease:
    """What one task works on: images of a batch by relative path; none where it lists the batch's files.

    An operation on the whole batch has its name in `operation` instead, and no paths.
    """

    id: str
    batch: str
    paths: tuple[str, ...]
    operation: str = ""


@dataclass(frozen=True, slots=True)
class Started:
    """How often a lease was begun (1 the first time), and how many seconds before this time the last was."""

    tries: int
    seconds_since_last: int


class Leases:
    """The leases of all tasks.

    Parameters
    ----------
    client
        From `indexer.status.connect`.
    seconds
        How long a lease lasts without being renewed.
    """

    def __init__(self, client: RedisClient, seconds: int) -> None:
        self._redis = client
        self._seconds = seconds
        self._start = load_script(client, "lease_start")
        self._take = load_script(client, "lease_take")
        self._renew = load_script(client, "lease_renew")
        self._expired = load_script(client, "lease_expired")

    def start(self, lease: Lease, worker: str, tries: int = 0) -> Started:
        """Begin, or begin again; `tries` is what earlier tasks with these images have used up."""
        arguments: list[str | int] = [lease.id, lease.batch, json.dumps(lease.paths), worker, self._seconds, tries]
        begun, ago = self._start(keys=[LEASES, lease_key(lease.id)], args=arguments)
        return Started(int(begun), int(ago))

    def take(self, lease: Lease, who: str) -> str:
        """Begin an operation on a whole batch; answer the name of the one that is under way instead, or ''."""
        arguments: list[str | int] = [lease.id, lease.batch, lease.operation, who, self._seconds]
        return str(self._take(keys=[LEASES, lease_key(lease.id)], args=arguments))

    @contextmanager
    def renewed(self, lease: Lease) -> Iterator[None]:
        """Keep a begun lease alive from a thread of its own while the body runs."""
        stop = threading.Event()
        thread = threading.Thread(target=self._keep_renewing, args=(lease.id, stop), name="lease", daemon=True)
        thread.start()
        try:
            yield
        finally:
            stop.set()
            thread.join()

    def _keep_renewing(self, lease: str, stop: threading.Event) -> None:
        while not stop.wait(self._seconds / 3):
            try:
                self._renew(keys=[LEASES], args=[lease, self._seconds])
            except redis.RedisError:
                continue  # Redis is away: the task notices when it writes its outcome

    def end(self, lease: Lease) -> None:
        """Give the lease up: its work is settled, or queued again by its owner."""
        pipeline = self._redis.pipeline()
        pipeline.zrem(LEASES, lease.id)
        pipeline.delete(lease_key(lease.id))
        pipeline.execute()

    def expired(self) -> list[Lease]:
        """Leases that ran out; each is answered to one caller only, until it runs out again."""
        lost = []
        for lease in self._expired(keys=[LEASES], args=[self._seconds]):
            batch, paths, operation = self._redis.hmget(lease_key(lease), "batch", "paths", "operation")
            if batch is None or paths is None:
                self._redis.zrem(LEASES, lease)
            else:
                if operation:
                    self._redis.hset(lease_key(lease), "lost", 1)
                lost.append(Lease(lease, batch, tuple(json.loads(paths)), operation or ""))
        return lost

    def begun(self) -> set[tuple[str, str]]:
        """All leases with the time at which each was begun (the last time)."""
        pipeline = self._redis.pipeline(transaction=False)
        leases = self._redis.zrange(LEASES, 0, -1)
        for lease in leases:
            pipeline.hget(lease_key(lease), "started")
        return {(lease, at) for lease, at in zip(leases, pipeline.execute(), strict=True) if at}

    def batches(self) -> set[str]:
        """The batches that some task works on."""
        return {batch for _, batch in self._held() if batch}

    def of(self, batch: str) -> set[str]:
        """The leases of one batch."""
        return {lease for lease, held in self._held() if held == batch}

    def _held(self) -> list[tuple[str, str | None]]:
        pipeline = self._redis.pipeline(transaction=False)
        leases = self._redis.zrange(LEASES, 0, -1)
        for lease in leases:
            pipeline.hget(lease_key(lease), "batch")
        return list(zip(leases, pipeline.execute(), strict=True))
