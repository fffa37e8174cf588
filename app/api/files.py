"""`/api/images/<id>/file`: the file of an image as it is, whole or in parts."""

import hashlib
import re

from flask import Response, abort, request
from flask_openapi3.blueprint import APIBlueprint
from flask_openapi3.models.tag import Tag
from werkzeug.wsgi import wrap_file

from app.api.documents import ImagePath, problems
from app.api.revalidation import NOT_CHANGED
from app.preview.originals import Original, open_original
from app.preview.wish import Wish
from app.security import PRIVATE
from app.services import services

DICOM, GZIP = "application/dicom", "application/gzip"
_UNSAFE = re.compile(r"[^0-9A-Za-z._-]+")
_BYTES = {"schema": {"type": "string", "contentEncoding": "binary"}}

blueprint = APIBlueprint(
    "api_files", __name__, url_prefix="/api", abp_tags=[Tag(name="Files", description="The files of images.")]
)


@blueprint.get(
    "/images/<image>/file",
    summary="Download the file",
    responses={
        "200": {
            "description": "the file as it is; `application/gzip` where it is compressed as a whole",
            "content": {DICOM: _BYTES, GZIP: _BYTES},
        },
        "206": {"description": "the part that the request names in `Range`", "content": {DICOM: _BYTES, GZIP: _BYTES}},
        **NOT_CHANGED,
        **problems(400, 403, 404, 409, 410, 412, 416, 503),
    },
)
def show_file(path: ImagePath) -> Response:
    """Download the file of an image, unchanged: made sure to be the very image, and never anything but DICOM."""
    known, image = services(), path.image
    facts = known.archive.file(image)
    original = open_original(
        image,
        facts,
        known.settings.folders_of_files,
        lambda: known.previews.describe(Wish(str(facts.get("path", "")), image), decoding=False),
        known.settings.limits,
    )
    try:
        return _answer(image, original)
    except BaseException:
        original.file.close()
        raise


def file_name(image: str, ending: str) -> str:
    """A name for a download that is safe in every system: the image's id."""
    return f"{_UNSAFE.sub('_', image).strip('.') or 'image'}.{ending}"


def _answer(image: str, original: Original) -> Response:
    response = Response(
        wrap_file(request.environ, original.file),
        content_type=GZIP if original.is_compressed else DICOM,
        direct_passthrough=True,
    )
    response.call_on_close(original.file.close)
    response.content_length = original.state.size
    response.last_modified = original.modified  # type: ignore[assignment]
    response.set_etag(hashlib.sha256(repr((image, original.state)).encode()).hexdigest()[:32])
    name = file_name(image, "dcm.gz" if original.is_compressed else "dcm")
    response.headers.set("Content-Disposition", "attachment", filename=name)
    response.headers["Cache-Control"] = PRIVATE
    # Raises 416 where there is no such part.
    response.make_conditional(request, accept_ranges=True, complete_length=original.state.size)
    if response.status_code == 412:
        abort(412, "The file is not the one that the request is about.")
    return response
