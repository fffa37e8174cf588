"""`/audit`: the audit log, for administrators."""

from collections.abc import Iterator
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any

from flask import Blueprint, Response, render_template, request, url_for

from app.audit import note
from app.audit.exporting import AuditFormat
from app.audit.exporting import export as exported
from app.audit.reading import AuditRecord, record_of
from app.audit.searching import EventFilter, EventPage, UnusableEventFilterError
from app.services import services
from indexer.audit import AuditUnavailableError, Backlog, Operation
from indexer.audit.operations import EVENTS, Code

blueprint = Blueprint("audit", __name__)
_PAGE = 50
_LONGEST = 1_000
_NAMES = ("user", "operation", "outcome", "object", "since", "until", "text")
_LINKED = {"image": ("images.show", "image"), "batch": ("batches.show", "batch")}


@blueprint.get("/audit")
def index() -> tuple[str, int]:
    """Search the audit log."""
    wanted = _filter()
    try:
        page = services().audit.find(
            wanted, _PAGE, after=request.args.get("after", ""), before=request.args.get("before", "")
        )
    except UnusableEventFilterError as error:
        return _page(wanted, EventPage(0, [], None, None), str(error)), 400
    note(results=page.count)
    return _page(wanted, page), 200


@blueprint.get("/audit/export")
def export() -> Response:
    """Answer all events that the filters describe, the oldest first, as a file."""
    form = AuditFormat.CSV if request.args.get("format") != "json" else AuditFormat.JSON
    wanted = _filter()
    note(results=services().audit.find(wanted, 1).count)
    lines = exported(services().audit.all(wanted), form)
    name = f"dicomsearch-audit-{datetime.now(UTC):%Y%m%d-%H%M%S}Z.{form.suffix}"
    headers = {"Content-Disposition": f'attachment; filename="{name}"', "X-Accel-Buffering": "no"}
    return Response(lines, headers=headers, content_type=form.content_type)


def _filter() -> EventFilter:
    return EventFilter(**{name: request.args.get(name, "").strip()[:_LONGEST] for name in _NAMES})


def _page(wanted: EventFilter, page: EventPage, message: str = "") -> str:
    named: dict[str, Any] = {name: value for name, value in asdict(wanted).items() if value}
    return render_template(
        "audit.html",
        wanted=wanted,
        count=page.count,
        records=[record_of(one) for one in page.results],
        older=url_for("audit.index", **named, after=page.older) if page.older else None,
        newer=url_for("audit.index", **named, before=page.newer) if page.newer else None,
        exports=[(form.upper(), url_for("audit.export", **named, format=form.value)) for form in AuditFormat],
        everything=not named,
        kinds=list(_kinds()),
        links=_links,
        backlog=_backlog(),
        recording=services().indexer.audit.records,
        message=message,
    )


def _kinds() -> Iterator[tuple[Code, list[Operation]]]:
    """The operations by the events of DICOM."""
    for event in EVENTS:
        yield event, [operation for operation in Operation if operation.event == event]


def _links(record: AuditRecord) -> dict[str, str]:
    """Where the objects of a record are shown, by their ids."""
    found = {}
    for one in record.objects:
        if one.kind in _LINKED:
            endpoint, name = _LINKED[one.kind]
            named: dict[str, Any] = {name: one.id}
            found[one.id] = url_for(endpoint, **named)
    return found


def _backlog() -> Backlog | None:
    """What waits for Elasticsearch; None where Redis does not answer, and this page will not go out."""
    try:
        return services().indexer.audit.backlog()
    except AuditUnavailableError:
        return None
