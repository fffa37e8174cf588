"""What stands in Redis, as the records of `model`."""

import json
import math
from datetime import UTC, datetime
from typing import Any

from indexer.status.connection import now
from indexer.status.model import (
    Batch,
    BatchStatus,
    Counts,
    ErrorCode,
    Event,
    Image,
    ImageError,
    ImageStatus,
    WorkerStatus,
)

# Seconds in which a rate of the past loses most of its weight; the scripts have the same number.
_RATE_SECONDS = 30
_NO_RATE = 0.005


def time_of(text: str | None) -> datetime | None:
    """Read a time; None where there is none."""
    return datetime.fromtimestamp(float(text), UTC) if text else None


def needed_time(text: str | None) -> datetime:
    """Read a time that ought to be there."""
    return time_of(text) or datetime.fromtimestamp(0, UTC)


def batch_of(id_: str, values: dict[str, Any]) -> Batch:
    """Read the hash of a batch."""
    return Batch(
        id=id_,
        name=values["name"],
        path=values["path"],
        source=values["source"],
        status=BatchStatus(values["status"]),
        has_error=values["has_error"] == "1",
        counts=Counts(**{name: int(values.get(name, 0)) for name in Counts.__slots__}),
        add_date=needed_time(values["add_date"]),
        modify_date=needed_time(values["modify_date"]),
        finished_at=time_of(values.get("finished_at")),
        tags=json.loads(values.get("tags", "[]")),
        registered=values.get("registered") == "1",
        note=values.get("note", ""),
        rate=_rate(values) if values["status"] != BatchStatus.DONE else 0.0,
        cancelled=values.get("cancelled") == "1",
        deleting=values.get("deleting") == "1",
        delete_files=values.get("delete_files") == "1",
        shrunk=values.get("shrunk") == "1",
        cleaned=values.get("cleaned", ""),
    )


def worker_of(name: str, alive: bool, at: str, doing: set[str], done: dict[str, str]) -> WorkerStatus:
    """Read what is known of a worker."""
    return WorkerStatus(
        name=name,
        alive=alive,
        last_seen=needed_time(at),
        doing=sorted(doing),
        images=int(done.get("images", 0)),
        rate=_rate(done),
        error=done.get("error"),
        error_at=time_of(done.get("error_at")),
    )


def _rate(values: dict[str, str]) -> float:
    """The rate that a script noted, as it has faded since."""
    since = now() - float(values.get("rate_at", 0))
    rate = float(values.get("rate", 0)) * math.exp(-max(since, 0) / _RATE_SECONDS)
    return rate if rate >= _NO_RATE else 0.0


def event_of(text: str) -> Event:
    """Read an event of a batch's history."""
    record = json.loads(text)
    return Event(needed_time(record["at"]), record["what"], record["details"] or {})


def image_of(path: str, text: str) -> Image:
    """Read an image."""
    record = json.loads(text)
    status, size = ImageStatus(record["status"]), int(record["size"])
    return Image(path, status, record.get("uid"), size, record["mtime"], bool(record.get("duplicate")))


def error_of(path: str, text: str) -> ImageError:
    """Read the error of an image."""
    record = json.loads(text)
    return ImageError(path, ErrorCode(record["code"]), record["reason"], needed_time(record["at"]))
