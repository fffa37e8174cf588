"""The audit log's periodic work, in a thread of the watcher's process."""

import threading
import time

import structlog
from elasticsearch import ApiError, TransportError

from indexer.audit.keeping import expire
from indexer.audit.log import AuditLog, AuditUnavailableError
from indexer.audit.mover import Mover
from indexer.services import REDIS_IS_AWAY, Services
from indexer.status import connect

log = structlog.get_logger(__name__)

_HOUR = 3_600.0


class AuditKeeper:
    """Moves the audit log to Elasticsearch and deletes old months, until it is stopped.

    Parameters
    ----------
    services
        With the settings; the connection to Redis is one of its own.
    """

    def __init__(self, services: Services) -> None:
        self._services = services
        client = connect(services.settings.redis_url)
        self._log = AuditLog(client)
        self._mover = Mover(services.settings, client, services.elasticsearch)
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="audit", daemon=True)
        self._expired_at = -_HOUR

    def start(self) -> None:
        """Begin."""
        if self._services.settings.records:
            self._thread.start()

    def stop(self) -> None:
        """End soon; what was not moved stays in Redis."""
        self._stop.set()
        if self._thread.is_alive():
            self._thread.join(timeout=5)

    def _run(self) -> None:
        while not self._stop.wait(self._services.settings.heartbeat_seconds):
            try:
                self._mover.move()
                self._expire()
            except (*REDIS_IS_AWAY, AuditUnavailableError, ApiError, TransportError) as error:
                log.warning("the audit log waits in Redis", error=type(error).__name__)
            except Exception:
                # Nothing that one event has may end the keeping of all.
                log.exception("the audit log could not be moved")

    def _expire(self) -> None:
        if time.monotonic() - self._expired_at >= _HOUR:
            expire(self._services.settings, self._log, self._services.elasticsearch)
            self._expired_at = time.monotonic()
