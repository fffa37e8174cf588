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
_STATUS = "dicomsearch_request_status"
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
    begun, id_ = _begun()
    response.headers[HEADER] = id_
    setattr(g, _STATUS, response.status_code)
    line = _line(response.status_code)
    sent = response.content_length
    counted = _Counted(response.response) if sent is None and response.is_streamed else None
    if counted is not None:
        response.response = counted

    def close() -> None:
        line["bytes"] = counted.bytes if counted is not None else sent
        _log.info("request", seconds=round(time.perf_counter() - begun, 4), **line)

    response.call_on_close(close)
    return response


def _begun() -> tuple[float, str]:
    """When this request began, and its id."""
    begun: tuple[float, str] = g.get(_BEGUN) or (time.perf_counter(), "-")
    return begun


def _line(status: int) -> dict[str, Any]:
    """What is said of this request."""
    actor = actor_if_known()
    return {
        REQUEST_ID: _begun()[1],
        "method": request.method if request.method.isalpha() else "-",
        "endpoint": request.endpoint,
        "route": route(),
        "status": status,
        "user": actor.name if actor else None,
        "via": actor.via if actor else None,
    }


def _end(_error: BaseException | None) -> None:
    status = g.get(_STATUS)
    if status is None:
        # What was to be done with the answer has failed: it did not come by `_answered`.
        status = 500
        _log.info("request", seconds=round(time.perf_counter() - _begun()[0], 4), bytes=None, **_line(status))
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
