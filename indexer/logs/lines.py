"""What may be said in a line: no message of an exception, and of libraries' messages what cannot quote a header."""

import logging
import re
import sys
import traceback
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from structlog.typing import EventDict, WrappedLogger

# Libraries whose messages are written by them in advance, with what they worked on put in. Others may quote anything.
_TELLING = frozenset({"billiard", "celery", "elasticapm", "gunicorn", "kombu", "redis"})
# What may be put in, where a library names it.
_HARMLESS = frozenset({"id", "name", "runtime", "hostname"})
_PLACE = re.compile(r"%(?:\((\w+)\))?[-#0 +]*(?:\d+|\*)?(?:\.\d+)?[diouxXeEfFgGcrsa%]")
_GAP = "…"
_FRAMES = 6


def words_of_library(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    """Say of a library's message what cannot quote a header.

    At the level INFO libraries tell of their own lives: ports, processes, tasks. What they say of trouble, or in
    detail, is said with gaps for what they worked on.
    """
    record: logging.LogRecord = event["_record"]
    arguments = event.pop("positional_args", None)
    if record.name.partition(".")[0] not in _TELLING:
        event["event"] = "a library has something to say"
        event["at"] = [f"{record.filename}:{record.lineno} {record.funcName}"]
    elif not isinstance(record.msg, str):
        event["event"] = type(record.msg).__name__
    elif record.levelno != logging.INFO or isinstance(arguments, Mapping):
        event["event"] = with_gaps(record.msg, arguments)
    return event


def with_gaps(text: str, arguments: Any) -> str:
    """Fill a message with numbers, and with what is named harmless; leave gaps for the rest.

    Parameters
    ----------
    text
        With places as of the operator `%`.
    arguments
        As `logging` has them: several in order, or a mapping.
    """
    in_order = iter(arguments if isinstance(arguments, tuple) else ())

    def filled(place: re.Match[str]) -> str:
        if place[0] == "%%":
            return "%"
        name = place[1]
        value = arguments.get(name) if name and isinstance(arguments, Mapping) else next(in_order, None)
        return str(value) if isinstance(value, int | float) or name in _HARMLESS else _GAP

    return _PLACE.sub(filled, text)


def place_instead_of_message(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    """Name an exception by its type and place."""
    info = event.pop("exc_info", None)
    if info is True:
        info = sys.exc_info()
    error = info[1] if isinstance(info, tuple) else info
    if isinstance(error, BaseException):
        event["exception"] = type(error).__name__
        event["at"] = places_of(error)
    event.pop("stack_info", None)
    return event


def places_of(error: BaseException) -> list[str]:
    """Where an exception came from: the last functions that it passed, without their values."""
    frames = traceback.extract_tb(error.__traceback__)[-_FRAMES:]
    return [f"{Path(frame.filename).name}:{frame.lineno} {frame.name}" for frame in frames]
