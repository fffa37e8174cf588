"""The status of batches and images in Redis: what has arrived, how far it is, what went wrong.

`model` has the records, `store` reads them, `ledger` changes them (each change is one atomic Lua script of `scripts/`),
`leases` knows which task works on what, `presence` knows which watcher and workers are alive and why indexing waits.
"""

from indexer.status.leases import Lease, Leases
from indexer.status.ledger import Ledger, Outcome
from indexer.status.model import (
    Batch,
    BatchStatus,
    Counts,
    ErrorCode,
    Image,
    ImageError,
    ImageStatus,
    Page,
    Waiting,
    WatcherStatus,
    WorkerStatus,
)
from indexer.status.presence import Presence
from indexer.status.store import StatusStore, StatusUnavailableError, connect

__all__ = [
    "Batch",
    "BatchStatus",
    "Counts",
    "ErrorCode",
    "Image",
    "ImageError",
    "ImageStatus",
    "Lease",
    "Leases",
    "Ledger",
    "Outcome",
    "Page",
    "Presence",
    "StatusStore",
    "StatusUnavailableError",
    "Waiting",
    "WatcherStatus",
    "WorkerStatus",
    "connect",
]
