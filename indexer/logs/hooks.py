"""What Python prints by itself, with messages that may quote a header: brought under the rules of all lines."""

import sys
import threading
import warnings
from pathlib import Path
from types import TracebackType
from typing import TextIO

import structlog

_log = structlog.get_logger(__name__)


def log_what_python_prints() -> None:
    """Let errors that nobody catches, and warnings, become lines of the log from now on."""
    sys.excepthook = _uncaught
    threading.excepthook = _uncaught_in_thread
    sys.unraisablehook = _unraisable
    warnings.showwarning = _warning


def _uncaught(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    if issubclass(kind, KeyboardInterrupt):
        return
    _log.critical("the process ends by an error", exc_info=(kind, error, trace))


def _uncaught_in_thread(what: threading.ExceptHookArgs) -> None:
    if what.exc_value is not None and what.exc_type is not SystemExit:
        _log.critical("a thread ends by an error", exc_info=(what.exc_type, what.exc_value, what.exc_traceback))


def _unraisable(what: "sys.UnraisableHookArgs") -> None:
    if what.exc_value is not None:
        _log.error("an error where none can be raised", exc_info=(what.exc_type, what.exc_value, what.exc_traceback))


def _warning(
    message: Warning | str,
    category: type[Warning],
    filename: str,
    lineno: int,
    file: TextIO | None = None,
    line: str | None = None,
) -> None:
    _log.warning("a library warns", kind=category.__name__, at=[f"{Path(filename).name}:{lineno}"])
