"""Telling the status that an upload is complete: its batch is there at once. The watcher would find it as well."""

from pathlib import Path

import redis
import structlog
from kombu.exceptions import OperationalError

from indexer.batches import batch_id, delivery_of, offer
from indexer.services import Services
from indexer.status import StatusUnavailableError
from indexer.status.ledger import Added

log = structlog.get_logger(__name__)

SOURCE = "upload"


def announce(services: Services, folder: Path) -> str:
    """Make a folder of the watched folder a batch, and have it indexed; doing it again changes nothing.

    Returns
    -------
    str
        The id of the batch. Where Redis is away, the one that the watcher will give it unless another folder has the
        same name.
    """
    try:
        offered = offer(services.ledger, folder, SOURCE, delivery_of(folder))
        if offered.added is not Added.KNOWN:
            services.queue.register(offered.id)
    except (redis.RedisError, StatusUnavailableError, OperationalError, FileNotFoundError) as error:
        log.warning("batch not announced", error=type(error).__name__)
        return batch_id(folder.name)
    return offered.id
