"""Checking the chain of the audit log: whether an event was changed, taken out, or put in."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from elasticsearch import Elasticsearch

from indexer.audit.entries import part_of, parts_of
from indexer.audit.log import AuditLog
from indexer.audit.operations import Operation
from indexer.audit.reading import Link, links, unchained
from indexer.status.connection import RedisClient

LISTED = 100


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that is not as it was recorded.

    Attributes
    ----------
    kind
        `changed`, `missing`, `twice`, `relinked`, `foreign`, `unreadable` or `end`.
    """

    kind: str
    what: str
    detail: str


@dataclass
class ChainReport:
    """What was found.

    Attributes
    ----------
    events
        How many events were checked.
    number, hash
        The end of the chain: worth being noted elsewhere.
    begins
        The number of the first event that is kept.
    findings
        The first hundred.
    """

    events: int = 0
    begins: int = 0
    number: int = 0
    hash: str = ""
    counts: dict[str, int] = field(default_factory=dict)
    findings: list[Finding] = field(default_factory=list)

    @property
    def is_whole(self) -> bool:
        """Whether nothing is wrong."""
        return not self.counts

    def found(self, kind: str, what: str, detail: str) -> None:
        """Note a finding."""
        self.counts[kind] = self.counts.get(kind, 0) + 1
        if len(self.findings) < LISTED:
            self.findings.append(Finding(kind, what, detail))


def verify(elasticsearch: Elasticsearch, client: RedisClient, index: str) -> ChainReport:
    """Follow the chain from its first event to its end in Redis.

    Raises
    ------
    redis.RedisError, AuditUnavailableError, elasticsearch.ApiError, elasticsearch.TransportError
        Redis or Elasticsearch is away.
    """
    report = ChainReport()
    # What is recorded after this belongs to the chain, but need not be found any more.
    head = AuditLog(client).head()
    expired: set[tuple[int, str]] = set()
    first: Link | None = None
    for one in links(elasticsearch, client, index):
        first = first or one
        report.begins = first.number
        _compare(report, one)
        expired |= _expired(one.message)
    if first is not None and first.number > 1 and (first.number - 1, first.previous) not in expired:
        report.found("missing", f"1 to {first.number - 1}", "no event says that they were deleted because of their age")
    if report.number < head.number:
        report.found(
            "missing", f"{report.number + 1} to {head.number}", "they are not there, but Redis has counted them"
        )
    elif report.number == head.number and report.hash != head.hash:
        report.found("end", str(head.number), "Redis has another hash of the last event")
    for document in unchained(elasticsearch, index):
        _unchained(report, document)
    return report


def _compare(report: ChainReport, one: Link) -> None:
    if not one.is_whole:
        report.found("changed", str(one.number), f"its hash does not fit what it says ({one.where})")
    if report.events and one.number <= report.number:
        report.found("twice", str(one.number), f"there are two events of this number ({one.where})")
    elif report.events and one.number > report.number + 1:
        report.found("missing", _range(report.number + 1, one.number - 1), f"the next one is {one.where}")
    elif report.events and one.previous != report.hash:
        report.found("relinked", str(one.number), f"it was recorded after another event than this one ({one.where})")
    report.events += 1
    report.number, report.hash = one.number, one.hash


def _range(first: int, last: int) -> str:
    return str(first) if first == last else f"{first} to {last}"


def _expired(message: Mapping[str, Any]) -> set[tuple[int, str]]:
    """The ends of months that an event says were deleted because of their age."""
    codes = parts_of(part_of(message, "EventIdentification"), "EventTypeCode")
    types = [code.get("csd-code") for code in codes]
    if Operation.AUDIT_EXPIRED.title not in types:
        return set()
    found = set()
    for thing in parts_of(message, "ParticipantObjectIdentification"):
        details = {one.get("type"): str(one.get("value")) for one in parts_of(thing, "ParticipantObjectDetail")}
        if details.get("last number", "").isdecimal():
            found.add((int(details["last number"]), details.get("last hash", "")))
    return found


def _unchained(report: ChainReport, document: Mapping[str, Any]) -> None:
    where = str(document.get("entry", "(no entry)"))
    if "raw" in document:
        report.found("unreadable", where, "the entry was damaged in Redis; it is kept as it was")
    else:
        report.found("foreign", where, "nobody recorded it: it is no link of the chain")
