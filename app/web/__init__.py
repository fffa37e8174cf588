"""The pages: rendered on the server, usable without scripts; small ES modules make them livelier."""

from flask import Flask

from app.web import batches, formats, images, search, status


def register(app: Flask) -> None:
    """Add all pages, and the filters that their templates use."""
    formats.register(app)
    for blueprint in (status.blueprint, batches.blueprint, search.blueprint, images.blueprint):
        app.register_blueprint(blueprint)
