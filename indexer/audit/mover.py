"""Moving the audit log from Redis to Elasticsearch: each event once, and out of Redis only when it is there.

An event has the id of its entry in Redis, and is created, never written over; so moving again what was moved before a
crash changes nothing. Events stay in Redis for a moment, until Redis has written them to disk: what a crash of Redis
takes back was never moved, and the chain goes on without a fork.
"""

from collections.abc import Container, Iterator, Mapping, Sequence
from typing import Any

import orjson
import structlog
from elasticsearch import Elasticsearch, NotFoundError

from indexer.audit.entries import Entry, images_in
from indexer.audit.event import Document, Event, Kind, Participant, Thing
from indexer.audit.log import INBOX, STREAM, AuditLog, milliseconds_of
from indexer.audit.operations import Operation
from indexer.settings import Settings
from indexer.status.connection import RedisClient
from indexer.status.keys import batch_key
from mappings.audit import ensure_month

log = structlog.get_logger(__name__)

PAGE = 500
# `appendfsync everysec` writes after two seconds at the latest.
_SETTLED_SECONDS = 3.0
_KEYS = ("study", "series", "patient")
# What became of a document, by the status of HTTP; others, as 429, mean that it may be taken later.
_CREATED, _EXISTS, _GONE, _UNUSABLE = 201, 409, 404, 400


class Mover:
    """Moves what is in the stream, oldest first, some hundred events at a time.

    Parameters
    ----------
    client
        Of Redis, from `indexer.status.connect`.
    settled_seconds
        For so long an event stays in Redis.
    """

    def __init__(
        self,
        settings: Settings,
        client: RedisClient,
        elasticsearch: Elasticsearch,
        *,
        settled_seconds: float = _SETTLED_SECONDS,
    ) -> None:
        self._settings = settings
        self._redis = client
        self._elasticsearch = elasticsearch
        self._log = AuditLog(client)
        self._settled = settled_seconds
        self._ready: set[str] = set()

    def move(self) -> int:
        """Move what there is; answer how many events that were.

        Raises
        ------
        redis.RedisError, AuditUnavailableError, elasticsearch.ApiError, elasticsearch.TransportError
            One of the two is away: calling it again goes on.
        """
        self.take_inbox()
        moved = 0
        for entries in self._pages():
            confirmed = self._create(entries)
            if confirmed:
                self._redis.xdel(STREAM, *(entry.id for entry in confirmed))
            moved += len(confirmed)
        if moved:
            head = self._log.head()
            # Outside of Redis and Elasticsearch, so that a chain that somebody makes anew can be told from this one.
            log.info("audit log moved", events=moved, number=head.number, hash=head.hash)
        return moved

    def take_inbox(self) -> None:
        """Make events of the batches that have been done."""
        while entry := self._log.inbox():
            try:
                event = self._imported(orjson.loads(entry)["batch"])
            except (ValueError, KeyError, TypeError):
                log.error("an entry of the inbox of the audit log cannot be read, and is dropped")
                self._redis.lrem(INBOX, 1, entry)
            else:
                self._log.append(event, instead_of=entry)

    def _imported(self, batch: Mapping[str, Any]) -> Event:
        source, path = self._redis.hmget(batch_key(batch["id"]), "source", "path")
        counts = {name: int(batch["counts"][name]) for name in ("total", "done", "error", "ignored", "duplicates")}
        things = [Thing(Kind.BATCH, batch["id"], details={**counts, **({"source": source} if source else {})})]
        if path:
            things.append(Thing(Kind.FOLDER, path))
        return Event(Operation.BATCH_IMPORTED, Participant("worker", "worker", "service"), "worker", tuple(things))

    def _pages(self) -> Iterator[list[Entry]]:
        """What has been in the stream for long enough; what could not be moved is passed by, and holds up nothing."""
        seconds, microseconds = self._redis.time()
        until = int(seconds * 1000 + microseconds / 1000 - self._settled * 1000)
        after = "-"
        while True:
            entries = [Entry(id_, fields) for id_, fields in self._redis.xrange(STREAM, after, "+", count=PAGE)]
            settled = [entry for entry in entries if milliseconds_of(entry.id) <= until]
            if settled:
                yield settled
            if len(settled) < PAGE:
                return
            after = f"({settled[-1].id}"

    def _create(self, entries: Sequence[Entry]) -> list[Entry]:
        """Create the documents of entries; answer those that are in the index now."""
        documents = [entry.document() for entry in entries]
        self._resolve(documents)
        wanted = list(zip(entries, documents, strict=True))
        left = self._bulk(wanted)
        if gone := _having(left, _GONE):
            self._ready.clear()  # somebody has deleted an index
            again = self._bulk([(entry, document) for entry, document in wanted if entry.id in gone])
            left = {**_without(left, gone), **again}
        if unusable := _having(left, _UNUSABLE):
            # Whatever the index does not take of an event, that there was one is kept, with all that it said.
            again = self._bulk([(entry, entry.unreadable()) for entry in entries if entry.id in unusable])
            left = {**_without(left, unusable), **again}
        if left:
            log.warning("events of the audit log stay in Redis for now", events=len(left), status=min(left.values()))
        return [entry for entry in entries if entry.id not in left]

    def _bulk(self, wanted: Sequence[tuple[Entry, Document]]) -> dict[str, int]:
        """Create documents; answer the entries that are not in the index now, each with the status of its refusal."""
        operations: list[Any] = []
        for entry, document in wanted:
            operations += ({"create": {"_index": self._index(entry.month), "_id": entry.id}}, document)
        answer = self._elasticsearch.bulk(operations=operations, filter_path="items.*.status")
        statuses = [int(item["create"]["status"]) for item in answer["items"]]
        return {
            entry.id: status
            for (entry, _), status in zip(wanted, statuses, strict=True)
            if status not in (_CREATED, _EXISTS)
        }

    def _index(self, month: str) -> str:
        if month not in self._ready:
            index, replicas = self._settings.audit_index, self._settings.replicas
            ensure_month(self._elasticsearch, index, month, replicas=replicas)
            self._ready.add(month)
        return f"{self._settings.audit_index}-{month}"

    def _resolve(self, documents: Sequence[Document]) -> None:
        """Add the study, series and patient of the images, as the archive has them now, to find events by."""
        wanted = {image for document in documents for image in images_in(document)}
        if not wanted:
            return
        try:
            answer = self._elasticsearch.mget(
                index=self._settings.index,
                ids=sorted(wanted),
                source_includes=[f"derived.{key}" for key in _KEYS],
            )
        except NotFoundError:
            return  # there is no archive yet
        known = {one["_id"]: one["_source"].get("derived", {}) for one in answer["docs"] if one.get("found")}
        for document in documents:
            found = [known[image] for image in images_in(document) if image in known]
            if found:
                document["resolved"] = {key: sorted({one[key] for one in found if key in one}) for key in _KEYS}


def _having(statuses: Mapping[str, int], status: int) -> set[str]:
    return {entry for entry, one in statuses.items() if one == status}


def _without(statuses: Mapping[str, int], entries: Container[str]) -> dict[str, int]:
    return {entry: status for entry, status in statuses.items() if entry not in entries}
