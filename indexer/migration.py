"""A new index with the mapping of this code, filled from the stored headers while everything goes on.

    old index ──header──▶ flatten ──▶ new index           the copy, under each document's own version
    workers ── writes and deletions ──▶ both              as long as the alias for migrating exists
    searches ──▶ old index, then in one step the new one

A document is copied under the version that it has in the old index, so that whatever a worker writes or deletes
meanwhile is newer and wins. The old index stays until it is dropped by hand. A migration that was interrupted goes on
where it was: the copy runs in the order of `indexed_at`, and how far it came is kept in Redis.
"""

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import structlog
from elasticsearch import Elasticsearch
from elasticsearch.helpers import streaming_bulk
from redis.exceptions import LockError

from indexer.document import KEPT, rebuild_document
from indexer.point_in_time import pages_of
from indexer.queue import chunks
from indexer.services import Services
from indexer.settings import Settings
from indexer.status import connect
from indexer.status.connection import RedisClient
from mappings.index import (
    create_next,
    current_version,
    migrating_to,
    old_indices,
    replace_by,
)

log = structlog.get_logger(__name__)

_STATE = "migration"
_LOCK = "migration:lock"
_LOCK_SECONDS = 60
_PAGE = 250
_KEPT = {"includes": ["header", "receipt", *KEPT]}
_ID_PAGE = 2_000
_LOOKS = 5

Progress = Callable[[int, int], None]


class MigrationError(Exception):
    """A migration cannot go on; the message says why, and what to do."""


@dataclass(frozen=True, slots=True)
class Migrated:
    """What a migration did: from which index to which, and how many documents are in the new one."""

    old: str
    new: str
    documents: int


