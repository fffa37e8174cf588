"""Each request counts by its route and status, and by the time to the last byte of its answer."""

import time

from flask import Flask, Response, g, request

from app.metrics.meter import Meter
from indexer.metrics.catalogue import REQUEST_SECONDS, REQUESTS, SEARCH_SECONDS

_BEGUN = "dicomsearch_metrics_begun"
_EXPORT = "api_exports.export"
_QUERY = "es"  # the blueprint of the query API


def count_requests(app: Flask, meter: Meter) -> None:
    """Count all requests of an application."""

    def begin() -> None:
        setattr(g, _BEGUN, time.perf_counter())

    def answered(response: Response) -> Response:
        begun: float | None = g.get(_BEGUN)
        if begun is None:  # refused before it began to be counted
            return response
        endpoint, blueprint = request.endpoint or "none", request.blueprint or ""
        status = f"{response.status_code // 100}xx"

        def close() -> None:
            seconds = time.perf_counter() - begun
            meter.count(REQUESTS, endpoint, status)
            if not endpoint.endswith("static"):
                kind = "api" if blueprint.startswith("api") or blueprint == _QUERY else "page"
                meter.observe(REQUEST_SECONDS, seconds, kind)
            if endpoint == _EXPORT:
                meter.observe(SEARCH_SECONDS, seconds, "export")
            elif blueprint == _QUERY:
                meter.observe(SEARCH_SECONDS, seconds, "query")

        response.call_on_close(close)
        return response

    app.before_request(begin)
    app.after_request(answered)
