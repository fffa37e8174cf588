"""Comparing a batch with disk or index while somebody waits, or by a worker where that would take too long."""

from indexer import operations
from indexer.operations import SyncReport, VerifyReport
from indexer.services import Services

# Files of a batch that is compared at once; it takes a second or two.
AT_ONCE = 2_000


def compare_folder(services: Services, batch: str, *, apply: bool) -> SyncReport | None:
    """Compare a batch with its folder; None where a worker was asked to, and leaves what it finds in the history."""
    if operations.find(services, batch).counts.total <= AT_ONCE:
        return operations.sync(services, batch, apply=apply)
    operations.request_sync(services, batch, apply=apply)
    return None


def compare_index(services: Services, batch: str, *, repair: bool) -> VerifyReport | None:
    """Compare a batch with the index; None where a worker was asked to, and leaves what it finds in the history."""
    if operations.find(services, batch).counts.total <= AT_ONCE:
        return operations.verify(services, batch, repair=repair)
    operations.request_verify(services, batch, repair=repair)
    return None
