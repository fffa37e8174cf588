"""The audit log in tests: what is in the stream, and an index of its own."""

import json
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from elasticsearch import Elasticsearch
from redis import Redis

from app.audit.reading import AuditRecord, record_of
from indexer.audit import AuditLog, Event, Kind, Operation, Participant, Thing
from indexer.audit.log import STREAM
from indexer.audit.mover import Mover
from indexer.settings import Settings


@contextmanager
def own_log(settings: Settings) -> Iterator[Settings]:
    """Settings with an audit log of their own, whose indices are deleted afterwards."""
    index = f"audit-{secrets.token_hex(6)}"
    yield settings.model_copy(update={"audit_index": index})
    with Elasticsearch(settings.elasticsearch_url, request_timeout=30) as client:
        for name in client.indices.get(index=f"{index}-*", expand_wildcards="all"):
            client.indices.delete(index=name)
        if client.indices.exists_index_template(name=index):
            client.indices.delete_index_template(name=index)


def texts_in(redis: Redis) -> list[str]:
    """The messages in the stream, as they are written."""
    entries: Any = redis.xrange(STREAM)
    return [fields["message"] for _, fields in entries]


def messages_in(redis: Redis) -> list[dict[str, Any]]:
    """The messages in the stream, the oldest first."""
    return [json.loads(text) for text in texts_in(redis)]


def records_in(redis: Redis) -> list[AuditRecord]:
    """The events in the stream as records."""
    return [record_of(message) for message in messages_in(redis)]


def last_in(redis: Redis) -> AuditRecord:
    """The last event in the stream."""
    return records_in(redis)[-1]


def mover_of(settings: Settings, redis: Redis, elasticsearch: Elasticsearch) -> Mover:
    """A mover that waits for nothing."""
    return Mover(settings, redis, elasticsearch, settled_seconds=0)


def move(settings: Settings, redis: Redis, elasticsearch: Elasticsearch) -> int:
    """Move all events, and let them be found."""
    moved = mover_of(settings, redis, elasticsearch).move()
    elasticsearch.indices.refresh(index=settings.audit_index, ignore_unavailable=True)
    return moved


def append(redis: Redis, *queries: str, user: str = "anna") -> None:
    """Record searches."""
    log = AuditLog(redis)
    for query in queries:
        log.append(
            Event(Operation.SEARCH, Participant(user, "viewer", "session"), "web", (Thing(Kind.QUERY, query=query),))
        )


def documents_of(settings: Settings, elasticsearch: Elasticsearch) -> list[dict[str, Any]]:
    """What the index has, in the order of the log."""
    elasticsearch.indices.refresh(index=settings.audit_index)
    answer = elasticsearch.search(index=settings.audit_index, size=1_000, sort={"entry": "asc"})
    return [hit["_source"] for hit in answer["hits"]["hits"]]
