"""Batches that have been done for long keep only their counts in Redis: the index knows their images."""

from datetime import UTC, datetime, timedelta

from indexer.services import Services
from indexer.status import BatchStatus


def shrink_old(services: Services) -> int:
    """Let batches shrink that have been done without errors for more than `shrink_days`; answer how many did."""
    days = services.settings.shrink_days
    if not days:
        return 0
    before = datetime.now(UTC) - timedelta(days=days)
    shrunk = 0
    for batch in services.status.all_batches():
        long_done = batch.status is BatchStatus.DONE and batch.finished_at is not None and batch.finished_at < before
        if long_done and not batch.shrunk and not batch.has_error and not batch.deleting:
            shrunk += services.ledger.shrink(batch.id)
    return shrunk
