"""What can be done with a batch: retry, cancel, synchronise, verify; and what was done.

Comparing takes as long as there are files. A small batch is compared at once; of a large one the worker that does it
leaves what it found in the batch's history.
"""

from dataclasses import asdict
from typing import Any

from flask import Response, current_app, url_for
from flask_openapi3.blueprint import APIBlueprint
from flask_openapi3.models.tag import Tag
from pydantic import BaseModel, ConfigDict, Field

from app.accounts.current import actor
from app.accounts.guarding import require
from app.accounts.model import Role
from app.api import examples
from app.api.batches import batch_of, iso
from app.api.documents import BatchPath, Page, PageParameters, problems
from app.api.examples import shown_as, such_as
from app.api.lists import part_of_list
from app.compare import compare_folder, compare_index
from app.history import sentence
from app.services import services
from indexer import operations
from indexer.status import ErrorCode, Event


class RetryBody(BaseModel):
    """What is tried again."""

    model_config = ConfigDict(extra="forbid", json_schema_extra=such_as({"code": "timeout"}))

    code: ErrorCode | None = Field(None, description="only files with this error")


class CancelBody(BaseModel):
    """Nothing has to be said."""

    model_config = ConfigDict(extra="forbid", json_schema_extra=such_as({}))


class SyncBody(BaseModel):
    """Whether anything is changed."""

    model_config = ConfigDict(extra="forbid", json_schema_extra=such_as({"apply": False}))

    apply: bool = Field(False, description="whether search and status are to follow the disk")


class VerifyBody(BaseModel):
    """Whether anything is changed."""

    model_config = ConfigDict(extra="forbid", json_schema_extra=such_as({"repair": False}))

    repair: bool = Field(False, description="whether differences are to be repaired")


class ImagesDocument(BaseModel):
    """How many images it was."""

    model_config = shown_as({"images": 12})

    images: int


class SyncDocument(BaseModel):
    """How the folder of a batch differs from what is known of it; of each kind the first 100 paths."""

    model_config = shown_as(examples.SYNC)

    gone: int
    changed: int
    new: int
    cleaned: int = Field(description="files that are not there because the batch was cleaned up")
    unlistable: int = Field(description="folders that cannot be listed")
    gone_paths: list[str]
    changed_paths: list[str]
    new_paths: list[str]
    applied: bool


class DifferenceDocument(BaseModel):
    """Something that does not agree."""

    kind: str
    what: str
    detail: str


class VerifyDocument(BaseModel):
    """Whether status and index agree; the first 100 differences."""

    model_config = shown_as(examples.VERIFY)

    agrees: bool
    images: int
    documents: int
    counts: dict[str, int]
    differences: list[DifferenceDocument]
    repaired: bool


class QueuedDocument(BaseModel):
    """A worker does it; what it finds is in the batch's history then."""

    model_config = shown_as(examples.QUEUED)

    queued: bool
    events: str = Field(description="address of the history")


class EventDocument(BaseModel):
    """Something that happened to a batch."""

    at: str
    what: str
    details: dict[str, Any]
    text: str = Field(description="the same as a sentence")


class EventList(Page):
    """What happened to a batch, the latest first."""

    model_config = shown_as(examples.EVENTS)

    results: list[EventDocument]


blueprint = APIBlueprint(
    "api_operations",
    __name__,
    url_prefix="/api",
    abp_tags=[Tag(name="Operations", description="What can be done with a batch.")],
)
_CHANGES = problems(400, 403, 404, 409, 413, 415, 503)


@blueprint.post("/batches/<batch>/retry", summary="Retry errors", responses={"200": ImagesDocument, **_CHANGES})
def retry_batch(path: BatchPath, body: RetryBody) -> dict[str, Any]:
    """Index the files of a batch again that could not be indexed."""
    return {"images": operations.retry(services().indexer, path.batch, body.code)}


@blueprint.post("/batches/<batch>/cancel", summary="Cancel a batch", responses={"200": ImagesDocument, **_CHANGES})
def cancel_batch(path: BatchPath, body: CancelBody) -> dict[str, Any]:
    """Leave out what nobody has begun; it can be retried."""
    return {"images": operations.cancel(services().indexer, path.batch)}


@blueprint.post(
    "/batches/<batch>/sync",
    summary="Compare with the folder",
    responses={"200": SyncDocument, "202": QueuedDocument, **_CHANGES},
)
def sync_batch(path: BatchPath, body: SyncBody) -> Response:
    """Compare a batch with its folder; if asked, let search and status follow. A large one is queued (202)."""
    if body.apply:
        require(Role.ADMIN, actor())  # what has gone from the disk is deleted
    report = compare_folder(services().indexer, path.batch, apply=body.apply)
    return _queued(path.batch) if report is None else _answer(asdict(report), 200)


@blueprint.post(
    "/batches/<batch>/verify",
    summary="Check against the index",
    responses={"200": VerifyDocument, "202": QueuedDocument, **_CHANGES},
)
def verify_batch(path: BatchPath, body: VerifyBody) -> Response:
    """Compare the status of a batch with the index; if asked, repair what differs. A large one is queued (202)."""
    report = compare_index(services().indexer, path.batch, repair=body.repair)
    return _queued(path.batch) if report is None else _answer({"agrees": report.agrees, **asdict(report)}, 200)


@blueprint.get(
    "/batches/<batch>/events", summary="Tell a batch's history", responses={"200": EventList, **problems(400, 404, 503)}
)
def list_events(path: BatchPath, query: PageParameters) -> dict[str, Any]:
    """List what happened to a batch, the latest first; of a long history the last 200."""
    batch = batch_of(path.batch)
    events = services().status.events(batch.id)
    return {
        **part_of_list("api_operations.list_events", len(events), query, batch=batch.id),
        "results": [_event(event) for event in events[query.offset : query.offset + query.size]],
    }


def _event(event: Event) -> dict[str, Any]:
    return {"at": iso(event.at), "what": event.what, "details": dict(event.details), "text": sentence(event)}


def _queued(batch: str) -> Response:
    return _answer({"queued": True, "events": url_for("api_operations.list_events", batch=batch)}, 202)


def _answer(document: dict[str, Any], status: int) -> Response:
    return Response(current_app.json.dumps(document), status, content_type="application/json")