class Migration:
    """Fills a new index and puts it in the place of the old one.

    Parameters
    ----------
    services
        Connected to the archive that is migrated.
    """

    def __init__(self, services: Services) -> None:
        self._services = services
        self._settings: Settings = services.settings
        self._client: Elasticsearch = services.elasticsearch.options(request_timeout=120)
        self._redis: RedisClient = connect(self._settings.redis_url, patient=True)
        self._lock = self._redis.lock(_LOCK, timeout=_LOCK_SECONDS, blocking=False)

    def is_due(self) -> bool:
        """Whether the index is older than this code, or a migration was interrupted."""
        return self._running_to() is not None or not current_version(self._client, self._settings.index).is_current

    def _running_to(self) -> str | None:
        return migrating_to(self._client, self._settings.index)

    def run(self, progress: Progress = lambda done, total: None) -> Migrated:
        """Fill the new index and put it behind the aliases, or go on with that.

        Parameters
        ----------
        progress
            Called with the number of documents that were copied, and of those that there are.

        Raises
        ------
        MigrationError
            Another migration runs, or documents cannot be built again; nothing has changed for searches.
        """
        if not self._lock.acquire():
            raise MigrationError("another migration is running: wait for it, or try again in a minute if it was killed")
        try:
            old = current_version(self._client, self._settings.index).name
            new = self._running_to() or self._begin()
            self._wait_for_tasks_that_began_before()
            self._copy(old, new, progress)
            documents = self._compare(old, new)
            replace_by(self._client, self._settings.index, new, replicas=self._settings.replicas)
            self._redis.delete(_STATE)
            log.info("migrated", old=old, new=new, documents=documents)
            return Migrated(old, new, documents)
        finally:
            try:
                self._lock.release()
            except LockError:
                log.warning("the lock of the migration had run out")

    def drop_old(self) -> list[str]:
        """Delete the indices that former migrations have left; answer their names."""
        names = old_indices(self._client, self._settings.index)
        for name in names:
            self._client.indices.delete(index=name)
        return names

    def _begin(self) -> str:
        self._redis.delete(_STATE)
        return create_next(
            self._client, self._settings.index, shards=self._settings.shards, replicas=self._settings.replicas
        )

    def _wait_for_tasks_that_began_before(self) -> None:
        # A task looks before each request where to write; one that looked before the new index was there may still be
        # writing to the old one alone, and has to be through before the copy begins.
        before = self._services.leases.begun()
        deadline = time.monotonic() + self._settings.request_seconds + self._settings.lease_seconds
        while before & self._services.leases.begun() and time.monotonic() < deadline:
            time.sleep(0.1)

    def _copy(self, old: str, new: str, progress: Progress) -> None:
        total = self._count(old)
        state = self._redis.hgetall(_STATE)
        done = int(state.get("done", 0))
        # What was written before the new index was there has to be visible to the copy.
        self._client.indices.refresh(index=old)
        for hits in self._pages(old, state.get("indexed_at"), size=_PAGE, source=_KEPT):
            self._write(new, hits)
            done += len(hits)
            self._redis.hset(_STATE, mapping={"done": done, "indexed_at": hits[-1]["_source"]["indexed_at"]})
            self._lock.reacquire()
            progress(min(done, total), total)

    def _pages(
        self, index: str, since: str | None, *, size: int, source: bool | dict[str, Any]
    ) -> Iterator[list[dict[str, Any]]]:
        query = {"range": {"indexed_at": {"gte": since}}} if since else {"match_all": {}}
        return pages_of(self._client, index, query, sort=[{"indexed_at": "asc"}], size=size, source=source)

    def _write(self, new: str, hits: Sequence[dict[str, Any]]) -> None:
        actions = [
            {
                "_op_type": "index",
                "_index": new,
                "_id": hit["_id"],
                "version": hit["_version"],
                "version_type": "external",
                "_source": self._rebuilt(hit),
            }
            for hit in hits
        ]
        errors: list[dict[str, Any]] = []
        for ok, item in streaming_bulk(self._client, actions, raise_on_error=False, max_retries=8, max_backoff=30):
            if not ok:
                errors.append(item["index"])
        # 409: a worker has written or deleted it meanwhile; its version is newer.
        failed = [item for item in errors if item["status"] != 409]
        if failed:
            raise MigrationError(
                f"{len(failed)} documents cannot be written to {new}, the first is {failed[0]['_id']} "
                f"({failed[0].get('error', {}).get('type')}). Nothing has changed; run it again when this is mended."
            )

    def _rebuilt(self, hit: dict[str, Any]) -> dict[str, Any]:
        try:
            return rebuild_document(hit["_id"], hit["_source"], self._settings.limits)
        except Exception as error:
            raise MigrationError(
                f"the document {hit['_id']} cannot be built again ({type(error).__name__}). Nothing has changed; "
                "import its file anew or delete it, and run the migration again."
            ) from error

    def _compare(self, old: str, new: str) -> int:
        """Make sure that both have the same documents, while images come and go; answer how many there are."""
        missing = self._only_in(old, new)
        extra = self._only_in(new, old)
        if missing or extra:
            # The next run copies from the beginning.
            self._redis.delete(_STATE)
            raise MigrationError(
                f"{new} lacks {missing:,} documents of {old} and has {extra:,} that are not there: it is not put into "
                "use. Run the migration again."
            )
        return self._count(new)

    def _only_in(self, one: str, other: str) -> int:
        self._client.indices.refresh(index=one)
        suspects: set[str] = set()
        for hits in self._pages(one, None, size=_ID_PAGE, source=False):
            ids = [hit["_id"] for hit in hits]
            suspects.update(set(ids) - self._present(other, ids))
        # Writes go to one index after the other: what differs for a moment only is no difference.
        for attempt in range(_LOOKS):
            if suspects:
                time.sleep(0.2 * 2**attempt)
                suspects = self._present(one, sorted(suspects)) - self._present(other, sorted(suspects))
        return len(suspects)

    def _present(self, index: str, ids: Sequence[str]) -> set[str]:
        found: set[str] = set()
        for some in chunks(ids, _ID_PAGE):
            # Answers what was written, refreshed or not.
            answer = self._client.mget(index=index, ids=some, source=False)
            found.update(document["_id"] for document in answer["docs"] if document.get("found"))
        return found

    def _count(self, index: str) -> int:
        return int(self._client.count(index=index)["count"])
