"""Documents into Elasticsearch: bulk requests with an outcome for each document.

    documents ──bytes──▶ requests of bounded size ──▶ _bulk ──▶ an outcome per item
                              ▲                         │
                              └── 429, 502–504, lost ◀──┤   again, with backoff and jitter
                              └── 413, 400: halves ◀────┘

Documents are written under external versions (the time of indexing), so that an older write never replaces a newer one:
https://www.elastic.co/docs/api/doc/elasticsearch/operation/operation-bulk
"""

import random
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Protocol, cast

import orjson
from elastic_transport import ConnectionError as LostConnectionError
from elastic_transport import ConnectionTimeout
from elasticsearch import ApiError, Elasticsearch, NotFoundError

from indexer.connecting import explain, refusal
from indexer.duplicates import FIELD, Earlier, earlier_of
from indexer.metrics import Tally
from indexer.metrics.catalogue import BULK_BYTES, BULK_DOCUMENTS, BULK_OVERLOADED, BULK_RETRIES, BULK_SECONDS
from indexer.traces import span

_OVERLOADED = 429
RETRYABLE = frozenset({_OVERLOADED, 502, 503, 504})
_FIRST_PAUSE = 0.25
_LONGEST_PAUSE = 5.0


class ElasticsearchUnavailableError(Exception):
    """Elasticsearch does not take documents for now; nothing is wrong with them. The message says why.

    Attributes
    ----------
    overloaded
        Whether it has too much to do (429).
    refused
        Whether password, rights or certificate are the reason, which waiting does not mend.
    """

    def __init__(self, reason: str, *, overloaded: bool = False, refused: bool = False) -> None:
        super().__init__(reason)
        self.overloaded = overloaded
        self.refused = refused


class Gate(Protocol):
    """What all workers pass before a request, so that one that meets an overload slows all of them."""

    def close(self) -> object:
        """Let nobody through for a moment."""

    def wait(self, deadline: float) -> None:
        """Wait until it is open, or until a time of the monotonic clock."""


class _Open:
    """A gate that is always open."""

    def close(self) -> None:
        return

    def wait(self, deadline: float) -> None:
        return


@dataclass(frozen=True, slots=True)
class Document:
    """A document ready to be written: its `_id`, its JSON, its version (microseconds since 1970)."""

    id: str
    body: bytes
    version: int

    @property
    def size(self) -> int:
        """Bytes in a bulk request, about."""
        return len(self.body) + len(self.id) + 80

    def lines(self, alias: str) -> list[bytes]:
        """Write the request's lines."""
        return [orjson.dumps({"index": _action(self, alias)}), self.body]


@dataclass(frozen=True, slots=True)
class Removal:
    """A document to be deleted, under the version of its deletion; one that does not exist counts as deleted."""

    id: str
    version: int
    size: int = 160

    def lines(self, alias: str) -> list[bytes]:
        """Write the request's line."""
        return [orjson.dumps({"delete": _action(self, alias)})]


Change = Document | Removal


def _action(change: "Change", alias: str) -> dict[str, object]:
    # The alias must exist: a bulk request to a missing one would create an index with guessed fields.
    return {
        "_index": alias,
        "_id": change.id,
        "version": change.version,
        "version_type": "external_gte",
        "require_alias": True,
    }


@dataclass(frozen=True, slots=True)
class Written:
    """What became of one document: no reason where it is in the index, else Elasticsearch's reason for rejecting it."""

    id: str
    rejected: str | None = None


