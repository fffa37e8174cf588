"""The keys of the status in Redis, named here and nowhere else."""

from indexer.status.model import ImageStatus

BATCHES = "batches"
ACTIVE = "batches:active"
DELETED = "batches:deleted"
PATHS = "batches:paths"
TO_CLEAN = "batches:to-clean"
LEASES = "leases"
METRICS = "metrics"
WATCHER = "watcher"
WORKERS = "workers"
WAITING = "waiting"


def batch_key(batch: str) -> str:
    """Key of the hash of one batch."""
    return f"batch:{batch}"


def images_key(batch: str) -> str:
    """Key of the hash relative path → image of one batch."""
    return f"batch:{batch}:images"


def errors_key(batch: str) -> str:
    """Key of the hash relative path → error of one batch."""
    return f"batch:{batch}:errors"


def paths_key(batch: str, status: ImageStatus) -> str:
    """Key of the sorted set of the relative paths of a batch's images of one status."""
    return f"batch:{batch}:paths:{status}"


def events_key(batch: str) -> str:
    """Key of the list of what happened to one batch."""
    return f"batch:{batch}:events"


def worker_key(worker: str) -> str:
    """Key of the hash of what one worker has done."""
    return f"worker:{worker}"


def lease_key(lease: str) -> str:
    """Key of the hash of one lease."""
    return f"lease:{lease}"
