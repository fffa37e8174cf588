"""Each request has an id, which its answer, its lines in the log and its tasks carry, and one line when it is over.

The line has the pattern of the route and neither path nor query: paths have UIDs in them, and queries name patients.
"""

import re
import time
import uuid
from collections.abc import Iterable, Iterator
from typing import Any

import structlog
from flask import Flask, Response, g, request

from app.accounts.current import actor_if_known
from indexer import traces
from indexer.queue import REQUEST_ID

HEADER = "X-Request-ID"
_log = structlog.get_logger("app.requests")
_BEGUN = "dicomsearch_request_begun"
# Of a proxy in front; anything else could be made to look like a line of ours.
_USABLE = re.compile(r"[A-Za-z0-9-]{8,64}")


def log_requests(app: Flask) -> None:
    """Log all requests of an application, and trace them; to be called before anything else looks at them."""
    app.before_request(_begin)
    app.after_request(_answered)
    app.teardown_request(_end)


def route() -> str:
    """The pattern of this request's route; `-` where there is none."""
    return request.url_rule.rule if request.url_rule is not None else "-"


def _begin() -> None:
    given = request.headers.get(HEADER, "")
    id_ = given if _USABLE.fullmatch(given) else uuid.uuid4().hex
    setattr(g, _BEGUN, (time.perf_counter(), id_))
    # The thread has served other requests.
    structlog.contextvars.clear_contextvars()
    structlog.contextvars.bind_contextvars(**{REQUEST_ID: id_})
    traces.begin("request")


def _answered(response: Response) -> Response:
    begun, id_ = g.get(_BEGUN) or (time.perf_counter(), "-")
    response.headers[HEADER] = id_
    g.dicomsearch_status = response.status_code
    actor = actor_if_known()
    line: dict[str, Any] = {
        REQUEST_ID: id_,
        "method": request.method if request.method.isalpha() else "-",
        "endpoint": request.endpoint,
        "route": route(),
        "status": response.status_code,
        "user": actor.name if actor else None,
        "via": actor.via if actor else None,
    }
    sent = response.content_length
    counted = _Counted(response.response) if sent is None and response.is_streamed else None
    if counted is not None:
        response.response = counted

    def close() -> None:
        line["bytes"] = counted.bytes if counted is not None else sent
        _log.info("request", seconds=round(time.perf_counter() - begun, 4), **line)

    response.call_on_close(close)
    return response


def _end(error: BaseException | None) -> None:
    status = g.get("dicomsearch_status", 500)
    traces.end(f"{request.method} {request.endpoint or '-'}", f"HTTP {status // 100}xx", failed=status >= 500)


class _Counted:
    """The pieces of an answer whose length nobody knows before, counted as they go out."""

    def __init__(self, pieces: Iterable[Any]) -> None:
        self._pieces = pieces
        self.bytes = 0

    def __iter__(self) -> Iterator[Any]:
        for piece in self._pieces:
            self.bytes += len(piece)
            yield piece

    def close(self) -> None:
        """Close what the pieces come from."""
        if hasattr(self._pieces, "close"):
            self._pieces.close()