@dataclass
class Sink:
    """Writes documents; waits while Elasticsearch is away.

    Attributes
    ----------
    client
        Of Elasticsearch; its own retries have to be switched off.
    read_alias, write_alias, migrating_alias
        Names of the index: for asking, for writing, and of the index that a migration fills. While the last exists,
        every write goes to both, so that what is written during a migration is not lost when it ends.
    prepare
        Creates index and aliases where they are missing; called before the first use.
    patience
        Seconds that a lost or overloaded Elasticsearch is waited for.
    request_bytes
        Size of one bulk request, about.
    waits, goes_on
        Called with the reason when a write has to wait, and when it goes on.
    gate
        Shared by all workers; closed where Elasticsearch is overloaded.
    hurries
        Whether there is no time to wait any more, because this process is about to end.
    tally
        Counts requests for metrics.
    """

    client: Elasticsearch
    read_alias: str
    write_alias: str
    migrating_alias: str
    prepare: Callable[[], object]
    patience: float = 60.0
    request_bytes: int = 8_000_000
    waits: Callable[[str], None] = lambda reason: None
    goes_on: Callable[[], None] = lambda: None
    gate: Gate = field(default_factory=_Open)
    hurries: Callable[[], bool] = lambda: False
    tally: Tally = field(default_factory=Tally)
    _waiting: bool = field(default=False, init=False)
    _prepared: bool = field(default=False, init=False)

    def write(self, documents: Sequence[Change]) -> list[Written]:
        """Write or delete documents, each with an outcome, in the order given.

        Raises
        ------
        ElasticsearchUnavailableError
            Some could not be written within `patience`. Others may have been: writing all again is right.
        """
        outcomes: list[Written] = []
        for request in _requests(documents, self.request_bytes):
            outcomes += self._write_request(request)
        return outcomes

    def refresh(self) -> None:
        """Make what was written visible to search."""
        with self._asking():
            self.client.indices.refresh(index=self.write_alias)

    def existing(self, ids: Iterable[str]) -> dict[str, Earlier]:
        """Look for documents of these ids, written a moment ago or not: `_id` → where it comes from."""
        unique = sorted(set(ids))
        if not unique:
            return {}
        with self._asking():
            answer = self.client.mget(index=self.read_alias, ids=unique, source_includes=["batch", "file", FIELD])
        return {
            found["_id"]: earlier_of(found["_source"], found["_version"])
            for found in answer["docs"]
            if found.get("found")
        }

    @contextmanager
    def _asking(self) -> Iterator[None]:
        try:
            if not self._prepared:
                self.prepare()
                self._prepared = True
            yield
        except (LostConnectionError, ConnectionTimeout, ApiError) as error:
            # A missing index may have been dropped by hand: it is made anew before the next try.
            self._prepared = self._prepared and not isinstance(error, NotFoundError)
            reason = explain(error)
            self._report(reason)
            overloaded = isinstance(error, ApiError) and error.status_code == _OVERLOADED
            refused = refusal(error) is not None
            raise ElasticsearchUnavailableError(reason, overloaded=overloaded, refused=refused) from error

    def _write_request(self, documents: Sequence[Change]) -> list[Written]:
        outcomes: dict[int, Written] = {}
        open_items = list(range(len(documents)))
        deadline, pause = time.monotonic() + self.patience, _FIRST_PAUSE
        while True:
            self.gate.wait(deadline)
            tried = [documents[at] for at in open_items]
            overloaded = refused = False
            try:
                answers = self._bulk(tried)
            except _RefusedError as error:
                return self._halves(documents, error)
            except ElasticsearchUnavailableError as error:
                reason, overloaded, refused = str(error), error.overloaded, error.refused
            else:
                again = []
                for at, (status, why) in zip(open_items, answers, strict=True):
                    if status in RETRYABLE:
                        again.append(at)
                        overloaded = overloaded or status == _OVERLOADED
                        reason = f"Elasticsearch takes no documents ({status}: {why})"
                    else:
                        outcomes[at] = Written(documents[at].id, why)
                open_items = again
                self._report(reason if again else None)
                if not open_items:
                    return [outcomes[at] for at in range(len(documents))]
            if overloaded:
                self.tally.count(BULK_OVERLOADED)
                self.gate.close()
            if self.hurries() or time.monotonic() + pause > deadline:
                raise ElasticsearchUnavailableError(reason, overloaded=overloaded, refused=refused)
            self.tally.count(BULK_RETRIES)
            time.sleep(pause * random.uniform(0.5, 1.0))  # noqa: S311 - jitter
            pause = min(pause * 2, _LONGEST_PAUSE)

    def _report(self, reason: str | None) -> None:
        # Only a write that succeeded ends the wait: a node may answer questions and yet take no documents.
        if reason is not None:
            self.waits(reason)
        elif self._waiting:
            self.goes_on()
        self._waiting = reason is not None

    def _halves(self, documents: Sequence[Change], error: "_RefusedError") -> list[Written]:
        if len(documents) == 1:
            return [Written(documents[0].id, str(error))]
        middle = len(documents) // 2
        return self._write_request(documents[:middle]) + self._write_request(documents[middle:])

    def _bulk(self, documents: Sequence[Change]) -> list[tuple[int, str | None]]:
        with self._asking():
            aliases = [self.write_alias]
            if self.client.indices.exists_alias(name=self.migrating_alias):
                aliases.append(self.migrating_alias)
            lines = [line for document in documents for alias in aliases for line in document.lines(alias)]
            self.tally.observe(BULK_DOCUMENTS, len(documents))
            self.tally.observe(BULK_BYTES, sum(map(len, lines)))
            try:
                with self.tally.timed(BULK_SECONDS), span("bulk", "db.elasticsearch"):
                    # The client passes bytes on as they are; its types only know mappings.
                    answer = self.client.bulk(operations=cast("Sequence[Mapping[str, Any]]", lines))
            except ApiError as error:
                if error.status_code == 413:
                    raise _RefusedError("the document is larger than Elasticsearch accepts (413)") from error
                if error.status_code == 400:
                    raise _RefusedError(f"Elasticsearch cannot read the document (400, {error.error})") from error
                raise
        outcomes = [_outcome(item) for named in answer["items"] for item in named.values()]
        if any(why and why.startswith(_MISSING) for _, why in outcomes):
            self._prepared = False
        return [_worst(outcomes[at : at + len(aliases)]) for at in range(0, len(outcomes), len(aliases))]


