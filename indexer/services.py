"""What a worker process works with, built once from the settings and passed in."""

from collections.abc import Callable
from dataclasses import dataclass

import redis
from celery import Celery
from elasticsearch import Elasticsearch
from kombu.exceptions import OperationalError

from indexer import connecting, queue
from indexer.audit import AuditLog, AuditUnavailableError
from indexer.metrics import Tally
from indexer.queue import TaskQueue
from indexer.settings import Settings
from indexer.sink import Sink
from indexer.status import Claims, Gate, Leases, Ledger, Presence, StatusStore, StatusUnavailableError, connect
from indexer.status.connection import RedisClient
from mappings.index import ensure_index, migrating_alias, write_alias

# What is raised by status, ledger and queue while Redis does not answer, or takes no changes.
REDIS_IS_AWAY = (redis.RedisError, StatusUnavailableError, AuditUnavailableError, OperationalError)


def connect_elasticsearch(settings: Settings) -> Elasticsearch:
    """Open a client of Elasticsearch that leaves retries to its caller."""
    return connecting.connect_elasticsearch(
        settings, request_timeout=settings.request_seconds, max_retries=0, retry_on_timeout=False
    )


@dataclass(frozen=True)
class Services:
    """Status, queue and index, as watcher and workers use them."""

    settings: Settings
    status: StatusStore
    audit: AuditLog
    ledger: Ledger
    leases: Leases
    presence: Presence
    claims: Claims
    queue: TaskQueue
    elasticsearch: Elasticsearch
    sink: Sink
    tally: Tally
    redis: RedisClient


def build_services(
    settings: Settings,
    celery: Celery | None = None,
    *,
    patient: bool = True,
    hurries: Callable[[], bool] = lambda: False,
) -> Services:
    """Connect to everything; nothing is asked of anyone yet.

    Parameters
    ----------
    patient
        Whether a Redis that is away is waited for, as workers do and pages do not.
    hurries
        Whether an Elasticsearch that is away is not waited for any more, because the process is about to end.
    """
    client = connect(settings.redis_url, patient=patient)
    presence = Presence(client, settings.heartbeat_seconds)
    tally = Tally()
    elasticsearch = connect_elasticsearch(settings)
    return Services(
        settings=settings,
        status=StatusStore(client),
        audit=AuditLog(client, records=settings.records, required=settings.must_record),
        ledger=Ledger(client),
        leases=Leases(client, settings.lease_seconds),
        presence=presence,
        claims=Claims(client, 2 * settings.chunk_seconds),
        queue=TaskQueue(celery or queue.create_app(settings), client),
        elasticsearch=elasticsearch,
        sink=Sink(
            elasticsearch,
            read_alias=settings.index,
            write_alias=write_alias(settings.index),
            migrating_alias=migrating_alias(settings.index),
            prepare=lambda: ensure_index(
                elasticsearch, settings.index, shards=settings.shards, replicas=settings.replicas
            ),
            waits=presence.waits,
            goes_on=presence.goes_on,
            gate=Gate(client),
            hurries=hurries,
            tally=tally,
        ),
        tally=tally,
        redis=client,
    )
