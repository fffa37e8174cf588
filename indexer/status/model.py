"""The records of the status: batches, images, their errors, and who is alive. Values only; Redis is elsewhere."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, Generic, TypeVar

# Below one image in a hundred seconds, a time that is left would be a guess.
_SLOWEST = 0.01


class BatchStatus(StrEnum):
    """How far a batch is."""

    NEW = "NEW"
    PROCESSING = "PROCESSING"
    DONE = "DONE"


class ImageStatus(StrEnum):
    """How far an image is; DONE, ERROR and IGNORED are final."""

    NEW = "NEW"
    PROCESSING = "PROCESSING"
    DONE = "DONE"
    ERROR = "ERROR"
    IGNORED = "IGNORED"


class ErrorCode(StrEnum):
    """Why an image could not be indexed."""

    NOT_DICOM = "not_dicom"
    UNREADABLE = "unreadable"
    TRUNCATED = "truncated"
    EMPTY = "empty"
    NO_PERMISSION = "no_permission"
    TOO_LARGE = "too_large"
    TIMEOUT = "timeout"
    CRASHED = "crashed"
    INDEX_REJECTED = "index_rejected"
    CANCELLED = "cancelled"


@dataclass(frozen=True, slots=True)
class Counts:
    """Images of a batch by status; `total` is the sum of `new` to `ignored`, `duplicates` are among the done."""

    total: int = 0
    new: int = 0
    processing: int = 0
    done: int = 0
    error: int = 0
    ignored: int = 0
    duplicates: int = 0

    @property
    def open(self) -> int:
        """Images that are not final yet."""
        return self.new + self.processing


@dataclass(frozen=True, slots=True)
class Batch:
    """The images imported together: one finished folder.

    Attributes
    ----------
    id
        Part of URLs and the document field `batch`: the folder's name where it serves, else made from it.
    path
        The folder, absolute.
    source
        `watcher`, or the command or page that it came by.
    registered
        Whether every file of the folder has been listed; before that, `counts.total` still grows.
    note
        What people wrote of it.
    rate
        Images per second, the last half minute counting most; 0 where nothing happens.
    cancelled
        Whether what nobody had taken yet was left out on request.
    deleting
        Whether it is about to go: the documents first, then this record.
    delete_files
        Whether its files go with it.
    shrunk
        Whether only the counts are kept, and the list of its images is that of the index.
    cleaned
        What a clean-up has begun to do with its files: `delete`, `archive`, or nothing.
    """

    id: str
    name: str
    path: str
    source: str
    status: BatchStatus
    has_error: bool
    counts: Counts
    add_date: datetime
    modify_date: datetime
    finished_at: datetime | None
    tags: list[str]
    registered: bool
    note: str = ""
    rate: float = 0.0
    cancelled: bool = False
    deleting: bool = False
    delete_files: bool = False
    shrunk: bool = False
    cleaned: str = ""

    @property
    def seconds_left(self) -> float | None:
        """How long the open images will take at the present rate; None where that cannot be said yet."""
        if not self.registered or not self.counts.open or self.rate < _SLOWEST:
            return None
        return self.counts.open / self.rate


@dataclass(frozen=True, slots=True)
class Image:
    """One file of a batch: its path relative to the folder, bytes, time of last change (seconds, as text).

    A `duplicate` is one whose SOPInstanceUID another file had, too.
    """

    path: str
    status: ImageStatus
    uid: str | None
    size: int
    mtime: str
    duplicate: bool = False


@dataclass(frozen=True, slots=True)
class ImageError:
    """Why an image is ERROR. The reason never quotes a header."""

    path: str
    code: ErrorCode
    reason: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Event:
    """What happened to a batch, such as `created` or `done`; details are numbers or short texts, never of a header."""

    at: datetime
    what: str
    details: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class WatcherStatus:
    """Whether the watcher is heard of, what it watches, and what it wants to say."""

    alive: bool
    last_seen: datetime | None
    folder: str | None
    notice: str | None


@dataclass(frozen=True, slots=True)
class WorkerStatus:
    """One Celery worker: whether it is heard of, which batches it works on, what it has done.

    Attributes
    ----------
    images
        How many it has brought to their end.
    rate
        Images per second, the last half minute counting most.
    error, error_at
        Why its last task that could not go on did not.
    """

    name: str
    alive: bool
    last_seen: datetime
    doing: list[str]
    images: int = 0
    rate: float = 0.0
    error: str | None = None
    error_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Waiting:
    """Why indexing waits, and since when."""

    reason: str
    since: datetime


T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Page(Generic[T]):
    """Some of a list, and how long the whole list is."""

    count: int
    results: Sequence[T]
