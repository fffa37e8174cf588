"""The task queue: Celery as it has to be set so that no task is lost, and the tasks as functions to call.

A message is acknowledged when its task has ended, not before (`acks_late`), and goes back when the process dies
(`reject_on_worker_lost`); a process takes one message at a time. No result is kept: what became of the work stands in
the status. https://docs.celeryq.dev/en/stable/userguide/configuration.html
"""

import json
import uuid
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from typing import Any, TypeVar

import structlog
from celery import Celery

from indexer.settings import Settings
from indexer.status import Lease
from indexer.status.connection import RedisClient, now

QUEUE = "dicomsearch"
REGISTER = "dicomsearch.register_batch"
INDEX = "dicomsearch.index_chunk"
FINISH = "dicomsearch.finish_batch"
DELETE = "dicomsearch.delete_batch"
SYNC = "dicomsearch.sync_batch"
VERIFY = "dicomsearch.verify_batch"
CLEAN = "dicomsearch.clean_batch"
# Headers of messages: the request that a task goes back to, and when it was queued.
REQUEST_ID = "request_id"
QUEUED_AT = "queued_at"

T = TypeVar("T")


def create_app(settings: Settings) -> Celery:
    """Build the Celery application, without tasks: enough to send them, not to run them."""
    celery = Celery("dicomsearch", broker=settings.redis_url)
    celery.conf.update(
        task_default_queue=QUEUE,
        task_acks_late=True,
        task_reject_on_worker_lost=True,
        task_ignore_result=True,
        task_serializer="json",
        accept_content=["json"],
        worker_prefetch_multiplier=1,
        worker_hijack_root_logger=False,
        worker_redirect_stdouts=False,
        worker_send_task_events=False,
        worker_enable_remote_control=False,
        broker_connection_retry_on_startup=True,
        broker_connection_max_retries=None,
        # A task must have ended, or been ended, before its message counts as lost.
        broker_transport_options={"visibility_timeout": max(3_600, 2 * settings.chunk_seconds)},
        task_publish_retry_policy={"max_retries": 10, "interval_start": 0.1, "interval_step": 0.2, "interval_max": 2},
    )
    return celery


def new_lease(batch: str, paths: Sequence[str] = ()) -> Lease:
    """Name a piece of work that has not been named yet."""
    return Lease(uuid.uuid4().hex, batch, tuple(paths))


def chunks(items: Iterable[T], size: int) -> Iterator[list[T]]:
    """Cut into pieces of at most `size` items, without holding more than one."""
    iterator = iter(items)
    while some := list(islice(iterator, size)):
        yield some


class TaskQueue:
    """Sends tasks.

    Parameters
    ----------
    celery
        From `create_app`.
    client
        Of the same Redis, to ask how much is queued.
    """

    def __init__(self, celery: Celery, client: RedisClient) -> None:
        self._celery = celery
        self._redis = client

    def register(self, batch: str, lease: str | None = None) -> None:
        """Have the files of a batch listed and queued."""
        self._send(REGISTER, [batch, lease or uuid.uuid4().hex])

    def index(self, lease: Lease, tries: int = 0, delay: float = 0.0) -> None:
        """Have images of a batch indexed, `delay` seconds from now; `tries` have been used up by earlier tasks."""
        self._send(INDEX, [lease.batch, list(lease.paths), lease.id, tries], delay)

    def finish(self, batch: str) -> None:
        """Have a batch finished of which no image is open."""
        self._send(FINISH, [batch])

    def delete(self, batch: str, delay: float = 0.0) -> None:
        """Have a batch deleted that is marked so, `delay` seconds from now."""
        self._send(DELETE, [batch], delay)

    def sync(self, batch: str, *, apply: bool) -> None:
        """Have a batch compared with its folder, and made to follow it."""
        self._send(SYNC, [batch, apply])

    def verify(self, batch: str, *, repair: bool) -> None:
        """Have status and index of a batch compared, and repaired."""
        self._send(VERIFY, [batch, repair])

    def clean(self, batch: str, delay: float = 0.0) -> None:
        """Have the files of a batch cleaned up as the settings say, `delay` seconds from now."""
        self._send(CLEAN, [batch], delay)

    def waiting(self) -> int:
        """How many tasks nobody has taken yet."""
        return int(self._redis.llen(QUEUE))

    def _send(self, task: str, arguments: list[Any], delay: float = 0.0) -> None:
        headers = {QUEUED_AT: now(), REQUEST_ID: structlog.contextvars.get_contextvars().get(REQUEST_ID)}
        self._celery.send_task(task, args=arguments, countdown=delay or None, headers=headers)


def queued_at(message: str | None) -> float | None:
    """When a message of the queue was put there (seconds since 1970); None where there is none, or it does not say."""
    try:
        return float(json.loads(message or "null")["headers"][QUEUED_AT])
    except (TypeError, ValueError, LookupError):
        return None
