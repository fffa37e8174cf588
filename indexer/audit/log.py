"""Appending to the audit log: to a stream in Redis, before an answer goes out.

audit          STREAM  message, number, previous, hash: what is not in Elasticsearch yet
audit:head     HASH    number, hash and entry of the last event
audit:inbox    LIST    JSON: batches that are done, noted by the script that makes them DONE
audit:said:…   STRING  fades by itself: what was said a moment ago
"""

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import resources

import redis
import structlog

from indexer.audit.chain import canonical, digest_of
from indexer.audit.event import Event
from indexer.status.connection import RedisClient

log = structlog.get_logger(__name__)
STREAM = "audit"
HEAD = "audit:head"
INBOX = "audit:inbox"
_SAID = "audit:said:"


class AuditUnavailableError(Exception):
    """Nothing can be recorded; the message says why and what to do."""


@dataclass(frozen=True, slots=True)
class Quiet:
    """For so many seconds the same is not said again: what a page repeats by itself is one act of its reader.

    Attributes
    ----------
    same
        What makes it the same: who, from where, what, with what.
    """

    same: tuple[str, ...]
    seconds: int

    @property
    def key(self) -> str:
        """Under which it is remembered, without telling what it is."""
        return _SAID + hashlib.sha256("\0".join(self.same).encode("utf-8", "backslashreplace")).hexdigest()


@dataclass(frozen=True, slots=True)
class Head:
    """The end of the chain; number 0 and an empty hash where nothing was recorded yet."""

    number: int
    hash: str


@dataclass(frozen=True, slots=True)
class Backlog:
    """What waits for Elasticsearch: how many events, and for how many seconds the oldest one."""

    events: int
    seconds: float


class AuditLog:
    """The audit log, to write to.

    Parameters
    ----------
    client
        From `indexer.status.connect`.
    records
        Whether anything is recorded at all.
    required
        Whether what cannot be recorded must not be done; else it is done nevertheless.

    Raises
    ------
    AuditUnavailableError
        By every method, when Redis does not answer or takes nothing; where recording is not required, by none that
        records.
    """

    def __init__(self, client: RedisClient, *, records: bool = True, required: bool = True) -> None:
        self._redis = client
        self.records = records
        self._required = required
        text = resources.files("indexer.audit").joinpath("scripts", "append.lua").read_text("utf-8")
        self._append = client.register_script(text)

    def append(self, event: Event, *, quiet: Quiet | None = None, instead_of: str = "") -> None:
        """Record an event.

        Parameters
        ----------
        quiet
            Where the same was recorded a moment ago it is not again.
        instead_of
            The entry of the inbox that the event is made from: it goes in the same step.
        """
        if not self.records:
            return
        message = canonical(event.document())
        keys = [STREAM, HEAD, *([quiet.key] if quiet else []), *([INBOX] if instead_of else [])]
        with self._as_required(), _asking():
            self._append(keys=keys, args=[message, digest_of(message), quiet.seconds if quiet else 0, instead_of])

    def check(self) -> None:
        """Make sure that something can be recorded, before it is done."""
        if not self.records:
            return
        with self._as_required(), _asking():
            self._redis.ping()

    @contextmanager
    def _as_required(self) -> Iterator[None]:
        """Let what cannot be recorded go by where it need not be."""
        try:
            yield
        except AuditUnavailableError as error:
            if self._required:
                raise
            log.warning("event not recorded", why=str(error))

    def head(self) -> Head:
        """The end of the chain."""
        with _asking():
            number, hash_ = self._redis.hmget(HEAD, "number", "hash")
        return Head(int(number or 0), hash_ or "")

    def backlog(self) -> Backlog:
        """What waits for Elasticsearch."""
        with _asking():
            pipeline = self._redis.pipeline(transaction=False)
            pipeline.xlen(STREAM)
            pipeline.xrange(STREAM, count=1)
            pipeline.time()
            events, first, (seconds, _) = pipeline.execute()
        waited = seconds - milliseconds_of(first[0][0]) / 1000 if first else 0.0
        return Backlog(int(events), max(waited, 0.0))

    def inbox(self) -> str | None:
        """The first entry of the inbox; None where there is none."""
        with _asking():
            entry: str | None = self._redis.lindex(INBOX, 0)
        return entry


def milliseconds_of(entry: str) -> int:
    """When an entry of the stream was made, by Redis's clock, from its id."""
    return int(entry.partition("-")[0])


@contextmanager
def _asking() -> Iterator[None]:
    try:
        yield
    except redis.RedisError as error:
        raise AuditUnavailableError(
            f"The audit log cannot be written ({type(error).__name__}), so nothing is done: is Redis running, with "
            "room in memory and on disk, and is DICOMSEARCH_REDIS_URL right?"
        ) from error
