"""Delivering a batch again because its folder is to be listed anew."""

import uuid
from collections.abc import Sequence
from pathlib import Path

from indexer.batches import delivery_of
from indexer.services import Services
from indexer.status import Batch


def deliver_again(
    services: Services, batch: Batch, source: str, *, stale: Sequence[str] = (), delivery: str | None = None
) -> None:
    """Open a batch again and have its folder listed; the watcher does not take it for a delivery of its own.

    Parameters
    ----------
    source
        What did it, for the history.
    stale
        Errors that stand for folders: listing tells anew whether they are.
    delivery
        What the watcher knows of the folder then: the folder as it was before it was looked at; default as it is now.
    """
    # Open first: what is interrupted from here on is found by the periodic check, which has the folder listed.
    services.ledger.add(batch.id, batch.name, batch.path, source, uuid.uuid4().hex)
    if stale:
        services.ledger.forget(batch.id, stale)
    services.queue.register(batch.id)
    known(services, batch.id, Path(batch.path), delivery)


def known(services: Services, batch_id: str, folder: Path, delivery: str | None = None) -> None:
    """Let the folder of a batch count as known as it is now, or as it was."""
    try:
        services.ledger.delivered(batch_id, delivery or delivery_of(folder))
    except OSError:
        return  # there is no folder that the watcher could see
