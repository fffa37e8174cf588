"""Reading the status: pages of batches, images and errors, as the records of `model`.

All keys of the status are named here and nowhere else.
"""

import itertools
import json
import math
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from importlib import resources
from typing import Any, TypeAlias

import redis
from redis.backoff import ExponentialBackoff
from redis.commands.core import Script
from redis.retry import Retry

from indexer.status.model import (
    Batch,
    BatchStatus,
    Counts,
    ErrorCode,
    Event,
    Image,
    ImageError,
    ImageStatus,
    Page,
    Waiting,
    WatcherStatus,
    WorkerStatus,
)

BATCHES = "batches"
ACTIVE = "batches:active"
DELETED = "batches:deleted"
PATHS = "batches:paths"
TO_CLEAN = "batches:to-clean"
LEASES = "leases"
WATCHER = "watcher"
WORKERS = "workers"
WAITING = "waiting"

_SCAN = 1_000
# All images of a batch are listed in this order: what needs attention first.
_ORDER = (ImageStatus.PROCESSING, ImageStatus.NEW, ImageStatus.ERROR, ImageStatus.DONE, ImageStatus.IGNORED)
# Seconds in which a rate of the past loses most of its weight; the scripts have the same number.
_RATE_SECONDS = 30
_NO_RATE = 0.005

# redis-py types every answer as bytes or text. Ours are text (`decode_responses`), which its types cannot say.
RedisClient: TypeAlias = Any


class StatusUnavailableError(Exception):
    """Redis does not answer; the message says where it was looked for and what to do."""


def batch_key(batch: str) -> str:
    """Key of the hash of one batch."""
    return f"batch:{batch}"


def images_key(batch: str) -> str:
    """Key of the hash relative path → image of one batch."""
    return f"batch:{batch}:images"


def errors_key(batch: str) -> str:
    """Key of the hash relative path → error of one batch."""
    return f"batch:{batch}:errors"


def paths_key(batch: str, status: ImageStatus) -> str:
    """Key of the sorted set of the relative paths of a batch's images of one status."""
    return f"batch:{batch}:paths:{status}"


def events_key(batch: str) -> str:
    """Key of the list of what happened to one batch."""
    return f"batch:{batch}:events"


def worker_key(worker: str) -> str:
    """Key of the hash of what one worker has done."""
    return f"worker:{worker}"


def lease_key(lease: str) -> str:
    """Key of the hash of one lease."""
    return f"lease:{lease}"


def connect(url: str, *, patient: bool = False) -> RedisClient:
    """Open a client as this package needs it: text, with names of files that are not UTF-8 kept as they are.

    Parameters
    ----------
    url
        `redis://[:password@]host:port/database`.
    patient
        Whether a lost connection is tried again for about ten seconds (workers, watcher) or twice (web pages).
    """
    retry = Retry(ExponentialBackoff(cap=2.0, base=0.1), 8 if patient else 1)
    return redis.Redis.from_url(
        url,
        decode_responses=True,
        encoding_errors="surrogateescape",
        socket_timeout=10,
        socket_connect_timeout=3,
        health_check_interval=30,
        retry=retry,
        retry_on_error=[redis.ConnectionError, redis.TimeoutError, redis.BusyLoadingError],
    )


def load_script(client: RedisClient, name: str) -> Script:
    """Register a script of `scripts/`, with what is common to all in front of it."""
    folder = resources.files("indexer.status").joinpath("scripts")
    text = folder.joinpath("common.lua").read_text("utf-8") + folder.joinpath(f"{name}.lua").read_text("utf-8")
    script: Script = client.register_script(text)
    return script


def now() -> float:
    """Seconds since 1970, as they are written to Redis."""
    return round(datetime.now(UTC).timestamp(), 3)


def _time(text: str | None) -> datetime | None:
    return datetime.fromtimestamp(float(text), UTC) if text else None


