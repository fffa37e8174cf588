"""Telling the status that an upload is complete: its batch is there at once. The watcher would find it as well."""

from pathlib import Path

import structlog

from indexer.batches import batch_id, deliver, delivery_of
from indexer.services import REDIS_IS_AWAY, Services

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
        return deliver(services, folder, SOURCE, delivery_of(folder)).id
    except (*REDIS_IS_AWAY, FileNotFoundError) as error:
        log.warning("batch not announced", error=type(error).__name__)
        return batch_id(folder.name)
