"""`/api/audit`: who did what, when and from where; for administrators."""

from dataclasses import asdict
from typing import Any

from flask import url_for
from flask_openapi3.blueprint import APIBlueprint
from flask_openapi3.models.tag import Tag
from pydantic import BaseModel, Field

from app.api import examples
from app.api.documents import LARGEST_LIST, Page, Parameters, problems
from app.api.examples import shown_as, such_as
from app.audit import note
from app.audit.reading import record_of
from app.audit.searching import Ended, EventFilter
from app.services import services

_FILTERS = ("user", "operation", "outcome", "object", "since", "until", "text")


class AuditParameters(Parameters):
    """Which events."""

    user: str = Field("", max_length=200, description="name of the account", json_schema_extra=such_as("anna"))
    operation: str = Field(
        "",
        max_length=100,
        description="name of the operation, such as `search`, or the code of an event of DICOM, such as `110112`",
        json_schema_extra=such_as("image.view"),
    )
    outcome: Ended | None = Field(None, description="how it ended", json_schema_extra=such_as(Ended.WELL.value))
    object: str = Field(
        "",
        max_length=1_000,
        description="id of an image, series, study, patient or batch",
        json_schema_extra=such_as(examples.IMAGE_ID),
    )
    since: str = Field(
        "", max_length=40, description="a day or a moment (UTC)", json_schema_extra=such_as("2026-03-01")
    )
    until: str = Field(
        "",
        max_length=40,
        description="a day, which is meant as a whole, or a moment",
        json_schema_extra=such_as("2026-03-02"),
    )
    text: str = Field("", max_length=1_000, description="words that are in it", json_schema_extra=such_as("chest"))
    size: int = Field(50, ge=1, le=LARGEST_LIST, description="events to answer, at most", json_schema_extra=such_as(20))
    after: str = Field("", max_length=40, description="as `next` has it", json_schema_extra=such_as(""))
    before: str = Field("", max_length=40, description="as `previous` has it", json_schema_extra=such_as(""))


class AuditObjectDocument(BaseModel):
    """What something was done to, or with."""

    kind: str = Field(description="`image`, `batch`, `query`, `user` and so on")
    id: str
    query: str = Field(description="of a query: its text")
    details: dict[str, str]


class AuditEventDocument(BaseModel):
    """An event of the audit log."""

    id: str
    at: str
    user: str
    role: str
    via: str = Field(description="`session`, `token`, `proxy`, `local`, `command` or `service`")
    address: str
    deidentified: bool = Field(description="whether identifying attributes were masked")
    source: str = Field(description="what has recorded it")
    operation: str
    meaning: str
    event: str = Field(description="the event of DICOM PS3.15 §A.5")
    outcome: str = Field(description="`success`, `failure` or `serious failure`")
    description: str
    objects: list[AuditObjectDocument]
    number: int | None = Field(description="in the chain; null of an entry that could not be read")
    hash: str | None
    resolved: dict[str, list[str]] = Field(description="studies, series and patients of its images")
    message: dict[str, Any] = Field(description="the event as it stands in the log")


class AuditList(Page):
    """Events, the latest first."""

    model_config = shown_as(examples.AUDIT)

    results: list[AuditEventDocument]


blueprint = APIBlueprint(
    "api_audit",
    __name__,
    url_prefix="/api",
    abp_tags=[Tag(name="Audit log", description="Who did what, when and from where; for administrators.")],
)


@blueprint.get("/audit", summary="Search the audit log", responses={"200": AuditList, **problems(400, 401, 403, 503)})
def list_events(query: AuditParameters) -> dict[str, Any]:
    """Search the audit log, the latest event first. An event is found some seconds after it was recorded."""
    filters: dict[str, Any] = query.model_dump(mode="json", include=set(_FILTERS), exclude_defaults=True)
    page = services().audit.find(EventFilter(**filters), query.size, after=query.after, before=query.before)
    note(results=page.count)

    def part(**cursor: Any) -> str:
        return url_for("api_audit.list_events", **filters, size=query.size, **cursor)

    return {
        "count": page.count,
        "next": part(after=page.older) if page.older else None,
        "previous": part(before=page.newer) if page.newer else None,
        "results": [{**asdict(record_of(one)), "message": one} for one in page.results],
    }
