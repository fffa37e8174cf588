"""What this process counts, brought to Redis once a second, so that no request waits for it."""

import threading
import weakref
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import cast

import redis
from flask import current_app, has_request_context, request

from indexer.metrics import Counter, Histogram, Tally
from indexer.metrics.catalogue import SEARCH_SECONDS, SIGN_IN_FAILURES
from indexer.settings import Settings
from indexer.status.connection import RedisClient, connect_briefly
from indexer.traces import span

METER = "dicomsearch-meter"
_FLUSH_SECONDS = 1.0


class Meter:
    """Counts where metrics are wanted; else it does nothing.

    Parameters
    ----------
    settings
        Metrics are wanted where they have a port.
    """

    def __init__(self, settings: Settings) -> None:
        self.wanted = settings.metrics_port is not None
        self.redis: RedisClient = connect_briefly(settings.redis_url)
        self._tally = Tally()
        self._lock = threading.Lock()
        self._timer: threading.Timer | None = None
        # What is left when the process ends.
        self.close = weakref.finalize(self, _flush, self._tally, self.redis)

    def count(self, counter: Counter, *labels: str) -> None:
        """Count something."""
        if self.wanted:
            self._tally.count(counter, *labels)
            self._flush_soon()

    def observe(self, histogram: Histogram, value: float, *labels: str) -> None:
        """Count something by its size."""
        if self.wanted:
            self._tally.observe(histogram, value, *labels)
            self._flush_soon()

    @contextmanager
    def searching(self, what: str) -> Iterator[None]:
        """Count a search by the time that it takes: `facets`, or `results` of whoever asks, a page or a program."""
        with span(what, "db.elasticsearch"):
            if not self.wanted:
                yield
                return
            kind = what if what != "results" else _who_asks()
            try:
                with self._tally.timed(SEARCH_SECONDS, kind):
                    yield
            finally:
                self._flush_soon()

    def flush(self) -> None:
        """Bring to Redis what was counted; where it is away, that is kept for the next time."""
        _flush(self._tally, self.redis)

    def _flush_soon(self) -> None:
        with self._lock:
            if self._timer is None:
                self._timer = threading.Timer(_FLUSH_SECONDS, self._flush_now)
                self._timer.daemon = True
                self._timer.start()

    def _flush_now(self) -> None:
        with self._lock:
            self._timer = None
        self.flush()


def count_sign_in_failure(way: str) -> None:
    """Count that somebody could not sign in in this request; `way`: `password`, `token` or `proxy`."""
    cast(Meter, current_app.extensions[METER]).count(SIGN_IN_FAILURES, way)


def _flush(tally: Tally, client: RedisClient) -> None:
    with suppress(redis.RedisError):
        tally.flush(client)


def _who_asks() -> str:
    return "api" if has_request_context() and (request.blueprint or "").startswith("api") else "page"
