"""The REST API: batches, images, search; described by the OpenAPI document `/api/openapi.json`."""

from flask_openapi3.openapi import OpenAPI

from app.api import batches, docs, exports, files, headers, images, likeness, previews, saved_searches, search, uploads
from app.api.documents import DESCRIPTION

__all__ = ["DESCRIPTION", "register"]


def register(app: OpenAPI) -> None:
    """Add all routes of the API."""
    for room in (search, exports, saved_searches, headers, images, files, previews, batches, uploads, likeness):
        app.register_api(room.blueprint)
    app.register_blueprint(docs.blueprint)
