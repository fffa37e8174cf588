"""How batches, queue, workers and watcher are at this moment, from Redis."""

import time
from collections.abc import Iterator
from datetime import datetime

from prometheus_client import Metric
from prometheus_client.core import GaugeMetricFamily

from indexer.metrics.catalogue import PREFIX
from indexer.queue import QUEUE, queued_at
from indexer.status import Gate, StatusStore
from indexer.status.connection import RedisClient
from indexer.status.totals import read_totals


def status_families(client: RedisClient) -> Iterator[Metric]:
    """Ask Redis, by a few requests however many batches there are.

    Raises
    ------
    redis.RedisError, StatusUnavailableError
        It does not answer.
    """
    yield from _batches(client)
    yield from _queue(client)
    yield from _processes(StatusStore(client))
    memory = client.info("memory")
    yield _gauge("redis_memory_bytes", "Memory that Redis uses for its data.", memory["used_memory"])
    closed = Gate(client).closed_for()
    yield _gauge("gate_closed_seconds", "How long all workers still pause, as Elasticsearch is overloaded.", closed)


def _batches(client: RedisClient) -> Iterator[Metric]:
    totals = read_totals(client)
    batches = GaugeMetricFamily(f"{PREFIX}batches", "Batches by status.", labels=["status"])
    for status, count in (("new", totals.new), ("processing", totals.processing), ("done", totals.done)):
        batches.add_metric([status], count)
    yield batches
    images = GaugeMetricFamily(f"{PREFIX}images_open", "Images that are not at their end yet.", labels=["status"])
    images.add_metric(["new"], totals.images_new)
    images.add_metric(["processing"], totals.images_processing)
    yield images
    yield _gauge("batch_oldest_open_seconds", "Age of the oldest batch that is not done.", _ago(totals.oldest))
    yield _gauge(
        "batch_longest_still_seconds",
        "How long the batch that is not done has not changed, of which that is longest.",
        _ago(totals.stillest),
    )


def _queue(client: RedisClient) -> Iterator[Metric]:
    pipeline = client.pipeline(transaction=False)
    pipeline.llen(QUEUE)
    pipeline.lindex(QUEUE, -1)  # what will be taken next
    waiting, oldest = pipeline.execute()
    yield _gauge("queue_tasks", "Tasks that no worker has taken yet.", waiting)
    yield _gauge("queue_oldest_seconds", "How long the task that comes next has waited.", _ago(queued_at(oldest)))


def _processes(status: StatusStore) -> Iterator[Metric]:
    workers = status.workers()
    alive = [worker for worker in workers if worker.alive]
    yield _gauge("workers_alive", "Workers that are heard of.", len(alive))
    yield _gauge("workers_busy", "Of these, those that work on a batch.", sum(bool(worker.doing) for worker in alive))
    yield _gauge("workers_silent", "Workers not heard of any more, for a day.", len(workers) - len(alive))
    rate = sum(worker.rate for worker in alive)
    yield _gauge("images_per_second", "Images brought to an end, the last half minute counting most.", rate)
    yield _gauge("watcher_alive", "Whether the watcher is heard of (1) or not (0).", status.watcher().alive)
    waiting = status.waiting()
    since = waiting.since if waiting else None
    yield _gauge("indexing_waits_seconds", "How long images have been waiting for Elasticsearch.", _since(since))


def _gauge(name: str, help_: str, value: float) -> GaugeMetricFamily:
    return GaugeMetricFamily(PREFIX + name, help_, value=value)


def _since(moment: datetime | None) -> float:
    return _ago(moment.timestamp() if moment else None)


def _ago(moment: float | None) -> float:
    """Seconds since a time; 0 where there is none, and where clocks differ."""
    return max(time.time() - moment, 0.0) if moment is not None else 0.0
