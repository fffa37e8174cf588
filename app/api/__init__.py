"""The REST API: batches, images, search; described by the OpenAPI document `/api/openapi.json`."""

from flask_openapi3.openapi import OpenAPI

from app.api import (
    account,
    audit,
    batches,
    docs,
    exports,
    files,
    headers,
    images,
    likeness,
    operations,
    previews,
    saved_searches,
    search,
    uploads,
    users,
)
from app.api.documents import DESCRIPTION

__all__ = ["DESCRIPTION", "register"]


_ROOMS = (
    search,
    exports,
    saved_searches,
    headers,
    images,
    files,
    previews,
    batches,
    operations,
    uploads,
    likeness,
    account,
    users,
    audit,
)


def register(app: OpenAPI) -> None:
    """Add all routes of the API."""
    for room in _ROOMS:
        app.register_api(room.blueprint)
    app.register_blueprint(docs.blueprint)
