"""`/api/uploads`: files that become a batch.

A program begins an upload, puts its files one by one, each as the body of a request, several at a time if it likes, and
completes it. Until then nothing of it is seen; a file that did not arrive whole is not in it, and can be put again.
"""

from typing import Any

from flask import Response, current_app, request, url_for
from flask_openapi3.blueprint import APIBlueprint
from flask_openapi3.models import RawModel
from flask_openapi3.models.tag import Tag
from pydantic import BaseModel, ConfigDict, Field

from app.api import examples
from app.api.documents import problems
from app.api.examples import shown_as, such_as
from app.audit import note
from app.bodies import drain, endless_body
from app.services import services
from app.uploads import Upload, UploadError
from app.uploads.announcing import announce
from app.uploads.names import LONGEST_NAME
from indexer.audit import Kind, Thing


class UploadBody(BaseModel):
    """What the batch will be called."""

    model_config = ConfigDict(extra="forbid", json_schema_extra=such_as({"name": "CASE-17"}))

    name: str = Field("", max_length=LONGEST_NAME, description="name of the batch; blank makes one of the time")


class UploadPath(BaseModel):
    """Which upload."""

    upload: str = Field(max_length=100, description="its id", json_schema_extra=such_as(examples.UPLOAD_ID))


class UploadFilePath(UploadPath):
    """Which file of an upload."""

    path: str = Field(
        description="where it will be in the batch, with slashes; a name that ends in `.zip` has it unpacked",
        json_schema_extra=such_as("DICOM/IM000001"),
    )


class UploadDocument(BaseModel):
    """An upload, and what it may become."""

    model_config = shown_as(examples.UPLOAD)

    id: str
    name: str = Field(description="of the batch to be")
    files: int = Field(description="files so far, with those that are coming")
    bytes: int = Field(description="bytes so far, with room for those that are coming")
    most_files: int = Field(description="files of one upload, at most")
    most_bytes: int = Field(description="bytes of one upload, at most")
    complete: bool


class UploadedFileDocument(BaseModel):
    """A file that has arrived; of a zip file, what was unpacked."""

    model_config = shown_as(examples.UPLOADED_FILE)

    path: str = Field(description="where it is in the batch; of a zip file, the folder")
    files: int
    bytes: int


class CompleteDocument(BaseModel):
    """What an upload has become."""

    model_config = shown_as(examples.UPLOADED)

    name: str = Field(description="of the folder in the watched folder")
    batch: str = Field(description="id of the batch")
    url: str = Field(description="address of the batch in the API")


class FileBody(RawModel):
    """The bytes of one file."""

    mimetypes: list[str] = ["application/octet-stream"]  # noqa: RUF012  the library reads it from the class


blueprint = APIBlueprint(
    "api_uploads",
    __name__,
    url_prefix="/api",
    abp_tags=[Tag(name="Uploads", description="Files that become a batch.")],
)


@blueprint.post(
    "/uploads",
    summary="Begin an upload",
    responses={"201": UploadDocument, **problems(400, 403, 409, 413, 415, 503, 507)},
)
def begin_upload(body: UploadBody) -> Response:
    """Begin an upload; its files are put next."""
    upload = services().uploads.begin(body.name)
    note(Thing(Kind.UPLOAD, upload.id))
    response = Response(current_app.json.dumps(_document(upload)), 201, content_type="application/json")
    response.headers["Location"] = url_for("api_uploads.show_upload", upload=upload.id)
    return response


@blueprint.get(
    "/uploads/<upload>", summary="Show an upload", responses={"200": UploadDocument, **problems(400, 404, 503)}
)
def show_upload(path: UploadPath) -> dict[str, Any]:
    """Tell how much of an upload has come."""
    return _document(services().uploads.show(path.upload))


@blueprint.put(
    "/uploads/<upload>/files/<path:path>",
    summary="Put a file",
    responses={"200": UploadedFileDocument, **problems(400, 403, 404, 409, 413, 422, 503, 507)},
)
def put_file(path: UploadFilePath, raw: FileBody) -> dict[str, Any]:
    """Add a file: its bytes are the body of the request. A file of the same path is replaced; a zip file is unpacked.

    Of a zip file all is taken or nothing. It is refused if it is damaged or encrypted, has links, names that lead out
    of it or a name twice, or unpacks to far more than its own size.
    """
    try:
        stored = services().uploads.receive(path.upload, path.path, endless_body(), request.content_length)
    except UploadError:
        drain()
        raise
    return {"path": stored.path, "files": stored.amount.files, "bytes": stored.amount.bytes}


@blueprint.post(
    "/uploads/<upload>/complete",
    summary="Complete an upload",
    responses={"200": CompleteDocument, **problems(400, 403, 404, 409, 413, 415, 503, 507)},
)
def complete_upload(path: UploadPath, body: UploadBody) -> dict[str, Any]:
    """Make the upload a batch, under the name it began with or another; doing it again answers the same."""
    folder = services().uploads.complete(path.upload, body.name)
    batch = announce(services().indexer, folder)
    note(Thing(Kind.BATCH, batch))
    return {"name": folder.name, "batch": batch, "url": url_for("api_batches.show_batch", batch=batch)}


@blueprint.delete(
    "/uploads/<upload>", summary="Cancel an upload", responses={"204": None, **problems(400, 403, 404, 503)}
)
def cancel_upload(path: UploadPath) -> tuple[str, int]:
    """Remove an upload that is not complete, with its files."""
    services().uploads.discard(path.upload)
    return "", 204


def _document(upload: Upload) -> dict[str, Any]:
    bounds = services().uploads.bounds
    return {
        "id": upload.id,
        "name": upload.folder or upload.name,
        "files": upload.amount.files,
        "bytes": upload.amount.bytes,
        "most_files": bounds.files,
        "most_bytes": bounds.bytes,
        "complete": upload.folder is not None,
    }
