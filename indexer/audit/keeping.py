"""How long the audit log is kept: whole months go when their last day is old enough; that they went is recorded."""

from datetime import UTC, datetime, timedelta

import structlog
from elasticsearch import Elasticsearch

from indexer.audit.event import Event, Kind, Participant, Thing
from indexer.audit.log import AuditLog
from indexer.audit.operations import Operation
from indexer.settings import Settings
from mappings.audit import months

log = structlog.get_logger(__name__)


def expire(settings: Settings, audit: AuditLog, elasticsearch: Elasticsearch, now: datetime | None = None) -> list[str]:
    """Delete the months that are older than the settings keep; answer them.

    The event that records it has the number and hash of the last event that goes, so that the chain can be checked from
    there on. It is recorded before the month goes.

    Raises
    ------
    AuditUnavailableError, elasticsearch.ApiError, elasticsearch.TransportError
        Redis or Elasticsearch is away.
    """
    if settings.audit_keep_days is None:
        return []
    oldest_kept = (now or datetime.now(UTC)) - timedelta(days=settings.audit_keep_days)
    gone = []
    for month in months(elasticsearch, settings.audit_index):
        if _end_of(month) > oldest_kept:
            break
        index = f"{settings.audit_index}-{month}"
        number, hash_, events = _last(elasticsearch, index)
        details: dict[str, str | int] = {"events": events, "last number": number, "last hash": hash_}
        thing = Thing(Kind.LOG, index, details=details)
        who = Participant("watcher", "watcher", "service")
        audit.append(Event(Operation.AUDIT_EXPIRED, who, "watcher", (thing,)))
        elasticsearch.indices.delete(index=index)
        log.info("old month of the audit log deleted", month=month, events=events)
        gone.append(month)
    return gone


def _end_of(month: str) -> datetime:
    year, number = map(int, month.split("-"))
    return datetime(year + number // 12, number % 12 + 1, 1, tzinfo=UTC)


def _last(elasticsearch: Elasticsearch, index: str) -> tuple[int, str, int]:
    """Number and hash of the last event of an index, and how many it has."""
    elasticsearch.indices.refresh(index=index)
    answer = elasticsearch.search(
        index=index, size=1, sort={"chain.number": "desc"}, source_includes=["chain"], track_total_hits=True
    )
    total = answer["hits"]["total"]["value"]
    chain = (answer["hits"]["hits"][0]["_source"] if answer["hits"]["hits"] else {}).get("chain", {})
    return int(chain.get("number", 0)), str(chain.get("hash", "")), int(total)
