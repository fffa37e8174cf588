"""Where metrics are answered, and what is answered there: `/metrics` on its own port, and nothing else on that port."""

from typing import TYPE_CHECKING

from flask import Blueprint, Flask, Response, abort, request
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4

from app.metrics.collector import Collector
from app.metrics.meter import METER, Meter
from app.metrics.requests import count_requests
from indexer.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Iterable

    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

_PATH = "/metrics"


def register(app: Flask, settings: Settings, meter: Meter) -> None:
    """Add `/metrics`, and have requests counted; to be called before anything else looks at requests."""
    app.extensions[METER] = meter
    registry = CollectorRegistry(auto_describe=False)
    registry.register(Collector(settings, meter))
    blueprint = Blueprint("metrics", __name__)

    @blueprint.get(_PATH)
    def metrics() -> Response:
        # On the port of the pages it does not exist.
        if not came_to(request.environ, settings.metrics_port):
            abort(404)
        meter.flush()
        return Response(generate_latest(registry), content_type=CONTENT_TYPE_PLAIN_0_0_4)

    app.register_blueprint(blueprint)
    if settings.metrics_port is not None:
        app.wsgi_app = _OwnPort(app.wsgi_app, settings.metrics_port)  # type: ignore[method-assign]
        count_requests(app, meter)


def came_to(environ: "WSGIEnvironment", port: int | None) -> bool:
    """Whether a request came to a port: that of the connection, as the server knows it; no header changes it."""
    return port is not None and environ.get("SERVER_PORT") == str(port)


class _OwnPort:
    """Lets nothing but `/metrics` through that comes to the port of the metrics."""

    def __init__(self, application: "WSGIApplication", port: int) -> None:
        self._application = application
        self._port = port

    def __call__(self, environ: "WSGIEnvironment", start_response: "StartResponse") -> "Iterable[bytes]":
        if came_to(environ, self._port) and environ.get("PATH_INFO") != _PATH:
            answer = Response("This port answers /metrics.\n", 404, content_type="text/plain; charset=utf-8")
            return answer(environ, start_response)
        return self._application(environ, start_response)
