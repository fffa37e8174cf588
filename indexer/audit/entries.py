"""Entries of the stream as documents of the index: whatever is in them, each becomes one."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import orjson

from indexer.audit.event import Document, Event, Outcome, Participant
from indexer.audit.log import milliseconds_of
from indexer.audit.operations import Operation


@dataclass(frozen=True, slots=True)
class Entry:
    """An entry of the stream: its id and what Redis has of it."""

    id: str
    fields: Mapping[str, str]

    @property
    def at(self) -> datetime:
        """When it was made, by Redis's clock."""
        return datetime.fromtimestamp(milliseconds_of(self.id) / 1000, UTC)

    @property
    def month(self) -> str:
        """The month whose index it belongs to."""
        return f"{self.at:%Y-%m}"

    @property
    def place(self) -> str:
        """Its id, so that the order of texts is the order of the log."""
        milliseconds, _, number = self.id.partition("-")
        return f"{int(milliseconds):013d}-{int(number):06d}"

    def document(self) -> Document:
        """What goes into the index; of an entry that cannot be read, an event that says so and has it as it is."""
        try:
            return self.chained()
        except (KeyError, ValueError, TypeError):
            return self.unreadable()

    def chained(self) -> Document:
        """The message and its link.

        Raises
        ------
        KeyError, ValueError, TypeError
            It is damaged.
        """
        message = orjson.loads(self.fields["message"])
        at = datetime.fromisoformat(message["EventIdentification"]["EventDateTime"])
        number = int(self.fields["number"])
        chain = {"number": number, "previous": self.fields["previous"], "hash": self.fields["hash"]}
        return {**message, "@timestamp": at.isoformat(), "entry": self.place, "chain": chain}

    def unreadable(self) -> Document:
        """An event that has the entry as it is, without a link."""
        what = "an entry of the audit log could not be read; it is kept as it was"
        who = Participant("(unknown)", "watcher", "service")
        event = Event(Operation.AUDIT_UNREADABLE, who, "watcher", (), Outcome.SERIOUS_FAILURE, what, self.at)
        raw = {name: value.encode("utf-8", "backslashreplace").decode() for name, value in self.fields.items()}
        return {**event.document(), "@timestamp": self.at.isoformat(), "entry": self.place, "raw": raw}


def images_in(document: Mapping[str, Any]) -> list[str]:
    """The ids of the images that an event is about."""
    return [
        str(thing["ParticipantObjectID"])
        for thing in parts_of(document, "ParticipantObjectIdentification")
        if part_of(thing, "ParticipantObjectIDTypeCode").get("csd-code") == "image" and "ParticipantObjectID" in thing
    ]


def part_of(document: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    """A member that is an object; an empty one where it is missing, or something else."""
    found = document.get(name)
    return found if isinstance(found, dict) else {}


def parts_of(document: Mapping[str, Any], name: str) -> list[Mapping[str, Any]]:
    """A member that is a list of objects, without what is something else."""
    found = document.get(name)
    return [one for one in found if isinstance(one, dict)] if isinstance(found, list) else []
