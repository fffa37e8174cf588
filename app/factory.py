"""The web application, put together."""

import hashlib
from importlib.metadata import version
from pathlib import Path
from typing import Any

from flask import Flask
from flask_bootstrap import Bootstrap5
from flask_openapi3.models.info import Info
from flask_openapi3.openapi import OpenAPI
from pydantic import ValidationError
from werkzeug.middleware.proxy_fix import ProxyFix

from app import api, health, web
from app.accounts import guarding
from app.audit.recording import record
from app.es import routes as es
from app.logs.requests import log_requests
from app.metrics import registering as metrics
from app.problems import Problem, UnusableParametersError, handle_problems, problem_of, problem_response
from app.same_origin import guard
from app.security import secure
from app.services import attach, build_services
from indexer.settings import Settings
from indexer.traces import start_tracing

_YEAR = 365 * 24 * 3600
_STATIC = Path(__file__).parent / "web" / "static"


def build_app(settings: Settings) -> Flask:
    """Build the application; it connects to its services when it is first asked."""
    app = OpenAPI(
        "app",
        info=Info(title="dicomsearch", version=version("dicomsearch"), description=api.DESCRIPTION),
        doc_ui=False,  # its page needs inline scripts; ours, in api/docs.py, does not
        validation_error_status=400,
        validation_error_callback=_unusable,
        static_folder=str(_STATIC),
        template_folder=str(_STATIC.parent / "templates"),
    )
    app.config.update(
        BOOTSTRAP_SERVE_LOCAL=True,
        SEND_FILE_MAX_AGE_DEFAULT=_YEAR,
        MAX_CONTENT_LENGTH=1_000_000,
    )
    app.json.sort_keys = False  # type: ignore[attr-defined]
    app.url_map.strict_slashes = False
    Bootstrap5(app)
    services = build_services(settings)
    attach(app, services)
    # First, so that they see each request before anything can refuse it, and each answer as it goes out.
    log_requests(app)
    metrics.register(app, settings, services.meter)
    start_tracing(settings)
    services.uploads.remove_stale()
    app.register_blueprint(health.blueprint)
    api.register(app)
    web.register(app)
    app.register_blueprint(es.blueprint)
    handle_problems(app)
    guarding.guard(app, services.accounts)
    guard(app)
    secure(app)
    # Before the headers of answers are added, since its own answer needs them, too: the last one comes first.
    record(app, settings)
    app.url_defaults(_StaticVersions())
    if settings.proxies:
        # Whose address and scheme are those of the client is said by so many proxies in front, and by nobody else.
        app.wsgi_app = ProxyFix(app.wsgi_app, x_for=settings.proxies, x_proto=settings.proxies)  # type: ignore[method-assign]
    return app


def _unusable(error: ValidationError) -> Any:
    lines = [f"{'.'.join(map(str, e['loc'])) or 'parameters'}: {e['msg']}" for e in error.errors()]
    problem: Problem = problem_of(UnusableParametersError("; ".join(lines)))
    return problem_response(problem)


class _StaticVersions:
    """Puts a fingerprint of each of our static files into its address, so that it may be cached for a year."""

    def __init__(self) -> None:
        self._known: dict[str, str] = {}

    def __call__(self, endpoint: str, values: dict[str, Any]) -> None:
        filename = values.get("filename")
        if endpoint != "static" or not filename:
            return
        if filename not in self._known:
            self._known[filename] = hashlib.sha256((_STATIC / filename).read_bytes()).hexdigest()[:10]
        values.setdefault("v", self._known[filename])
