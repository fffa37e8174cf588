"""Events of the audit log as records, from their messages."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from indexer.audit import Kind, Outcome
from indexer.audit.operations import OWN

_KINDS = {kind.id_type.value: kind.title for kind in Kind if kind.id_type.value != "12"}


@dataclass(frozen=True, slots=True)
class Object:
    """What something was done to: its kind (image, batch …), its id, the query, more of it."""

    kind: str
    id: str
    query: str
    details: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class AuditRecord:
    """An event, as people and programs want to read it.

    Attributes
    ----------
    at
        When (ISO 8601, UTC).
    operation, meaning
        Our name of it, and in words.
    event
        The event of DICOM.
    outcome
        `success`, `failure` (wrong) or `serious failure` (refused, or it did not work).
    number, hash
        In the chain; None of an entry that could not be read.
    resolved
        The studies, series and patients of its images.
    message
        As it was recorded.
    """

    id: str
    at: str
    user: str
    role: str
    via: str
    address: str
    deidentified: bool
    source: str
    operation: str
    meaning: str
    event: str
    outcome: str
    description: str
    objects: tuple[Object, ...]
    number: int | None
    hash: str | None
    resolved: Mapping[str, list[str]]


def record_of(document: Mapping[str, Any]) -> AuditRecord:
    """Read a document of the index; what it lacks is empty."""
    identification = document.get("EventIdentification", {})
    participants = document.get("ActiveParticipant") or [{}]
    who, chain = participants[0], document.get("chain", {})
    types = identification.get("EventTypeCode") or [{}]
    own = next((code for code in types if code.get("codeSystemName") == OWN), types[0])
    roles = who.get("RoleIDCode") or [{}]
    return AuditRecord(
        id=str(document.get("entry", "")),
        at=str(identification.get("EventDateTime") or document.get("@timestamp", "")),
        user=str(who.get("UserID", "")),
        role=str(roles[0].get("csd-code", "")),
        via=str(who.get("via", "")),
        address=str(who.get("NetworkAccessPointID", "")),
        deidentified=bool(who.get("deidentified")),
        source=str(document.get("AuditSourceIdentification", {}).get("AuditSourceID", "")),
        operation=str(own.get("csd-code", "")),
        meaning=str(own.get("originalText", "")),
        event=str(identification.get("EventID", {}).get("originalText", "")),
        outcome=_outcome(identification.get("EventOutcomeIndicator")),
        description=str(identification.get("EventOutcomeDescription", "")),
        objects=tuple(_object(one) for one in document.get("ParticipantObjectIdentification") or []),
        number=chain.get("number"),
        hash=chain.get("hash"),
        resolved=document.get("resolved", {}),
    )


def _outcome(indicator: Any) -> str:
    if indicator == Outcome.SUCCESS:
        return "success"
    return "failure" if indicator == Outcome.MINOR_FAILURE else "serious failure"


def _object(thing: Mapping[str, Any]) -> Object:
    code = thing.get("ParticipantObjectIDTypeCode", {})
    kind = _KINDS.get(str(code.get("csd-code", "")), str(code.get("originalText", "")))
    details = {str(one["type"]): str(one["value"]) for one in thing.get("ParticipantObjectDetail") or []}
    return Object(
        kind, str(thing.get("ParticipantObjectID", "")), str(thing.get("ParticipantObjectQuery", "")), details
    )