def _needed_time(text: str | None) -> datetime:
    return _time(text) or datetime.fromtimestamp(0, UTC)


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

    @contextmanager
    def _asking(self) -> Iterator[None]:
        try:
            yield
        except (redis.ConnectionError, redis.TimeoutError) as error:
            raise StatusUnavailableError(
                f"Redis does not answer ({type(error).__name__}): is it running, and is DICOMSEARCH_REDIS_URL right?"
            ) from error

    def ping(self) -> None:
        """Ask whether Redis answers."""
        with self._asking():
            self._redis.ping()

    def batches(self, offset: int = 0, limit: int = 50) -> Page[Batch]:
        """Batches, the newest first."""
        with self._asking():
            ids = self._redis.zrange(BATCHES, offset, offset + limit - 1, desc=True) if limit > 0 else []
            pipeline = self._redis.pipeline(transaction=False)
            pipeline.zcard(BATCHES)
            for batch in ids:
                pipeline.hgetall(batch_key(batch))
            count, *hashes = pipeline.execute()
        return Page(count, [_batch(id_, values) for id_, values in zip(ids, hashes, strict=True) if values])

    def batch(self, batch: str) -> Batch | None:
        """One batch, or None where there is none of that id."""
        with self._asking():
            values = self._redis.hgetall(batch_key(batch))
        return _batch(batch, values) if values else None

    def active_batches(self) -> list[str]:
        """The ids of batches that are not DONE."""
        with self._asking():
            return sorted(self._redis.smembers(ACTIVE))

    def deliveries(self) -> Iterator[tuple[str, str]]:
        """Each folder that is or was a batch, and in which delivery, by a few requests however many there are.

        What is added meanwhile may be missed.
        """
        with self._asking():
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
        with self._asking():
            return str(self._redis.info("server")["run_id"])

    def images(self, batch: str, offset: int = 0, limit: int = 50, status: ImageStatus | None = None) -> Page[Image]:
        """Images of a batch: of one status by path, or all, by status and path, those that need attention first."""
        wanted = _ORDER if status is None else (status,)
        count, paths = self._paths(batch, wanted, offset, limit)
        with self._asking():
            texts = self._redis.hmget(images_key(batch), paths) if paths else []
        found = zip(paths, texts, strict=True)
        return Page(count, [_image(path, text) for path, text in found if text is not None])

    def errors(self, batch: str, offset: int = 0, limit: int = 50) -> Page[ImageError]:
        """Errors of a batch by path."""
        count, paths = self._paths(batch, (ImageStatus.ERROR,), offset, limit)
        with self._asking():
            texts = self._redis.hmget(errors_key(batch), paths) if paths else []
        found = zip(paths, texts, strict=True)
        return Page(count, [_image_error(path, text) for path, text in found if text is not None])

    def image_records(self, batch: str, paths: Sequence[str]) -> dict[str, Image]:
        """Images of a batch by their relative paths, those that there are."""
        with self._asking():
            texts = self._redis.hmget(images_key(batch), list(paths)) if paths else []
        return {path: _image(path, text) for path, text in zip(paths, texts, strict=True) if text is not None}

    def error_records(self, batch: str, paths: Sequence[str]) -> dict[str, ImageError]:
        """Errors of a batch by relative paths, those that there are."""
        with self._asking():
            texts = self._redis.hmget(errors_key(batch), list(paths)) if paths else []
        return {path: _image_error(path, text) for path, text in zip(paths, texts, strict=True) if text is not None}

    def all_images(self, batch: str) -> Iterator[list[Image]]:
        """All images of a batch from their records alone, in no order, some at a time; one may be told twice."""
        cursor = 0
        while True:
            with self._asking():
                cursor, records = self._redis.hscan(images_key(batch), cursor, count=_SCAN)
            yield [_image(path, text) for path, text in records.items()]
            if cursor == 0:
                return

    def paths(self, batch: str, statuses: Iterable[ImageStatus] = _ORDER) -> Iterator[str]:
        """Relative paths of images of some statuses, by status and path.

        What changes its status meanwhile may be missed or told twice.
        """
        for status in statuses:
            after = "-"
            while True:
                with self._asking():
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
        with self._asking():
            return sorted(self._redis.smembers(TO_CLEAN))

    def events(self, batch: str) -> list[Event]:
        """What happened to a batch, the latest first."""
        with self._asking():
            texts = self._redis.lrange(events_key(batch), 0, -1)
        return [_event(text) for text in reversed(texts)]

    def watcher(self) -> WatcherStatus:
        """The watcher's last report."""
        with self._asking():
            values, alive = self._redis.hgetall(WATCHER), self._redis.exists(f"{WATCHER}:alive")
        last_seen = _time(values.get("last_seen"))
        return WatcherStatus(bool(alive), last_seen, values.get("folder"), values.get("notice") or None)

    def workers(self) -> list[WorkerStatus]:
        """The workers that were heard of, and the batches that each works on."""
        with self._asking():
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
            _worker(name, bool(is_alive), at, {b for w, b in holders if w == name}, done)
            for (name, at), is_alive, done in zip(seen.items(), alive, work, strict=True)
        ]

    def waiting(self) -> Waiting | None:
        """Why indexing waits, or None when it does not."""
        with self._asking():
            values = self._redis.hgetall(WAITING)
        return Waiting(values["reason"], _needed_time(values.get("since"))) if values.get("reason") else None

    def _paths(self, batch: str, statuses: Sequence[ImageStatus], offset: int, limit: int) -> tuple[int, list[str]]:
        """How many images of some statuses there are, and the paths of one page of them."""
        keys = [paths_key(batch, status) for status in statuses]
        paths: list[str] = []
        with self._asking():
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


