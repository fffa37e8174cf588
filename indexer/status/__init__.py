"""The status of batches and images in Redis: what has arrived, how far it is, what went wrong.

`model` has the records, `store` reads them, `ledger` changes them (each change is one atomic Lua script of `scripts/`),
`leases` knows which task works on what, `claims` which image is being written, `presence` which watcher and workers are
alive and why indexing waits, and `gate` whether all of them have to pause.
"""

from indexer.status.asking import StatusUnavailableError, asking_redis
from indexer.status.claims import Claims, Place
from indexer.status.connection import connect
from indexer.status.gate import Gate
from indexer.status.leases import Lease, Leases
from indexer.status.ledger import Ledger, Outcome
from indexer.status.model import (
    Batch,
    BatchStatus,
    Counts,
    ErrorCode,
    Event,
    Image,
    ImageError,
    ImageStatus,
    Page,
    Waiting,
    WatcherStatus,
    WorkerStatus,
)
from indexer.status.presence import Presence
from indexer.status.store import StatusStore

__all__ = [
    "Batch",
    "BatchStatus",
    "Claims",
    "Counts",
    "ErrorCode",
    "Event",
    "Gate",
    "Image",
    "ImageError",
    "ImageStatus",
    "Lease",
    "Leases",
    "Ledger",
    "Outcome",
    "Page",
    "Place",
    "Presence",
    "StatusStore",
    "StatusUnavailableError",
    "Waiting",
    "WatcherStatus",
    "WorkerStatus",
    "asking_redis",
    "connect",
]
