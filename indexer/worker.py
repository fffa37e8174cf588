"""The Celery worker: `celery -A indexer.worker worker`.

This module is an edge of the program: it builds the settings when it is imported, because Celery's command line wants a
ready application. What the tasks do stands in `registering`, `indexing`, `finishing` and `operations`.
"""

import multiprocessing
import threading
from collections.abc import Callable
from functools import cache, partial
from typing import Any

import redis
import structlog
from celery import Celery, signals

from indexer import finishing, indexing, queue, registering
from indexer.logs import configure_logging
from indexer.observing import observed, quieten
from indexer.operations import tasks
from indexer.services import Services, build_services
from indexer.settings import Settings, load_settings
from indexer.status import Lease, Presence, connect


def create_celery(settings: Settings, ends: Callable[[], bool] = lambda: False) -> Celery:
    """Build the Celery application with its tasks.

    Parameters
    ----------
    ends
        Whether the worker has been told to end: a task that waits for Elasticsearch gives its images back then.
    """
    celery = queue.create_app(settings)
    # Tasks are not shared: another application of this process (a test's) has other settings.

    @cache
    def services() -> Services:
        # Built in the process that runs the task: connections do not survive a fork.
        return build_services(settings, celery, hurries=ends)

    task = partial(celery.task, shared=False, base=observed(services), bind=True)

    @task(name=queue.REGISTER)
    def register_batch(task: Any, batch: str, lease_id: str) -> None:
        lease = Lease(lease_id, batch, ())
        services().leases.start(lease, str(task.request.hostname))
        with services().leases.renewed(lease):
            registering.register_batch(services(), batch)
        services().leases.end(lease)

    @task(name=queue.INDEX, time_limit=settings.chunk_seconds)
    def index_chunk(task: Any, batch: str, paths: list[str], chunk: str, tries: int) -> None:
        structlog.contextvars.bind_contextvars(chunk=chunk)
        indexing.index_chunk(services(), Lease(chunk, batch, tuple(paths)), str(task.request.hostname), tries)

    @task(name=queue.FINISH)
    def finish_batch(_task: Any, batch: str) -> None:
        finishing.finish(services(), batch)

    @task(name=queue.DELETE)
    def delete_batch(task: Any, batch: str) -> None:
        tasks.delete(services(), batch, str(task.request.hostname))

    @task(name=queue.CLEAN)
    def clean_batch(task: Any, batch: str) -> None:
        tasks.clean(services(), batch, str(task.request.hostname))

    @task(name=queue.SYNC)
    def sync_batch(task: Any, batch: str, apply: bool) -> None:
        tasks.sync(services(), batch, str(task.request.hostname), apply=apply)

    @task(name=queue.VERIFY)
    def verify_batch(task: Any, batch: str, repair: bool) -> None:
        tasks.verify(services(), batch, str(task.request.hostname), repair=repair)

    return celery


class Heartbeat:
    """Reports that a worker is alive, from a thread of its main process, until it is stopped."""

    def __init__(self, presence: Presence, name: str, seconds: int) -> None:
        self._presence = presence
        self._name = name
        self._seconds = seconds
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="heartbeat", daemon=True)

    def start(self) -> None:
        """Report now and from now on."""
        self._thread.start()

    def stop(self) -> None:
        """Take leave."""
        self._stop.set()
        self._thread.join(timeout=self._seconds)
        try:
            self._presence.worker_leaves(self._name)
        except redis.RedisError:
            return  # the report fades by itself

    def _run(self) -> None:
        while True:
            try:
                self._presence.worker_beats(self._name)
            except redis.RedisError as error:
                structlog.get_logger(__name__).warning("heartbeat not delivered", error=type(error).__name__)
            if self._stop.wait(self._seconds):
                return


def connect_signals(settings: Settings, end: Callable[[], None]) -> None:
    """Hook logging and the heartbeat into the start and the end of a Celery worker, and `end` into its end."""
    running: list[Heartbeat] = []

    def on_logging(**_: Any) -> None:
        configure_logging(settings, "worker")

    def on_ready(sender: Any = None, **_: Any) -> None:
        presence = Presence(connect(settings.redis_url), settings.heartbeat_seconds)
        running.append(Heartbeat(presence, str(sender.hostname), settings.heartbeat_seconds))
        running[-1].start()

    def on_told_to_end(**_: Any) -> None:
        end()

    def on_shutdown(**_: Any) -> None:
        while running:
            running.pop().stop()

    def on_init(instance: Any = None, **_: Any) -> None:
        quieten(instance)
        on_logging()  # Celery has something to say before it asks for its logs to be set up

    signals.celeryd_init.connect(on_init, weak=False)
    signals.setup_logging.connect(on_logging, weak=False)
    signals.worker_ready.connect(on_ready, weak=False)
    signals.worker_shutting_down.connect(on_told_to_end, weak=False)
    signals.worker_shutdown.connect(on_shutdown, weak=False)


_settings = load_settings()
# Shared with the processes that do the work, which are forked from this one.
_told_to_end = multiprocessing.Event()
celery = create_celery(_settings, _told_to_end.is_set)
connect_signals(_settings, _told_to_end.set)
