"""Events of the audit log as records, from their messages."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from indexer.audit import Kind, Outcome
from indexer.audit.entries import part_of, parts_of
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
    identification = part_of(document, "EventIdentification")
    who, chain = _first(parts_of(document, "ActiveParticipant")), part_of(document, "chain")
    types = parts_of(identification, "EventTypeCode")
    own = _first([code for code in types if code.get("codeSystemName") == OWN] or types)
    return AuditRecord(
        id=str(document.get("entry", "")),
        at=str(identification.get("EventDateTime") or document.get("@timestamp", "")),
        user=str(who.get("UserID", "")),
        role=str(_first(parts_of(who, "RoleIDCode")).get("csd-code", "")),
        via=str(who.get("via", "")),
        address=str(who.get("NetworkAccessPointID", "")),
        deidentified=bool(who.get("deidentified")),
        source=str(part_of(document, "AuditSourceIdentification").get("AuditSourceID", "")),
        operation=str(own.get("csd-code", "")),
        meaning=str(own.get("originalText", "")),
        event=str(part_of(identification, "EventID").get("originalText", "")),
        outcome=_outcome(identification.get("EventOutcomeIndicator")),
        description=str(identification.get("EventOutcomeDescription", "")),
        objects=tuple(_object(one) for one in parts_of(document, "ParticipantObjectIdentification")),
        number=chain.get("number"),
        hash=chain.get("hash"),
        resolved=part_of(document, "resolved"),
    )


def _first(parts: Sequence[Mapping[str, Any]]) -> Mapping[str, Any]:
    return parts[0] if parts else {}


def _outcome(indicator: Any) -> str:
    if indicator == Outcome.SUCCESS:
        return "success"
    return "failure" if indicator == Outcome.MINOR_FAILURE else "serious failure"


def _object(thing: Mapping[str, Any]) -> Object:
    code = part_of(thing, "ParticipantObjectIDTypeCode")
    kind = _KINDS.get(str(code.get("csd-code", "")), str(code.get("originalText", "")))
    details = {
        str(one.get("type", "")): str(one.get("value", "")) for one in parts_of(thing, "ParticipantObjectDetail")
    }
    return Object(
        kind, str(thing.get("ParticipantObjectID", "")), str(thing.get("ParticipantObjectQuery", "")), details
    )
