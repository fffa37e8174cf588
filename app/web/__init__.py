"""The pages: rendered on the server, usable without scripts; small ES modules make them livelier."""

from flask import Flask

from app.web import (
    account,
    audit,
    batches,
    formats,
    headers,
    images,
    likeness,
    masking,
    operations,
    saved_searches,
    search,
    sessions,
    status,
    uploads,
    users,
)


def register(app: Flask) -> None:
    """Add all pages, and the filters that their templates use."""
    formats.register(app)
    likeness.register(app)
    masking.register(app)
    saved_searches.register(app)
    for room in (
        status,
        batches,
        operations,
        search,
        saved_searches,
        headers,
        images,
        uploads,
        sessions,
        account,
        users,
        audit,
    ):
        app.register_blueprint(room.blueprint)