def _batch(id_: str, values: dict[str, Any]) -> Batch:
    return Batch(
        id=id_,
        name=values["name"],
        path=values["path"],
        source=values["source"],
        status=BatchStatus(values["status"]),
        has_error=values["has_error"] == "1",
        counts=Counts(**{name: int(values.get(name, 0)) for name in Counts.__slots__}),
        add_date=_needed_time(values["add_date"]),
        modify_date=_needed_time(values["modify_date"]),
        finished_at=_time(values.get("finished_at")),
        tags=json.loads(values.get("tags", "[]")),
        registered=values.get("registered") == "1",
        note=values.get("note", ""),
        rate=_rate(values),
        cancelled=values.get("cancelled") == "1",
        deleting=values.get("deleting") == "1",
        delete_files=values.get("delete_files") == "1",
        shrunk=values.get("shrunk") == "1",
        cleaned=values.get("cleaned", ""),
    )


def _worker(name: str, alive: bool, at: str, doing: set[str], done: dict[str, str]) -> WorkerStatus:
    return WorkerStatus(
        name=name,
        alive=alive,
        last_seen=_needed_time(at),
        doing=sorted(doing),
        images=int(done.get("images", 0)),
        rate=_rate(done),
        error=done.get("error"),
        error_at=_time(done.get("error_at")),
    )


def _rate(values: dict[str, str]) -> float:
    """The rate that a script noted, as it has faded since."""
    since = now() - float(values.get("rate_at", 0))
    rate = float(values.get("rate", 0)) * math.exp(-max(since, 0) / _RATE_SECONDS)
    return rate if rate >= _NO_RATE else 0.0


def _event(text: str) -> Event:
    record = json.loads(text)
    return Event(_needed_time(record["at"]), record["what"], record["details"] or {})


def _image(path: str, text: str) -> Image:
    record = json.loads(text)
    status, size = ImageStatus(record["status"]), int(record["size"])
    return Image(path, status, record.get("uid"), size, record["mtime"], bool(record.get("duplicate")))


def _image_error(path: str, text: str) -> ImageError:
    record = json.loads(text)
    return ImageError(path, ErrorCode(record["code"]), record["reason"], _needed_time(record["at"]))
