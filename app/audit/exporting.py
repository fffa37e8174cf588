"""The audit log as a file: CSV for people, one JSON object a line for programs; page by page, in bounded memory."""

import csv
import io
from collections.abc import Iterator, Mapping
from enum import StrEnum
from typing import Any

import orjson
import structlog

from app.archive import ArchiveUnavailableError
from app.audit.reading import AuditRecord, record_of
from app.export.cells import written

_log = structlog.get_logger(__name__)

_HEADINGS = (
    "number", "time", "user", "role", "via", "address", "operation", "event", "outcome", "description",
    "objects", "query", "details", "hash",
)  # fmt: skip
_INCOMPLETE = "INCOMPLETE: Elasticsearch stopped answering; events are missing"
_PIECE = 500


class AuditFormat(StrEnum):
    """A format of the file."""

    CSV = "csv"
    JSON = "json"

    @property
    def content_type(self) -> str:
        """Its media type."""
        return "text/csv; charset=utf-8; header=present" if self is AuditFormat.CSV else "application/x-ndjson"

    @property
    def suffix(self) -> str:
        """Of the names of its files."""
        return "csv" if self is AuditFormat.CSV else "ndjson"


def export(events: Iterator[Mapping[str, Any]], form: AuditFormat) -> Iterator[bytes]:
    """Write events; the first one is asked for before this returns, so that an error comes before the first byte.

    Raises
    ------
    ArchiveUnavailableError
        Elasticsearch does not answer. In the middle, the file says that it is not whole, and the connection breaks.
    """
    first = next(events, None)
    return _write(first, events, form)


def _write(first: Mapping[str, Any] | None, events: Iterator[Mapping[str, Any]], form: AuditFormat) -> Iterator[bytes]:
    lines = [_csv(_HEADINGS)] if form is AuditFormat.CSV else []
    if first is not None:
        lines.append(_line(first, form))
    try:
        for event in events:
            lines.append(_line(event, form))
            if len(lines) >= _PIECE:
                yield b"".join(lines)
                lines.clear()
    except ArchiveUnavailableError:
        _log.error("export_of_audit_log_interrupted")
        broken = _csv([_INCOMPLETE]) if form is AuditFormat.CSV else orjson.dumps({"error": _INCOMPLETE}) + b"\n"
        yield b"".join([*lines, broken])
        raise
    yield b"".join(lines)


def _line(event: Mapping[str, Any], form: AuditFormat) -> bytes:
    if form is AuditFormat.JSON:
        return orjson.dumps(event) + b"\n"
    return _csv(_cells(record_of(event)))


def _cells(record: AuditRecord) -> list[str]:
    details = [f"{name}: {value}" for one in record.objects for name, value in one.details.items()]
    cells = (
        "" if record.number is None else str(record.number),
        record.at,
        record.user,
        record.role,
        record.via,
        record.address,
        record.operation,
        record.event,
        record.outcome,
        record.description,
        "; ".join(f"{one.kind} {one.id}" if one.id != one.kind else one.kind for one in record.objects),
        "; ".join(one.query for one in record.objects if one.query),
        "; ".join(details),
        record.hash or "",
    )
    return [written(cell) for cell in cells]


def _csv(cells: list[str] | tuple[str, ...]) -> bytes:
    line = io.StringIO()
    csv.writer(line).writerow(cells)
    return line.getvalue().encode()
