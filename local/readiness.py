"""How a service shows that it does its work: asked over the network or in Redis, quickly, never raising."""

import base64
import http.client
import ssl
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

from redis import Redis, RedisError
from redis.backoff import NoBackoff
from redis.retry import Retry

from indexer.status import StatusStore, StatusUnavailableError, connect

_SECONDS = 3.0


def http_status(
    host: str, port: int, path: str, *, headers: Mapping[str, str] | None = None, ca: Path | None = None
) -> int | None:
    """Ask a web server of this machine, past any proxy; None where none answers.

    Parameters
    ----------
    ca
        Of the authority that its https rests on; None where it speaks http.
    """
    connection: http.client.HTTPConnection
    if ca is None:
        connection = http.client.HTTPConnection(host, port, timeout=_SECONDS)
    else:
        context = ssl.create_default_context(cafile=ca)
        connection = http.client.HTTPSConnection(host, port, timeout=_SECONDS, context=context)
    try:
        connection.request("GET", path, headers=headers or {})
        return connection.getresponse().status
    except (OSError, http.client.HTTPException):
        return None
    finally:
        connection.close()


def elasticsearch_answers(port: int, *, ca: Path | None = None, user: str = "", password: str = "") -> bool:
    """Tell whether the node answers and every index can be read and written (it says 408 where one cannot)."""
    headers = {}
    if user:
        headers["Authorization"] = "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()
    path = "/_cluster/health?wait_for_status=yellow&timeout=1s"
    return http_status("127.0.0.1", port, path, headers=headers, ca=ca) == 200


def redis_answers(url: str) -> bool:
    """Tell whether Redis answers and has loaded its data."""
    once = Retry(NoBackoff(), 0)
    with Redis.from_url(url, socket_timeout=_SECONDS, socket_connect_timeout=_SECONDS, retry=once) as client:
        try:
            return bool(client.ping())
        except RedisError:
            return False


def watcher_reports(url: str, since: float) -> bool:
    """Tell whether the watcher has reported after a time (seconds since 1970)."""
    with connect(url) as client:
        try:
            seen = StatusStore(client).watcher().last_seen
        except StatusUnavailableError:
            return False
    return seen is not None and seen >= _moment(since)


def worker_reports(url: str, since: float) -> bool:
    """Tell whether a worker has reported after a time (seconds since 1970)."""
    with connect(url) as client:
        try:
            return any(worker.last_seen >= _moment(since) for worker in StatusStore(client).workers())
        except StatusUnavailableError:
            return False


def _moment(since: float) -> datetime:
    # Reports are rounded to milliseconds.
    return datetime.fromtimestamp(since - 0.001, UTC)
