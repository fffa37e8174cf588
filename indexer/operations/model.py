"""What operations on batches answer, and why they may not be done."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

# Paths and differences that a report lists; its counts are complete.
LISTED = 100


# Called with how much was done, and how much there is about.
Progress: TypeAlias = Callable[[int, int], None]


def no_progress(done: int, total: int) -> None:
    """Tell nobody."""


class OperationError(Exception):
    """An operation was not done; the message says why, and what to do."""


class UnknownBatchError(OperationError):
    """There is no batch of this id."""


class BatchBusyError(OperationError):
    """Something else is under way with the batch: trying again later is right."""


class OperationRefusedError(OperationError):
    """The operation would do harm, or makes no sense for this batch as it is."""


@dataclass(frozen=True, slots=True)
class Deleted:
    """What went with a batch.

    Attributes
    ----------
    documents
        Images that are not found any more.
    reopened
        Images of other batches that are indexed again, because the document was made from the deleted batch's file.
    files, folders
        What was deleted on disk.
    files_kept
        Files that were to be deleted and are still there, because they are links or could not be deleted.
    """

    documents: int = 0
    reopened: int = 0
    files: int = 0
    folders: int = 0
    files_kept: int = 0


@dataclass(frozen=True, slots=True)
class SyncReport:
    """How the folder of a batch differs from what is known of it. Paths are relative; the first 100 of each kind.

    Attributes
    ----------
    gone, changed, new
        How many files.
    cleaned
        Files that are not there because a clean-up has deleted or archived them, as it should.
    unlistable
        Folders that cannot be listed.
    applied
        Whether search and status follow the disk now (changed and new files as soon as they are indexed).
    """

    gone: int
    changed: int
    new: int
    cleaned: int
    unlistable: int
    gone_paths: Sequence[str]
    changed_paths: Sequence[str]
    new_paths: Sequence[str]
    applied: bool


@dataclass(frozen=True, slots=True)
class Difference:
    """Something that does not agree.

    Attributes
    ----------
    kind
        One of `indexer.operations.DIFFERENCES`.
    what
        Path of a file relative to the batch's folder, id of a document, or name of a counter.
    detail
        In words, never a value of a header.
    """

    kind: str
    what: str
    detail: str


@dataclass(frozen=True, slots=True)
class VerifyReport:
    """Whether status, index and disk agree on a batch.

    Attributes
    ----------
    images, documents
        How many were compared.
    counts
        Kind of difference → how many.
    differences
        The first 100.
    repaired
        Whether they were repaired; what has to be indexed again is queued.
    """

    images: int
    documents: int
    counts: Mapping[str, int]
    differences: Sequence[Difference]
    repaired: bool

    @property
    def agrees(self) -> bool:
        """Whether there is no difference."""
        return not any(self.counts.values())


@dataclass(frozen=True, slots=True)
class Cleaned:
    """What a clean-up did with the files of a batch.

    Attributes
    ----------
    how
        `keep`, `delete` or `archive`.
    files
        Deleted or archived now.
    kept
        Reason → how many files stay because of it.
    folders
        Empty folders that were deleted.
    refused
        Why nothing was done at all, or None.
    """

    how: str
    files: int = 0
    kept: Mapping[str, int] = field(default_factory=dict)
    folders: int = 0
    refused: str | None = None
