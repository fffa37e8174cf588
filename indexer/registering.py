"""Listing the files of a batch and queueing them in chunks, in bounded memory; doing it again is harmless."""

import errno
from pathlib import Path

import structlog

from indexer.batches import WATCHER
from indexer.files import Unlistable, strerror, walk
from indexer.finishing import finish
from indexer.queue import chunks, new_lease
from indexer.services import Services
from indexer.status import Batch, ErrorCode, ImageStatus, Outcome
from indexer.status.ledger import FoundFile

log = structlog.get_logger(__name__)

# What stands for the whole folder in the errors of its batch.
FOLDER = "./"


def register_batch(services: Services, batch_id: str) -> None:
    """List all files of a batch as NEW and queue them for indexing.

    A folder, or a folder in it, that cannot be listed becomes an error of the batch under its path with a slash. A
    delivery that has been listed is not listed again: the task was delivered twice.
    """
    batch = services.status.batch(batch_id)
    if batch is None or batch.registered:
        return
    queued = 0
    try:
        _stay_inside(batch)
        for some in chunks(walk(Path(batch.path)), services.settings.chunk_files):
            files = [found for found in some if isinstance(found, FoundFile)]
            if wanted := services.ledger.register(batch_id, files):
                services.queue.index(new_lease(batch_id, wanted))
                queued += 1
            _record_unlistable(services, batch_id, [found for found in some if isinstance(found, Unlistable)])
    except OSError as error:
        _record_unlistable(services, batch_id, [Unlistable(FOLDER, f"the folder cannot be listed: {strerror(error)}")])
    log.info("batch registered", batch=batch_id, chunks=queued)
    if services.ledger.registered(batch_id):
        finish(services, batch_id)


def _stay_inside(batch: Batch) -> None:
    """Refuse a watched folder that has become a link: it leads out; what a person imports may be one."""
    if batch.source == WATCHER and Path(batch.path).is_symlink():
        raise OSError(errno.ELOOP, "it has become a symbolic link")


def _record_unlistable(services: Services, batch: str, folders: list[Unlistable]) -> None:
    if not folders:
        return
    files = {folder.path: FoundFile(folder.path, 0, "0") for folder in folders}
    services.ledger.register(batch, files.values())
    services.ledger.settle(
        batch,
        [
            Outcome(files[folder.path], ImageStatus.ERROR, code=ErrorCode.NO_PERMISSION, reason=folder.reason)
            for folder in folders
        ],
    )
