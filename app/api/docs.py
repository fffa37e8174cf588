"""`/api/openapi.json`, and Swagger UI at `/api/docs`: its files come with a package, its page is ours.

The page that the package brings runs inline scripts and cannot stand under our content security policy.
"""

from pathlib import Path
from typing import Any, cast

import flask_openapi3_swagger
from flask import Blueprint, current_app, render_template
from flask_openapi3.openapi import OpenAPI

from app.api.openapi import completed

blueprint = Blueprint(
    "api_docs",
    __name__,
    url_prefix="/api",
    static_folder=str(Path(flask_openapi3_swagger.__file__).parent / "templates" / "swagger"),
    static_url_path="/docs/static",
)


@blueprint.get("/openapi.json")
def openapi() -> dict[str, Any]:
    """Answer the OpenAPI document."""
    app = cast(OpenAPI, current_app)
    if not app.spec_json:
        app.spec_json = completed(app.api_doc)
    return app.spec_json


@blueprint.get("/docs")
def docs() -> str:
    """Show Swagger UI."""
    return render_template("api_docs.html")
