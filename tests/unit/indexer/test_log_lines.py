"""What may be said in a line of the log."""

import io
import json
import logging
import sys
import threading
import warnings
from collections.abc import Iterator

import pytest
import structlog

from indexer.logs import configure_logging
from indexer.logs.lines import with_gaps
from indexer.settings import Settings

SECRET = "Zwerchfell"
BAD = f"bad value {SECRET}"


@pytest.fixture
def lines(monkeypatch: pytest.MonkeyPatch) -> Iterator[io.StringIO]:
    """Where the lines of this process go; everything is as it was afterwards."""
    output = io.StringIO()
    root = logging.getLogger()
    structlog.contextvars.clear_contextvars()
    before = root.handlers[:], root.level, structlog.get_config()
    with monkeypatch.context() as patch:
        patch.setattr(sys, "stderr", output)
        for module, name in (
            (sys, "excepthook"),
            (sys, "unraisablehook"),
            (threading, "excepthook"),
            (warnings, "showwarning"),
        ):
            patch.setattr(module, name, getattr(module, name))
        configure_logging(Settings(log_level="DEBUG"), "web")
        yield output
    root.handlers[:], level, configuration = before[0], before[1], before[2]
    root.setLevel(level)
    structlog.configure(**configuration)


def said(lines: io.StringIO) -> list[dict[str, object]]:
    return [json.loads(line) for line in lines.getvalue().splitlines()]


@pytest.mark.parametrize(
    ("text", "arguments", "said"),
    [
        ("Error handling request %s", (f"/search?q={SECRET}",), "Error handling request …"),
        ("%s of %d, %5.1f%% of %r", (SECRET, 3, 2.5, SECRET), "… of 3, 2.5% of …"),
        ("Task %(name)s[%(id)s]: %(exc)s", {"name": "index", "id": "a-1", "exc": SECRET}, "Task index[a-1]: …"),
        ("as it is", None, "as it is"),
        ("one %s too many", (), "one … too many"),
    ],
)
def test_gaps_are_left_for_what_a_library_worked_on(text: str, arguments: object, said: str) -> None:
    assert with_gaps(text, arguments) == said


@pytest.mark.parametrize("level", [logging.DEBUG, logging.WARNING, logging.ERROR])
def test_libraries_are_not_quoted(lines: io.StringIO, level: int) -> None:
    logging.getLogger("celery.app.trace").log(level, "cannot do %s", SECRET)
    logging.getLogger("some.library").log(level, BAD)
    logging.getLogger("gunicorn.error").log(level, ValueError(SECRET))
    assert [line["event"] for line in said(lines)] == ["cannot do …", "a library has something to say", "ValueError"]
    assert SECRET not in lines.getvalue()


def test_what_libraries_say_of_themselves_is_said_in_full(lines: io.StringIO) -> None:
    logging.getLogger("gunicorn.error").info("Listening at: %s (%s)", "http://127.0.0.1:8080", 17)
    assert said(lines)[0]["event"] == "Listening at: http://127.0.0.1:8080 (17)"


def test_exceptions_are_told_by_type_and_place(lines: io.StringIO) -> None:
    for log in (structlog.get_logger("indexer").exception, logging.getLogger("celery").exception):
        try:
            int(SECRET)
        except ValueError:
            log("did not work")
    assert [(line["exception"], line["event"]) for line in said(lines)] == [("ValueError", "did not work")] * 2
    assert SECRET not in lines.getvalue()


def test_what_python_would_print_is_a_line(lines: io.StringIO) -> None:
    def fail() -> None:
        raise RuntimeError(SECRET)

    thread = threading.Thread(target=fail)
    thread.start()
    thread.join()
    try:
        fail()
    except RuntimeError as error:
        sys.excepthook(type(error), error, error.__traceback__)
    warnings.showwarning(SECRET, UserWarning, f"/of/{SECRET}/module.py", 17)
    assert [line["event"] for line in said(lines)] == [
        "a thread ends by an error",
        "the process ends by an error",
        "a library warns",
    ]
    assert said(lines)[2]["at"] == ["module.py:17"]
    assert SECRET not in lines.getvalue()


def test_lines_carry_what_is_worked_on(lines: io.StringIO) -> None:
    with structlog.contextvars.bound_contextvars(batch="CASE-17", task_id="a-1"):
        structlog.get_logger("indexer").info("begun", images=3)
    [line] = said(lines)
    timestamp = line.pop("timestamp")
    assert str(timestamp).endswith("Z")
    assert line == {
        "event": "begun",
        "level": "info",
        "logger": "indexer",
        "service": "web",
        "batch": "CASE-17",
        "task_id": "a-1",
        "images": 3,
    }


def test_people_get_text_where_they_ask_for_it(lines: io.StringIO, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stderr", lines)
    configure_logging(Settings(log_format="text"), "web")
    structlog.get_logger("indexer").info("begun", images=3)
    assert "begun" in lines.getvalue()
    assert "images=3" in lines.getvalue()
    assert not lines.getvalue().startswith("{")
