"""Who is alive, and why indexing waits.

Reports fade by themselves, so that silence is noticed whatever the clocks of the machines say.
"""

from collections.abc import Sequence

from indexer.status.connection import RedisClient, load_script, now
from indexer.status.keys import METRICS, WAITING, WATCHER, WORKERS, worker_key

# A report counts for this many heartbeats; a day after its last report a worker is forgotten.
_BEATS = 4
_FORGET_SECONDS = 86_400


class Presence:
    """Reports of watcher and workers.

    Parameters
    ----------
    client
        From `indexer.status.connect`.
    heartbeat_seconds
        How often each reports.
    """

    def __init__(self, client: RedisClient, heartbeat_seconds: int) -> None:
        self._redis = client
        self._fade = heartbeat_seconds * _BEATS
        self._worked = load_script(client, "worked")

    def watcher_beats(self, folder: str, notice: str | None) -> None:
        """Report the watcher, what it watches and what it wants to say."""
        pipeline = self._redis.pipeline()
        pipeline.hset(WATCHER, mapping={"last_seen": now(), "folder": folder, "notice": notice or ""})
        pipeline.set(f"{WATCHER}:alive", 1, ex=self._fade)
        pipeline.execute()

    def watcher_leaves(self) -> None:
        """Report that the watcher ends in order."""
        self._redis.delete(f"{WATCHER}:alive")

    def worker_beats(self, name: str) -> None:
        """Report a worker, and forget those that have been silent for a day."""
        for other, at in self._redis.hgetall(WORKERS).items():
            if float(at) < now() - _FORGET_SECONDS:
                self._redis.hdel(WORKERS, other)
        pipeline = self._redis.pipeline()
        pipeline.hset(WORKERS, name, now())
        pipeline.set(f"{WORKERS}:alive:{name}", 1, ex=self._fade)
        pipeline.execute()

    def worker_leaves(self, name: str) -> None:
        """Report that a worker ends in order."""
        pipeline = self._redis.pipeline()
        pipeline.hdel(WORKERS, name)
        pipeline.delete(f"{WORKERS}:alive:{name}")
        pipeline.execute()

    def worked(self, name: str, images: int, error: str | None = None, counted: Sequence[str] = ()) -> None:
        """Count what a worker has brought to its end, and keep why it could not go on.

        Parameters
        ----------
        counted
            What it has counted for metrics (`indexer.metrics.tally.flattened`).
        """
        self._worked(keys=[worker_key(name), METRICS], args=[now(), images, error or "", *counted])

    def waits(self, reason: str) -> None:
        """Say why indexing waits; the first to say it sets the time."""
        pipeline = self._redis.pipeline()
        pipeline.hset(WAITING, "reason", reason)
        pipeline.hsetnx(WAITING, "since", now())
        # Whoever waits says so again and again: a reason that nobody repeats is over.
        pipeline.expire(WAITING, self._fade)
        pipeline.execute()

    def goes_on(self) -> None:
        """Say that indexing does not wait any more."""
        self._redis.delete(WAITING)
