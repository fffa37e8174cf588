"""Finding the batch of an operation, and holding it while the operation runs: a batch has one operation at a time."""

from collections.abc import Iterator
from contextlib import contextmanager

from indexer.operations.model import BatchBusyError, OperationRefusedError, UnknownBatchError
from indexer.services import Services
from indexer.status import Batch, BatchStatus, Lease

# Who holds an operation that a person has begun on a command line or a page.
COMMAND = "command"


def found(services: Services, batch_id: str) -> Batch:
    """Answer a batch.

    Raises
    ------
    UnknownBatchError
        There is none of this id.
    """
    batch = services.status.batch(batch_id)
    if batch is None:
        raise UnknownBatchError(f"There is no batch {batch_id}: see `dicomsearch batches`.")
    return batch


def not_deleting(batch: Batch) -> None:
    """Refuse a batch that is about to go.

    Raises
    ------
    BatchBusyError
        It is.
    """
    if batch.deleting:
        raise BatchBusyError(f"The batch {batch.id} is being deleted.")


def at_rest(batch: Batch) -> None:
    """Refuse a batch that is still being indexed or deleted.

    Raises
    ------
    BatchBusyError
        It is.
    """
    not_deleting(batch)
    if batch.status is not BatchStatus.DONE:
        raise BatchBusyError(f"The batch {batch.id} is being indexed: wait until it is done, or cancel it.")


def not_shrunk(batch: Batch) -> None:
    """Refuse a batch of which only the counts are kept.

    Raises
    ------
    OperationRefusedError
        It is such a one.
    """
    if batch.shrunk:
        raise OperationRefusedError(
            f"Of the batch {batch.id}, done long ago, only the counts are kept: import its folder again "
            "(`dicomsearch import`), which lists its files anew."
        )


@contextmanager
def underway(services: Services, batch_id: str, operation: str, who: str) -> Iterator[Lease]:
    """Hold a batch for an operation while the body runs, so that the periodic check knows that it lives.

    Raises
    ------
    BatchBusyError
        Another operation holds it.
    """
    lease = Lease(f"operation:{batch_id}", batch_id, (), operation)
    if other := services.leases.take(lease, who):
        raise BatchBusyError(f"Another operation on the batch {batch_id} is under way ({other}): wait until it ends.")
    try:
        with services.leases.renewed(lease):
            yield lease
    finally:
        services.leases.end(lease)
