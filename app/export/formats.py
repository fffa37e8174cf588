"""How an export is written: CSV, one JSON document, one JSON object a line, or the paths of the files.

An encoder makes bytes of pages of results. When reading fails in the middle, `broken` is the last thing written: a file
that ends early must not look like a whole one, also where it has been saved by a program that did not notice that the
connection broke.
"""

import csv
import io
import json
from collections.abc import Sequence
from dataclasses import asdict
from enum import StrEnum
from typing import Any, Protocol

import orjson

from app.archive import Result
from app.export.cells import cell
from app.export.columns import Columns
from app.search.levels import Level


class Format(StrEnum):
    """A format of exports."""

    CSV = "csv"
    NDJSON = "ndjson"
    JSON = "json"
    PATHS = "paths"

    @property
    def content_type(self) -> str:
        """Its media type."""
        return {
            Format.CSV: "text/csv; charset=utf-8; header=present",
            Format.NDJSON: "application/x-ndjson",
            Format.JSON: "application/json",
            Format.PATHS: "text/plain; charset=utf-8",
        }[self]

    @property
    def suffix(self) -> str:
        """Of the names of its files."""
        return "txt" if self is Format.PATHS else self.value


class Encoder(Protocol):
    """Makes bytes of results."""

    def head(self, total: int, *, approximate: bool) -> bytes:
        """What comes before all results."""

    def rows(self, results: Sequence[Result]) -> bytes:
        """Some results."""

    def tail(self) -> bytes:
        """What comes after all results: its presence says that none is missing."""

    def broken(self, reason: str) -> bytes:
        """What comes instead of the other results and the tail."""


class CsvEncoder:
    """RFC 4180: a header of keywords, lines that end with CR LF, UTF-8.

    Parameters
    ----------
    columns
        What to write.
    byte_order_mark
        Whether to begin with one. Spreadsheets need it to read UTF-8; programs stumble over it.
    """

    def __init__(self, columns: Columns, *, byte_order_mark: bool = False) -> None:
        self._columns = columns
        self._start = "\ufeff" if byte_order_mark else ""

    def head(self, total: int, *, approximate: bool) -> bytes:
        """The names of the columns."""
        return _encoded(self._start) + self._lines([self._columns.names])

    def rows(self, results: Sequence[Result]) -> bytes:
        """One line for each result."""
        return self._lines([self._columns.values(result) for result in results])

    def tail(self) -> bytes:
        """Nothing: the format has no end of its own."""
        return b""

    def broken(self, reason: str) -> bytes:
        """A cell that is never closed: people see it, and strict readers refuse the file."""
        return _encoded('"INCOMPLETE: ' + reason.replace('"', "'"))

    @staticmethod
    def _lines(rows: Sequence[Sequence[Any]]) -> bytes:
        buffer = io.StringIO(newline="")
        csv.writer(buffer, lineterminator="\r\n").writerows([[cell(value) for value in row] for row in rows])
        return _encoded(buffer.getvalue())


class NdjsonEncoder:
    """One JSON object a line, in the shape of the results of `/api/search`."""

    def head(self, total: int, *, approximate: bool) -> bytes:
        """Nothing."""
        return b""

    def rows(self, results: Sequence[Result]) -> bytes:
        """One line for each result."""
        return b"".join(_json(_document(result)) + b"\n" for result in results)

    def tail(self) -> bytes:
        """Nothing: each line stands for itself."""
        return b""

    def broken(self, reason: str) -> bytes:
        """A last line that is no result."""
        return _json({"error": reason}) + b"\n"


class JsonEncoder:
    """One JSON document like the answer of `/api/search`; it is no JSON until its last byte has come.

    Parameters
    ----------
    level
        What a result is.
    partial
        Whether time ran out, so that there may be more.
    """

    def __init__(self, level: Level, *, partial: bool = False) -> None:
        self._level = level
        self._partial = partial
        self._separator = b"\n"

    def head(self, total: int, *, approximate: bool) -> bytes:
        """The total, and what a result is."""
        members = {"total": total, "level": self._level.value, "partial": self._partial}
        return _json(members | ({"approximate": True} if approximate else {}))[:-1] + b',"results":['

    def rows(self, results: Sequence[Result]) -> bytes:
        """One line for each result."""
        lines = [_json(_document(result)) for result in results]
        if not lines:
            return b""
        written, self._separator = self._separator + b",\n".join(lines), b",\n"
        return written

    def tail(self) -> bytes:
        """The end of the document."""
        return b"\n]}\n"

    def broken(self, reason: str) -> bytes:
        """Something that makes it no JSON at all."""
        return b"\nINCOMPLETE: " + _encoded(reason)


class PathsEncoder:
    """The paths of the files.

    Parameters
    ----------
    null
        Whether NUL follows each, as `xargs -0` reads it, and not a line break, which a path may have in it.
    """

    def __init__(self, *, null: bool = False) -> None:
        self._end = "\0" if null else "\n"

    def head(self, total: int, *, approximate: bool) -> bytes:
        """Nothing."""
        return b""

    def rows(self, results: Sequence[Result]) -> bytes:
        """One path for each image."""
        paths = (result.fields.get("file.path") for result in results)
        return _encoded("".join(f"{path}{self._end}" for path in paths if path))

    def tail(self) -> bytes:
        """Nothing."""
        return b""

    def broken(self, reason: str) -> bytes:
        """Nothing: what is read as paths should be nothing else."""
        return b""


def _document(result: Result) -> dict[str, Any]:
    below = {"below": asdict(result.below)} if result.below else {}
    return {"id": result.id, "fields": result.fields, **below}


def _json(value: Any) -> bytes:
    try:
        return orjson.dumps(value)
    except TypeError:
        # Text that is no Unicode (lone surrogates).
        return _encoded(json.dumps(value, ensure_ascii=False, separators=(",", ":")))


def _encoded(text: str) -> bytes:
    return text.encode("utf-8", "replace")