class _RefusedError(Exception):
    """A whole request was refused because of what is in it: its halves tell which document it was."""


_MISSING = "index_not_found_exception"


def _worst(outcomes: Sequence[tuple[int, str | None]]) -> tuple[int, str | None]:
    """Tell of one document in two indices: it is written when it is written in both."""
    again = [outcome for outcome in outcomes if outcome[0] in RETRYABLE]
    rejected = [outcome for outcome in outcomes if outcome[1] is not None]
    return (again or rejected or outcomes)[0]


def _outcome(item: dict[str, object]) -> tuple[int, str | None]:
    status = int(str(item["status"]))
    # 409: a newer write of the same image has come first; this one is part of the past, and nothing is lost.
    if status < 300 or status == 409 or item.get("result") == "not_found":
        return status, None
    error = item.get("error")
    if not isinstance(error, dict):
        return status, str(status)
    kind = str(error.get("type"))
    # A missing alias, a read-only index or a missing right is the service's trouble, not the document's.
    if kind in ("cluster_block_exception", "security_exception", _MISSING):
        return 503, f"{kind}: {error.get('reason')}"
    return status, _without_values(kind, error)


def _without_values(kind: str, error: dict[str, object]) -> str:
    """Give Elasticsearch's reason as far as it cannot quote a header: the type of error and the field."""
    reason = str(error.get("reason", ""))
    head = reason.split(" in document with id")[0].split(". Preview of")[0]
    return f"{kind}: {head}" if len(head) < 200 and "value" not in head else kind


def _requests(documents: Sequence[Change], limit: int) -> Iterator[Sequence[Change]]:
    some: list[Change] = []
    size = 0
    for document in documents:
        if some and size + document.size > limit:
            yield some
            some, size = [], 0
        some.append(document)
        size += document.size
    if some:
        yield some
