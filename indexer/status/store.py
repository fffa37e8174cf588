"""Reading the status: pages of batches, images and errors, as the records of `model`."""

import itertools
from collections.abc import Iterable, Iterator, Sequence

from indexer.status.asking import asking_redis
from indexer.status.connection import RedisClient
from indexer.status.keys import (
    ACTIVE,
    BATCHES,
    DELETED,
    LEASES,
    TO_CLEAN,
    WAITING,
    WATCHER,
    WORKERS,
    batch_key,
    errors_key,
    events_key,
    images_key,
    lease_key,
    paths_key,
    worker_key,
)
from indexer.status.model import (
    Batch,
    Event,
    Image,
    ImageError,
    ImageStatus,
    Page,
    Waiting,
    WatcherStatus,
    WorkerStatus,
)
from indexer.status.records import batch_of, error_of, event_of, image_of, needed_time, time_of, worker_of

_SCAN = 1_000
_BATCHES = 500
# All images of a batch are listed in this order: what needs attention first.
_ORDER = (ImageStatus.PROCESSING, ImageStatus.NEW, ImageStatus.ERROR, ImageStatus.DONE, ImageStatus.IGNORED)


class StatusStore:
    """What is known of batches, images, watcher and workers.

    Parameters
    ----------
    client
        From `connect`.

    Raises
    ------
    StatusUnavailableError
        By every method, when Redis does not answer.
    """

    def __init__(self, client: RedisClient) -> None:
        self._redis = client

    def ping(self) -> None:
        """Ask whether Redis answers."""
        with asking_redis():
            self._redis.ping()

    def batches(self, offset: int = 0, limit: int = 50) -> Page[Batch]:
        """Batches, the newest first."""
        with asking_redis():
            ids = self._redis.zrange(BATCHES, offset, offset + limit - 1, desc=True) if limit > 0 else []
            pipeline = self._redis.pipeline(transaction=False)
            pipeline.zcard(BATCHES)
            for batch in ids:
                pipeline.hgetall(batch_key(batch))
            count, *hashes = pipeline.execute()
        return Page(count, [batch_of(id_, values) for id_, values in zip(ids, hashes, strict=True) if values])

    def all_batches(self) -> Iterator[Batch]:
        """Every batch, the newest first, by pages; what is added or deleted meanwhile may be told twice or missed."""
        for offset in itertools.count(0, _BATCHES):
            page = self.batches(offset, _BATCHES)
            yield from page.results
            if offset + _BATCHES >= page.count:
                return

    def batch(self, batch: str) -> Batch | None:
        """One batch, or None where there is none of that id."""
        with asking_redis():
            values = self._redis.hgetall(batch_key(batch))
        return batch_of(batch, values) if values else None

    def active_batches(self) -> list[str]:
        """The ids of batches that are not DONE."""
        with asking_redis():
            return sorted(self._redis.smembers(ACTIVE))

    def deliveries(self) -> Iterator[tuple[str, str]]:
        """Each folder that is or was a batch, and in which delivery, by a few requests however many there are.

        What is added meanwhile may be missed.
        """
        with asking_redis():
            yield from self._redis.hscan_iter(DELETED, count=_SCAN)
            for offset in itertools.count(0, _SCAN):
                ids = self._redis.zrange(BATCHES, offset, offset + _SCAN - 1)
                pipeline = self._redis.pipeline(transaction=False)
                for id_ in ids:
                    pipeline.hmget(batch_key(id_), "path", "delivery")
                yield from ((path, delivery) for path, delivery in pipeline.execute() if path and delivery)
                if len(ids) < _SCAN:
                    return

    def server(self) -> str:
        """Which start of which Redis this is: another one may have lost what was written last."""
        with asking_redis():
            return str(self._redis.info("server")["run_id"])

    def images(self, batch: str, offset: int = 0, limit: int = 50, status: ImageStatus | None = None) -> Page[Image]:
        """Images of a batch: of one status by path, or all, by status and path, those that need attention first."""
        wanted = _ORDER if status is None else (status,)
        count, paths = self._paths(batch, wanted, offset, limit)
        return Page(count, list(self.image_records(batch, paths).values()))

    def errors(self, batch: str, offset: int = 0, limit: int = 50) -> Page[ImageError]:
        """Errors of a batch by path."""
        count, paths = self._paths(batch, (ImageStatus.ERROR,), offset, limit)
        return Page(count, list(self.error_records(batch, paths).values()))

    def image_records(self, batch: str, paths: Sequence[str]) -> dict[str, Image]:
        """Images of a batch by their relative paths, those that there are, in the order of the paths."""
        with asking_redis():
            texts = self._redis.hmget(images_key(batch), list(paths)) if paths else []
        return {path: image_of(path, text) for path, text in zip(paths, texts, strict=True) if text is not None}

    def error_records(self, batch: str, paths: Sequence[str]) -> dict[str, ImageError]:
        """Errors of a batch by relative paths, those that there are, in the order of the paths."""
        with asking_redis():
            texts = self._redis.hmget(errors_key(batch), list(paths)) if paths else []
        return {path: error_of(path, text) for path, text in zip(paths, texts, strict=True) if text is not None}

    def all_images(self, batch: str) -> Iterator[list[Image]]:
        """All images of a batch from their records alone, in no order, some at a time; one may be told twice."""
        cursor = 0
        while True:
            with asking_redis():
                cursor, records = self._redis.hscan(images_key(batch), cursor, count=_SCAN)
            yield [image_of(path, text) for path, text in records.items()]
            if cursor == 0:
                return

    def paths(self, batch: str, statuses: Iterable[ImageStatus] = _ORDER) -> Iterator[str]:
        """Relative paths of images of some statuses, by status and path.

        What changes its status meanwhile may be missed or told twice.
        """
        for status in statuses:
            after = "-"
            while True:
                with asking_redis():
                    some = self._redis.zrange(paths_key(batch, status), after, "+", bylex=True, offset=0, num=_SCAN)
                yield from some
                if len(some) < _SCAN:
                    break
                after = f"({some[-1]}"

    def open_paths(self, batch: str) -> Iterator[str]:
        """Relative paths of the images that are NEW or PROCESSING."""
        return self.paths(batch, (ImageStatus.PROCESSING, ImageStatus.NEW))

    def to_clean(self) -> list[str]:
        """The ids of batches whose files are to be cleaned up."""
        with asking_redis():
            return sorted(self._redis.smembers(TO_CLEAN))

    def events(self, batch: str) -> list[Event]:
        """What happened to a batch, the latest first."""
        with asking_redis():
            texts = self._redis.lrange(events_key(batch), 0, -1)
        return [event_of(text) for text in reversed(texts)]

    def watcher(self) -> WatcherStatus:
        """The watcher's last report."""
        with asking_redis():
            values, alive = self._redis.hgetall(WATCHER), self._redis.exists(f"{WATCHER}:alive")
        last_seen = time_of(values.get("last_seen"))
        return WatcherStatus(bool(alive), last_seen, values.get("folder"), values.get("notice") or None)

    def workers(self) -> list[WorkerStatus]:
        """The workers that were heard of, and the batches that each works on."""
        with asking_redis():
            seen = dict(sorted(self._redis.hgetall(WORKERS).items()))
            leases = self._redis.zrange(LEASES, 0, 999)
            pipeline = self._redis.pipeline(transaction=False)
            for name in seen:
                pipeline.exists(f"{WORKERS}:alive:{name}")
            for name in seen:
                pipeline.hgetall(worker_key(name))
            for lease in leases:
                pipeline.hmget(lease_key(lease), "worker", "batch")
            answers = pipeline.execute()
        alive, work, holders = answers[: len(seen)], answers[len(seen) : 2 * len(seen)], answers[2 * len(seen) :]
        return [
            worker_of(name, bool(is_alive), at, {b for w, b in holders if w == name}, done)
            for (name, at), is_alive, done in zip(seen.items(), alive, work, strict=True)
        ]

    def waiting(self) -> Waiting | None:
        """Why indexing waits, or None when it does not."""
        with asking_redis():
            values = self._redis.hgetall(WAITING)
        return Waiting(values["reason"], needed_time(values.get("since"))) if values.get("reason") else None

    def _paths(self, batch: str, statuses: Sequence[ImageStatus], offset: int, limit: int) -> tuple[int, list[str]]:
        """How many images of some statuses there are, and the paths of one page of them."""
        keys = [paths_key(batch, status) for status in statuses]
        paths: list[str] = []
        with asking_redis():
            pipeline = self._redis.pipeline(transaction=False)
            for key in keys:
                pipeline.zcard(key)
            sizes = pipeline.execute()
            for key, size in zip(keys, sizes, strict=True):
                missing = limit - len(paths)
                if missing > 0 and offset < size:
                    paths += self._redis.zrange(key, offset, offset + missing - 1)
                offset = max(0, offset - size)
        return sum(sizes), paths
