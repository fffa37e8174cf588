"""`/api/batches`: what was imported, how far it is, and what people say of it."""

from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any, TypeVar

from flask_openapi3.blueprint import APIBlueprint
from flask_openapi3.models.tag import Tag
from pydantic import BaseModel, ConfigDict, Field

from app.api import examples
from app.api.documents import (
    LARGEST_LIST,
    BatchDocument,
    BatchesParameters,
    BatchList,
    BatchPath,
    BatchSummary,
    FileList,
    ImagesParameters,
    Parameters,
    ReceiptDocument,
    problems,
)
from app.api.examples import such_as
from app.api.lists import part_of_list
from app.batch_filter import BatchFilter, find_batches
from app.problems import BatchNotFoundError
from app.services import services
from indexer import operations
from indexer.status import Batch, Image

T = TypeVar("T")


class DescribeBody(BaseModel):
    """What people say of a batch; a member that is left out stays as it is."""

    model_config = ConfigDict(extra="forbid", json_schema_extra=such_as(examples.DESCRIBED))

    tags: list[str] | None = Field(None, max_length=50, description="the tags; each has 100 characters at most")
    note: str | None = Field(None, max_length=10_000, description="any text; a blank one removes the note")


class DeleteParameters(Parameters):
    """What goes with a batch."""

    files: bool = Field(
        False, description="whether its files are deleted from the disk", json_schema_extra=such_as(example=False)
    )


blueprint = APIBlueprint(
    "api_batches",
    __name__,
    url_prefix="/api",
    abp_tags=[Tag(name="Batches", description="What was imported, and how far it is.")],
)


@blueprint.get("/batches", summary="List batches", responses={"200": BatchList, **problems(400, 503)})
def list_batches(query: BatchesParameters) -> dict[str, Any]:
    """List batches, the newest first: all, or those that the parameters describe."""
    wanted = BatchFilter(query.q, query.status, query.has_error, query.tag)
    page = find_batches(services().status, wanted, query.offset, query.size)
    named = query.model_dump(mode="json", include={"q", "status", "has_error", "tag"}, exclude_defaults=True)
    return {
        **part_of_list("api_batches.list_batches", page.count, query, **named),
        "results": [summary(batch) for batch in page.results],
    }


@blueprint.get("/batches/<batch>", summary="Show a batch", responses={"200": BatchDocument, **problems(400, 404, 503)})
def show_batch(path: BatchPath) -> dict[str, Any]:
    """Show one batch with its counts and errors."""
    batch = batch_of(path.batch)
    errors = services().status.errors(batch.id, 0, LARGEST_LIST) if batch.counts.error else None
    listed = [{"path": e.path, "code": e.code, "reason": e.reason} for e in errors.results] if errors else []
    return {**summary(batch), "errors": listed}


@blueprint.patch(
    "/batches/<batch>",
    summary="Describe a batch",
    responses={"200": BatchSummary, **problems(400, 403, 404, 409, 413, 415, 503)},
)
def describe_batch(path: BatchPath, body: DescribeBody) -> dict[str, Any]:
    """Change the tags or the note of a batch."""
    operations.describe(services().indexer, path.batch, tags=body.tags, note=body.note)
    return summary(batch_of(path.batch))


@blueprint.delete(
    "/batches/<batch>",
    summary="Delete a batch",
    responses={"202": BatchSummary, **problems(400, 403, 404, 409, 503)},
)
def delete_batch(path: BatchPath, query: DeleteParameters) -> tuple[dict[str, Any], int]:
    """Have a worker delete a batch: its images leave search, then it leaves the list; its files stay unless asked."""
    operations.request_delete(services().indexer, path.batch, files=query.files)
    return summary(batch_of(path.batch)), 202


@blueprint.get(
    "/batches/<batch>/receipt", summary="Sum up a batch", responses={"200": ReceiptDocument, **problems(400, 404, 503)}
)
def show_receipt(path: BatchPath) -> dict[str, Any]:
    """Tell what became of all elements of a batch's images, as far as they are in the index."""
    return asdict(services().receipts.of(batch_of(path.batch).id))


@blueprint.get(
    "/batches/<batch>/images", summary="List a batch's files", responses={"200": FileList, **problems(400, 404, 503)}
)
def list_images(path: BatchPath, query: ImagesParameters) -> dict[str, Any]:
    """List the files of a batch: those of one status by path, or all, those that need attention first."""
    batch = batch_of(path.batch)
    page = services().status.images(batch.id, query.offset, query.size, query.status)
    more = {"batch": batch.id, **({"status": query.status.value} if query.status else {})}
    return {
        **part_of_list("api_batches.list_images", page.count, query, **more),
        "results": [_file(image) for image in page.results],
    }


def batch_of(name: str) -> Batch:
    """Answer a batch, or that there is none."""
    batch = services().status.batch(name)
    if batch is None:
        raise BatchNotFoundError(name)
    return batch


def summary(batch: Batch) -> dict[str, Any]:
    """Write a batch without its errors."""
    counts = batch.counts
    return {
        "id": batch.id,
        "name": batch.name,
        "status": batch.status,
        "has_error": batch.has_error,
        "counts": {name: getattr(counts, name) for name in counts.__slots__},
        "add_date": iso(batch.add_date),
        "modify_date": iso(batch.modify_date),
        "finished_at": iso(batch.finished_at) if batch.finished_at else None,
        "tags": batch.tags,
        "note": batch.note,
        "source": batch.source,
        "rate": round(batch.rate, 2),
        "seconds_left": None if batch.seconds_left is None else round(batch.seconds_left, 1),
        "cancelled": batch.cancelled,
        "deleting": batch.deleting,
        "cleaned": batch.cleaned,
        "shrunk": batch.shrunk,
    }


def _file(image: Image) -> dict[str, Any]:
    mtime = iso(datetime.fromtimestamp(float(image.mtime), UTC))
    return {"path": image.path, "status": image.status, "uid": image.uid, "size": image.size, "mtime": mtime}


def iso(at: datetime) -> str:
    """Write a moment."""
    return at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
