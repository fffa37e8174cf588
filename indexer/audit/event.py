"""One event: its message, as JSON with the names of DICOM PS3.15 §A.5.

Members of our own, which the standard does not have, begin with a small letter. Passwords, tokens and the values of
headers are never part of an event; what was asked for is, since that is what an audit log is for.
"""

import hashlib
import socket
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import Enum, IntEnum
from ipaddress import ip_address
from typing import Any

from indexer.audit.operations import DICOM, OWN, Code, Operation

Document = dict[str, Any]
# A text of a request that is longer is cut, so that no request makes the log long.
_LONGEST_QUERY = 20_000
_LONGEST_TEXT = 1_000


class Outcome(IntEnum):
    """EventOutcomeIndicator."""

    SUCCESS = 0
    MINOR_FAILURE = 4  # what was asked for was wrong
    SERIOUS_FAILURE = 8  # it was refused, or did not work


class Kind(Enum):
    """What a participant object is: its name, ParticipantObjectTypeCode, -TypeCodeRole and -IDTypeCode."""

    IMAGE = ("image", 2, 3, Code("image", "SOP Instance UID", OWN))
    STUDY = ("study", 2, 3, Code("110180", "Study Instance UID", DICOM))
    PATIENT = ("patient", 1, 1, Code("2", "Patient Number", "RFC-3881"))
    BATCH = ("batch", 2, 20, Code("batch", "Batch", OWN))
    FOLDER = ("folder", 2, 4, Code("folder", "Folder", OWN))
    UPLOAD = ("upload", 2, 20, Code("upload", "Upload", OWN))
    QUERY = ("query", 2, 24, Code("query", "Query", OWN))
    FIELD = ("field", 2, 4, Code("field", "Field", OWN))
    SAVED_SEARCH = ("saved-search", 2, 24, Code("saved-search", "Saved search", OWN))
    USER = ("user", 1, 11, Code("user", "User", OWN))
    TOKEN = ("token", 2, 13, Code("token", "Token", OWN))
    LOG = ("log", 2, 13, Code("12", "Security Audit Log", "RFC-3881"))
    COMMAND = ("command", 2, 4, Code("command", "Command", OWN))
    ADDRESS = ("address", 2, 4, Code("12", "URI", "RFC-3881"))

    def __init__(self, title: str, type_: int, role: int, id_type: Code) -> None:
        self.title = title
        self.type = type_
        self.role = role
        self.id_type = id_type


@dataclass(frozen=True, slots=True)
class Participant:
    """Who did it.

    Attributes
    ----------
    user
        The name of the account; empty where nobody has signed in.
    role
        What the user may do: viewer, operator, admin; or what a program is: worker, watcher.
    via
        How it is known who it is: local, session, token, proxy, command, service.
    address
        Where the request came from: an IP address, or a host's name.
    deidentified
        Whether identifying attributes were masked.
    """

    user: str
    role: str = ""
    via: str = ""
    address: str = ""
    deidentified: bool = False

    def document(self) -> Document:
        """ActiveParticipant."""
        found: Document = {"UserID": text_of(self.user) or "(nobody signed in)", "UserIsRequestor": True}
        if self.role:
            found["RoleIDCode"] = [Code(self.role, self.role.capitalize(), OWN).document()]
        if self.address:
            found["NetworkAccessPointID"] = text_of(self.address)
            found["NetworkAccessPointTypeCode"] = "2" if _is_ip(self.address) else "1"
        if self.via:
            found["via"] = self.via
        if self.deidentified:
            found["deidentified"] = True
        return found


@dataclass(frozen=True, slots=True)
class Thing:
    """What it was done to, or with.

    Attributes
    ----------
    id
        Of the image, batch and so on.
    query
        Of a query: its text, as it was asked.
    details
        More of it, such as the number of results.
    """

    kind: Kind
    id: str = ""
    query: str = ""
    details: Mapping[str, str | int] = field(default_factory=dict)

    def document(self) -> Document:
        """ParticipantObjectIdentification."""
        found: Document = {
            "ParticipantObjectID": text_of(self.id) or self.kind.title,
            "ParticipantObjectTypeCode": self.kind.type,
            "ParticipantObjectTypeCodeRole": self.kind.role,
            "ParticipantObjectIDTypeCode": self.kind.id_type.document(),
        }
        if self.query:
            found["ParticipantObjectQuery"] = text_of(self.query, _LONGEST_QUERY)
        if self.details:
            found["ParticipantObjectDetail"] = [
                {"type": name, "value": text_of(str(value))} for name, value in self.details.items()
            ]
        return found


@dataclass(frozen=True, slots=True)
class Event:
    """Something that was done.

    Attributes
    ----------
    source
        What records it: `web`, `command`, `worker` or `watcher`.
    description
        How it ended, where it did not end well.
    """

    operation: Operation
    who: Participant
    source: str
    things: tuple[Thing, ...] = ()
    outcome: Outcome = Outcome.SUCCESS
    description: str = ""
    at: datetime = field(default_factory=lambda: datetime.now(UTC))

    def document(self) -> Document:
        """The message."""
        operation = self.operation
        identification: Document = {
            "EventID": operation.event.document(),
            "EventActionCode": operation.action.value,
            "EventDateTime": self.at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z"),
            "EventOutcomeIndicator": self.outcome.value,
            "EventTypeCode": [code.document() for code in operation.types],
        }
        if self.description:
            identification["EventOutcomeDescription"] = text_of(self.description)
        return {
            "EventIdentification": identification,
            "ActiveParticipant": [self.who.document()],
            "AuditSourceIdentification": {"AuditSourceID": f"{self.source}@{_HOST}"},
            "ParticipantObjectIdentification": [thing.document() for thing in self.things],
        }


def text_of(text: str, longest: int = _LONGEST_TEXT) -> str:
    """A text as it can be kept: without halves of characters, and not too long; what is cut is named by its digest."""
    kept = text.encode("utf-8", "backslashreplace").decode()
    if len(kept) <= longest:
        return kept
    digest = hashlib.sha256(kept.encode()).hexdigest()
    return f"{kept[:longest]}… ({len(kept):,} characters, SHA-256 {digest})"


def _is_ip(address: str) -> bool:
    try:
        ip_address(address)
    except ValueError:
        return False
    return True


_HOST = socket.gethostname()
