"""`/api/images/<id>`: one image, and its whole header."""

from typing import Any

from flask import Response, current_app
from flask_openapi3.blueprint import APIBlueprint
from flask_openapi3.models.tag import Tag

from app.api import examples
from app.api.documents import ImageDocument, ImagePath, problems
from app.services import services

_OWN = ("batch", "file", "derived", "receipt", "indexed_at")
DICOM_JSON = "application/dicom+json"

blueprint = APIBlueprint(
    "api_images", __name__, url_prefix="/api", abp_tags=[Tag(name="Images", description="One image and its header.")]
)


@blueprint.get("/images/<image>", summary="Show an image", responses={"200": ImageDocument, **problems(400, 404, 503)})
def show_image(path: ImagePath) -> dict[str, Any]:
    """Show the attributes of an image as they are indexed, and what is known about its file."""
    document = services().archive.image(path.image)
    own = {name: document.pop(name, {} if name in ("file", "derived", "receipt") else None) for name in _OWN}
    return {"id": path.image, **own, "fields": document}


@blueprint.get(
    "/images/<image>/header",
    summary="Show a whole header",
    responses={
        "200": {
            "description": "DICOM JSON (PS3.18 Annex F)",
            "content": {DICOM_JSON: {"schema": {"type": "object"}, "example": examples.HEADER}},
        },
        **problems(400, 404, 503),
    },
)
def show_header(path: ImagePath) -> Response:
    """Show the whole header as DICOM JSON, binary values left out."""
    return Response(current_app.json.dumps(services().archive.header(path.image)), content_type=DICOM_JSON)
