"""Operations as tasks of a worker: what cannot be done now is queued again, or its reason stands in the history."""

from collections.abc import Callable

import structlog

from indexer.operations import cleaning, deleting, syncing, verifying
from indexer.operations.model import BatchBusyError, OperationError
from indexer.services import Services
from indexer.sink import ElasticsearchUnavailableError

log = structlog.get_logger(__name__)

_BUSY_SECONDS = 5.0
_AWAY_SECONDS = 15.0


def delete(services: Services, batch: str, who: str) -> None:
    """Delete a batch; while tasks are still at its images, later."""
    try:
        deleting.delete_batch(services, batch, who)
    except BatchBusyError:
        services.queue.delete(batch, delay=_BUSY_SECONDS)
    except ElasticsearchUnavailableError as error:
        log.warning("deletion waits", batch=batch, reason=str(error))
        services.queue.delete(batch, delay=_AWAY_SECONDS)
    except OperationError as error:
        log.error("batch cannot be deleted", batch=batch, reason=str(error))


def clean(services: Services, batch: str, who: str) -> None:
    """Clean up the files of a batch; one that is busy is queued again when it is done, or by the periodic check."""
    try:
        cleaning.clean(services, batch, who)
    except ElasticsearchUnavailableError as error:
        log.warning("clean-up waits", batch=batch, reason=str(error))
        services.queue.clean(batch, delay=_AWAY_SECONDS)
    except OperationError as error:
        log.warning("batch cannot be cleaned up", batch=batch, reason=str(error))


def sync(services: Services, batch: str, who: str, *, apply: bool) -> None:
    """Compare a batch with its folder."""
    _noted(services, batch, syncing.OPERATION, lambda: syncing.sync(services, batch, apply=apply, who=who))


def verify(services: Services, batch: str, who: str, *, repair: bool) -> None:
    """Compare status and index of a batch."""
    _noted(services, batch, verifying.OPERATION, lambda: verifying.verify(services, batch, repair=repair, who=who))


def _noted(services: Services, batch: str, operation: str, body: Callable[[], object]) -> None:
    try:
        body()
    except (OperationError, ElasticsearchUnavailableError) as error:
        log.warning("operation failed", batch=batch, operation=operation, reason=str(error))
        services.ledger.note(batch, "failed", operation=operation, reason=str(error))
