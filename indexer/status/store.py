"""Reading the status: pages of batches, images and errors, as the records of `model`.

All keys of the status are named here and nowhere else.
"""

import json
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from importlib import resources
from typing import Any, TypeAlias, TypeVar

import redis
from redis.backoff import ExponentialBackoff
from redis.commands.core import Script
from redis.retry import Retry

from indexer.status.model import (
    Batch,
    BatchStatus,
    Counts,
    ErrorCode,
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
LEASES = "leases"
WATCHER = "watcher"
WORKERS = "workers"
WAITING = "waiting"

# A page of a hash is read by walking over it: Redis has no order in hashes, so a walk is the only bounded way.
_SCAN = 1_000

T = TypeVar("T")

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

    def images(self, batch: str, offset: int = 0, limit: int = 50, status: ImageStatus | None = None) -> Page[Image]:
        """Images of a batch by path, all or those of one status."""
        wanted = None if status is None else (lambda image: image.status == status)
        return self._page(images_key(batch), _image, offset, limit, wanted)

    def errors(self, batch: str, offset: int = 0, limit: int = 50) -> Page[ImageError]:
        """Errors of a batch by path."""
        return self._page(errors_key(batch), _image_error, offset, limit, None)

    def open_paths(self, batch: str) -> Iterator[str]:
        """Relative paths of the images that are NEW or PROCESSING, in no order, each at least once."""
        with self._asking():
            for path, text in self._redis.hscan_iter(images_key(batch), count=_SCAN):
                if json.loads(text)["status"] in (ImageStatus.NEW, ImageStatus.PROCESSING):
                    yield path

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
            for lease in leases:
                pipeline.hmget(lease_key(lease), "worker", "batch")
            answers = pipeline.execute()
        alive, holders = answers[: len(seen)], answers[len(seen) :]
        return [
            WorkerStatus(name, bool(is_alive), _needed_time(at), sorted({b for w, b in holders if w == name}))
            for (name, at), is_alive in zip(seen.items(), alive, strict=True)
        ]

    def waiting(self) -> Waiting | None:
        """Why indexing waits, or None when it does not."""
        with self._asking():
            values = self._redis.hgetall(WAITING)
        return Waiting(values["reason"], _needed_time(values.get("since"))) if values.get("reason") else None

    def _page(
        self, key: str, make: Callable[[str, str], T], offset: int, limit: int, wanted: Callable[[T], bool] | None
    ) -> Page[T]:
        with self._asking():
            pairs: Iterable[tuple[str, str]] = self._redis.hscan_iter(key, count=_SCAN)
            if wanted is None:
                paths = sorted({path for path, _ in pairs})
                some = paths[offset : offset + limit]
                texts = self._redis.hmget(key, some) if some else []
                return Page(len(paths), [make(p, t) for p, t in zip(some, texts, strict=True) if t is not None])
            found = {path: record for path, text in pairs if wanted(record := make(path, text))}
        return Page(len(found), [found[path] for path in sorted(found)[offset : offset + limit]])


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
    )


def _image(path: str, text: str) -> Image:
    record = json.loads(text)
    return Image(path, ImageStatus(record["status"]), record.get("uid"), int(record["size"]), record["mtime"])


def _image_error(path: str, text: str) -> ImageError:
    record = json.loads(text)
    return ImageError(path, ErrorCode(record["code"]), record["reason"], _needed_time(record["at"]))
