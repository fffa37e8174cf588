"""Elastic APM: how long requests and tasks take, and which errors they end by. Off unless a server is named.

The agent's own instrumentation would send headers, addresses with queries, Elasticsearch's statements and messages of
exceptions: all of that quotes patient data. So it is not used. We say ourselves where something begins and ends, and
what leaves is cut down to names and numbers by `bare`, whatever was put in.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

from indexer.settings import Settings

if TYPE_CHECKING:
    from elasticapm import Client

_CONFIG = {
    "SERVICE_NAME": "dicomsearch",
    "PROCESSORS": ["indexer.traces.bare"],
    "COLLECT_LOCAL_VARIABLES": "off",
    "CAPTURE_BODY": "off",
    "CAPTURE_HEADERS": False,
    "SOURCE_LINES_ERROR_APP_FRAMES": 0,
    "SOURCE_LINES_ERROR_LIBRARY_FRAMES": 0,
    "SPAN_STACK_TRACE_MIN_DURATION": "-1ms",
    "AUTO_LOG_STACKS": False,
    "DISABLE_LOG_RECORD_FACTORY": True,
    # Nothing is asked of anyone but the server that was named.
    "CENTRAL_CONFIG": False,
    "CLOUD_PROVIDER": "none",
    "METRICS_INTERVAL": "0s",
    "BREAKDOWN_METRICS": False,
    # A server that is away is not waited for: events are dropped then.
    "SERVER_TIMEOUT": "2s",
    "API_REQUEST_TIME": "5s",
}
# What of an event leaves: nothing that is made of what was asked or found.
_OF_ALL = (
    "id",
    "trace_id",
    "parent_id",
    "transaction_id",
    "timestamp",
    "duration",
    "outcome",
    "sample_rate",
    "sampled",
)
_OF_NAMED = (*_OF_ALL, "name", "type", "subtype", "action", "result", "span_count", "sync", "start")
_OF_EXCEPTION = ("type", "module", "handled")
_OF_FRAME = ("filename", "abs_path", "module", "function", "lineno", "library_frame")
_running: "list[Client]" = []


def start_tracing(settings: Settings) -> None:
    """Begin to tell the server of the settings, if there is one, of this process."""
    if settings.apm_server_url is None or _running:
        return
    from elasticapm import Client  # only now: it takes a tenth of a second

    token = settings.apm_secret_token.get_secret_value() if settings.apm_secret_token else None
    ours = {
        "SERVICE_VERSION": version("dicomsearch"),
        "SERVER_URL": settings.apm_server_url,
        "SECRET_TOKEN": token,
        "ENVIRONMENT": settings.apm_environment,
    }
    _running.append(Client(_CONFIG | ours))


def stop_tracing() -> None:
    """Send what is left, and end."""
    while _running:
        _running.pop().close()


def begin(kind: str) -> None:
    """Begin a transaction in this thread: a `request` or a `task`."""
    for client in _running:
        client.begin_transaction(kind)


def end(name: str, result: str, *, failed: bool) -> None:
    """End the transaction of this thread.

    Parameters
    ----------
    name
        Of the route or the task.
    result
        Such as `HTTP 2xx`.
    """
    for client in _running:
        from elasticapm import set_transaction_outcome

        set_transaction_outcome("failure" if failed else "success")
        client.end_transaction(name, result)  # type: ignore[no-untyped-call]


def report(error: BaseException) -> None:
    """Tell of an error: its type and place."""
    for client in _running:
        client.capture_exception((type(error), error, error.__traceback__))  # type: ignore[no-untyped-call]


@contextmanager
def span(name: str, kind: str) -> Iterator[None]:
    """Let the body be a part of the transaction, with a time of its own."""
    if not _running:
        yield
        return
    from elasticapm import capture_span

    with capture_span(name, span_type=kind):
        yield


def bare(_client: "Client", event: dict[str, Any]) -> dict[str, Any]:
    """Cut an event of the agent down to names, numbers and places.

    https://www.elastic.co/guide/en/apm/agent/python/current/sanitizing-data.html
    """
    if "exception" not in event:
        return _only(event, _OF_NAMED)
    about = _only(event.get("transaction") or {}, ("sampled", "type", "name"))
    return {**_only(event, _OF_ALL), "culprit": event.get("culprit"), "transaction": about} | {
        "exception": _bare_exception(event["exception"])
    }


def _bare_exception(exception: Mapping[str, Any]) -> dict[str, Any]:
    kept = _only(exception, _OF_EXCEPTION)
    kept["message"] = kept.get("type")
    kept["stacktrace"] = [_only(frame, _OF_FRAME) for frame in exception.get("stacktrace") or ()]
    if causes := exception.get("cause"):
        kept["cause"] = [_bare_exception(cause) for cause in causes]
    return kept


def _only(values: Mapping[str, Any], names: tuple[str, ...]) -> dict[str, Any]:
    return {name: values[name] for name in names if name in values}
