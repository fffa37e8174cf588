"""What people do with batches: retry, cancel, delete, synchronise with the disk, verify, clean up, describe.

Pages, API, command line and tasks call the same functions. Whatever takes long is done page by page, can be interrupted
at any point, and goes on when it is called again.
"""

from indexer.operations.model import (
    LISTED,
    BatchBusyError,
    Cleaned,
    Deleted,
    Difference,
    OperationError,
    OperationRefusedError,
    SyncReport,
    UnknownBatchError,
    VerifyReport,
)
from indexer.services import Services
from indexer.status import ErrorCode


def retry(services: Services, batch: str, code: ErrorCode | None = None) -> int:
    """Queue the failed images of a batch again, all or those of one error; answer how many."""
    raise NotImplementedError


def cancel(services: Services, batch: str) -> int:
    """Leave out what nobody has taken yet; answer how many images that were."""
    raise NotImplementedError


def describe(services: Services, batch: str, *, tags: list[str] | None = None, note: str | None = None) -> None:
    """Change the tags or the note of a batch."""
    raise NotImplementedError


def request_delete(services: Services, batch: str, *, files: bool) -> None:
    """Have a batch deleted by a worker: its documents, its status and, only if asked, its files."""
    raise NotImplementedError


def delete_batch(services: Services, batch: str) -> Deleted:
    """Delete a batch that was marked; the body of the task."""
    raise NotImplementedError


def request_sync(services: Services, batch: str, *, apply: bool) -> None:
    """Have `sync` done by a worker; what it found is in the batch's history then."""
    raise NotImplementedError


def sync(services: Services, batch: str, *, apply: bool, folder_may_be_gone: bool = False) -> SyncReport:
    """Compare a batch with its folder and, if asked, let search and status follow the disk."""
    raise NotImplementedError


def request_verify(services: Services, batch: str, *, repair: bool) -> None:
    """Have `verify` done by a worker; what it found is in the batch's history then."""
    raise NotImplementedError


def verify(services: Services, batch: str, *, repair: bool, files: bool = False) -> VerifyReport:
    """Compare status, index and, if asked, disk; repair the differences, if asked."""
    raise NotImplementedError


def clean(services: Services, batch: str) -> Cleaned:
    """Delete or archive the files of a batch as the setting `cleanup` says, each only when it is safe in the index."""
    raise NotImplementedError


def shrink_old(services: Services) -> int:
    """Keep only the counts of batches that have been DONE for long; answer of how many."""
    raise NotImplementedError


__all__ = [
    "LISTED",
    "BatchBusyError",
    "Cleaned",
    "Deleted",
    "Difference",
    "OperationError",
    "OperationRefusedError",
    "SyncReport",
    "UnknownBatchError",
    "VerifyReport",
    "cancel",
    "clean",
    "delete_batch",
    "describe",
    "request_delete",
    "request_sync",
    "request_verify",
    "retry",
    "shrink_old",
    "sync",
    "verify",
]
