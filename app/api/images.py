"""`/api/images/<id>`: one image, and its whole header."""

from flask import Response, current_app, jsonify
from flask_openapi3.blueprint import APIBlueprint
from flask_openapi3.models.tag import Tag
from pydantic import Field

from app.api import examples
from app.api.documents import ImageDocument, ImagePath, Parameters, problems
from app.api.examples import such_as
from app.api.files import file_name
from app.api.revalidation import NOT_CHANGED, revalidated
from app.services import services

_OWN = ("batch", "file", "derived", "receipt", "indexed_at")
DICOM_JSON = "application/dicom+json"

blueprint = APIBlueprint(
    "api_images", __name__, url_prefix="/api", abp_tags=[Tag(name="Images", description="One image and its header.")]
)


class HeaderParameters(Parameters):
    """How the header is sent."""

    download: bool = Field(
        False, description="whether a browser shall save it as a file", json_schema_extra=such_as(False)
    )


@blueprint.get(
    "/images/<image>",
    summary="Show an image",
    responses={"200": ImageDocument, **NOT_CHANGED, **problems(400, 404, 503)},
)
def show_image(path: ImagePath) -> Response:
    """Show the attributes of an image as they are indexed, and what is known about its file."""
    document = services().archive.image(path.image)
    own = {name: document.pop(name, {} if name in ("file", "derived", "receipt") else None) for name in _OWN}
    return revalidated(jsonify({"id": path.image, **own, "fields": document}))


@blueprint.get(
    "/images/<image>/header",
    summary="Show a whole header",
    responses={
        "200": {
            "description": "DICOM JSON (PS3.18 Annex F)",
            "content": {DICOM_JSON: {"schema": {"type": "object"}, "example": examples.HEADER}},
        },
        **NOT_CHANGED,
        **problems(400, 404, 503),
    },
)
def show_header(path: ImagePath, query: HeaderParameters) -> Response:
    """Show the whole header as DICOM JSON, binary values left out."""
    text = current_app.json.dumps(services().archive.header(path.image))
    response = revalidated(Response(text, content_type=DICOM_JSON))
    if query.download:
        response.headers.set("Content-Disposition", "attachment", filename=file_name(path.image, "json"))
    return response
