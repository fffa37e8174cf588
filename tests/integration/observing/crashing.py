"""The web application and the worker, in which errors quote values of headers, as libraries' errors may.

gunicorn 'tests.integration.observing.crashing:web()'
celery -A tests.integration.observing.crashing worker
"""

import warnings
from collections.abc import Iterator

from flask import Flask, Response, request

from app import create_app
from app.accounts.rules import OPEN, RULES
from indexer import finishing
from indexer.services import Services
from indexer.worker import celery

__all__ = ["CRASHING", "SECRETS", "celery", "web"]

# Values of headers that no line, label or trace may have.
SECRETS = ("Zwerchfell", "19481231", "PID-4711", "1.2.826.0.1.3680043.99.777", "Brüllaffe")
# The batch of which no worker comes to an end.
CRASHING = "CASE-CRASH"


def web() -> Flask:
    """Build the application with two routes that fail: before their answer begins, and in the middle of it."""
    RULES["crash"] = RULES["stream"] = OPEN
    app = create_app()

    def crash(uid: str) -> str:
        warnings.warn(f"{uid} has the value {request.args['q']}", UserWarning, stacklevel=1)
        try:
            return {SECRETS[0]: ""}[uid]
        except KeyError as error:
            raise RuntimeError(f"cannot read {request.args['q']}") from error

    def stream(uid: str) -> Response:
        value = request.args["q"]

        def pieces() -> Iterator[bytes]:
            yield b"begun"
            raise RuntimeError(f"cannot go on with {uid}: {value}")

        return Response(pieces())

    app.add_url_rule("/crash/<uid>", "crash", crash)
    app.add_url_rule("/stream/<uid>", "stream", stream)
    return app


def _finish(services: Services, batch: str) -> None:
    if batch == CRASHING:
        raise RuntimeError(f"cannot finish {SECRETS[0]}")
    _really_finish(services, batch)


_really_finish = finishing.finish
finishing.finish = _finish
