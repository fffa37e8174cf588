"""What people do with batches: retry, cancel, delete, synchronise with the disk, verify, clean up, describe.

Pages, API, command line and tasks call the same functions. Whatever takes long is done page by page, can be interrupted
at any point, and goes on when it is called again.
"""

from indexer.operations.cleaning import clean
from indexer.operations.deleting import delete_batch
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
from indexer.operations.requesting import (
    cancel,
    describe,
    mark_for_deletion,
    request_delete,
    request_sync,
    request_verify,
    retry,
)
from indexer.operations.shrinking import shrink_old
from indexer.operations.syncing import sync
from indexer.operations.underway import found as find
from indexer.operations.verifying import DIFFERENCES, verify

__all__ = [
    "DIFFERENCES",
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
    "find",
    "mark_for_deletion",
    "request_delete",
    "request_sync",
    "request_verify",
    "retry",
    "shrink_old",
    "sync",
    "verify",
]
