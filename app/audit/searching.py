"""Finding events in the audit log: by who, what, when, how it ended, and any word of them."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from enum import StrEnum
from typing import Any

from elasticsearch import Elasticsearch

from app.archive.elastic import Elastic
from indexer.audit.reading import documents

_CURSOR = re.compile(r"\d{13}-\d{6,9}")
_OBJECT = "ParticipantObjectIdentification.ParticipantObjectID"
_TYPE = "EventIdentification.EventTypeCode.csd-code"
_EVENT = "EventIdentification.EventID.csd-code"
_OUTCOME = "EventIdentification.EventOutcomeIndicator"


class UnusableEventFilterError(Exception):
    """A filter that makes no sense; the message says which and what is expected."""


class Ended(StrEnum):
    """How something ended."""

    WELL = "success"
    NOT_WELL = "failure"


@dataclass(frozen=True, slots=True)
class EventFilter:
    """Which events are wanted; what is empty wants any.

    Attributes
    ----------
    operation
        Our name of an operation, such as `search`, or the code of an event of DICOM, such as `110112`.
    object
        The id of an image, series, study, patient or batch.
    since, until
        Days or moments (UTC), as ISO 8601 has them; a day is meant as a whole.
    text
        Words that are in the event: of a query, a name, a detail.
    """

    user: str = ""
    operation: str = ""
    outcome: str = ""
    object: str = ""
    since: str = ""
    until: str = ""
    text: str = ""

    def query(self) -> dict[str, Any]:
        """In the language of Elasticsearch.

        Raises
        ------
        UnusableEventFilterError
            Where a moment or the outcome makes no sense.
        """
        wanted: list[dict[str, Any]] = []
        if self.user:
            user = {"value": self.user, "case_insensitive": True}
            wanted.append({"term": {"ActiveParticipant.UserID": user}})
        if self.operation:
            wanted.append(_any({"term": {_TYPE: self.operation}}, {"term": {_EVENT: self.operation}}))
        if self.outcome:
            well = {"term": {_OUTCOME: 0}}
            wanted.append(well if self._ended() is Ended.WELL else {"bool": {"must_not": well}})
        if self.object:
            ids = (_OBJECT, *(f"resolved.{key}" for key in ("study", "series", "patient")))
            # The key of a patient has the issuer behind the id.
            issued = {"prefix": {"resolved.patient": f"{self.object}^^^"}}
            wanted.append(_any(*({"term": {name: self.object}} for name in ids), issued))
        if self.since or self.until:
            wanted.append({"range": {"@timestamp": {**self._from(), **self._to()}}})
        if self.text.strip():
            wanted.append({"match": {"text": {"query": self.text, "operator": "and"}}})
        return {"bool": {"filter": wanted}}

    def _ended(self) -> Ended:
        try:
            return Ended(self.outcome)
        except ValueError as error:
            raise UnusableEventFilterError("outcome: it is `success` or `failure`.") from error

    def _from(self) -> dict[str, str]:
        return {"gte": moment_of(self.since, "since").isoformat()} if self.since else {}

    def _to(self) -> dict[str, str]:
        return {"lt": moment_of(self.until, "until", end=True).isoformat()} if self.until else {}


@dataclass(frozen=True, slots=True)
class EventPage:
    """Events, the latest first.

    Attributes
    ----------
    count
        How many there are in all.
    results
        Documents of the index.
    older, newer
        Where the pages after and before begin; None where there is none.
    """

    count: int
    results: list[dict[str, Any]]
    older: str | None
    newer: str | None


class AuditEvents:
    """The audit log in Elasticsearch.

    Parameters
    ----------
    index
        Its alias.
    seconds
        Time limit of a search.

    Raises
    ------
    ArchiveUnavailableError
        By every method, when Elasticsearch does not answer.
    """

    def __init__(self, client: Elasticsearch, index: str, seconds: float) -> None:
        self._elastic = Elastic(client, index, seconds)

    def find(self, wanted: EventFilter, size: int, *, after: str = "", before: str = "") -> EventPage:
        """Find a page of events.

        Parameters
        ----------
        after, before
            `older` or `newer` of a page.

        Raises
        ------
        UnusableEventFilterError
            A filter makes no sense, or there is no such page.
        """
        backwards, cursor = bool(before), before or after
        body: dict[str, Any] = {"search_after": [_cursor(cursor)]} if cursor else {}
        answer = self._elastic.search(
            query=wanted.query(),
            # One more than the page has shows whether there is another page.
            size=size + 1,
            sort=[{"entry": "asc" if backwards else "desc"}],
            track_total_hits=True,
            # Before the first event there is no index.
            ignore_unavailable=True,
            **body,
        )
        hits = answer["hits"]["hits"]
        more, hits = len(hits) > size, hits[:size]
        hits = hits[::-1] if backwards else hits
        has_older, has_newer = (True, more) if backwards else (more, bool(cursor))
        return EventPage(
            answer["hits"]["total"]["value"],
            [hit["_source"] for hit in hits],
            hits[-1]["_source"]["entry"] if hits and has_older else None,
            hits[0]["_source"]["entry"] if hits and has_newer else None,
        )

    def all(self, wanted: EventFilter) -> Iterator[dict[str, Any]]:
        """All events that are wanted, the oldest first, page by page."""
        query = wanted.query()
        with self._elastic.asking():
            yield from documents(self._elastic.client, self._elastic.index, query)


def moment_of(text: str, name: str, *, end: bool = False) -> datetime:
    """Read a day or a moment (UTC).

    Parameters
    ----------
    name
        Of the parameter, for the message.
    end
        Whether the end of a day is meant.

    Raises
    ------
    UnusableEventFilterError
        It is neither.
    """
    try:
        if len(text) <= len("2026-11-24"):
            day = datetime.combine(date.fromisoformat(text), datetime.min.time(), UTC)
            return day + timedelta(days=1) if end else day
        found = datetime.fromisoformat(text)
    except (ValueError, OverflowError) as error:
        raise UnusableEventFilterError(f"{name}: write a day as 2026-11-24, a moment as 2026-11-24T15:00.") from error
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def _cursor(text: str) -> str:
    if not _CURSOR.fullmatch(text):
        raise UnusableEventFilterError("This is no page of the audit log.")
    return text


def _any(*conditions: Mapping[str, Any]) -> dict[str, Any]:
    return {"bool": {"should": list(conditions), "minimum_should_match": 1}}
