"""Deleting a batch: its documents, then its files if that was asked for, then all that is known of it.

In this order, because what is known of the batch says what is still to be deleted: interrupted at any point, the task
goes on when it runs again. Where only the counts of a batch are kept, its documents say which files it has; there each
file goes before its document.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import structlog

from indexer.audit import Event, Kind, Operation, Participant, Thing
from indexer.files import printable, strerror
from indexer.operations.disk import Folder, delete_empty, open_folder, why_files_must_stay
from indexer.operations.documents import Hit, of_batch, pages
from indexer.operations.model import BatchBusyError, Deleted, OperationRefusedError
from indexer.operations.underway import COMMAND, underway
from indexer.operations.withdrawing import Withdrawal, relative_paths
from indexer.services import Services
from indexer.status import Batch, Place

log = structlog.get_logger(__name__)

OPERATION = "delete"
# Documents that name the batch may be written by tasks of other batches until these have ended.
_ROUNDS = 20


@dataclass
class _Files:
    deleted: int = 0
    kept: int = 0
    folders: int = 0


def delete_batch(services: Services, batch: str, who: str = COMMAND) -> Deleted:
    """Delete a batch that was marked by `request_delete`; one that is gone already is no error.

    Parameters
    ----------
    who
        The worker, for the status page.

    Raises
    ------
    OperationRefusedError
        It was not marked.
    BatchBusyError
        Tasks still work on it, or another operation: it has to be called again.
    ElasticsearchUnavailableError
        Elasticsearch does not answer: it has to be called again.
    """
    known = services.status.batch(batch)
    if known is None:
        return Deleted()
    if not known.deleting:
        raise OperationRefusedError(f"Nobody has asked to delete the batch {batch}: use `dicomsearch delete`.")
    with underway(services, batch, OPERATION, who) as lease:
        # A task that took images before the batch was marked may still write them.
        if services.leases.of(batch) - {lease.id}:
            raise BatchBusyError(f"Workers are still at images of the batch {batch}: it is deleted when they are done.")
        files = _Files()
        folder = Path(known.path)
        why = why_files_must_stay(services, known, folder) if known.delete_files else None
        if why:
            log.warning("files are not deleted", batch=batch, reason=why)
        with_files = known.delete_files and not why
        withdrawal = _delete_documents(services, known, files, with_files=with_files)
        if with_files:
            _delete_listed(services, known, files)
        deleted = Deleted(withdrawal.removed, withdrawal.reopened, files.deleted, files.folders, files.kept)
        # Before the batch is forgotten: a deletion that is interrupted here is recorded twice, and never not at all.
        _record(services, known, deleted, who)
        services.ledger.clean_later(batch, wanted=False)
        services.ledger.delete(batch)
    log.info("batch deleted", batch=batch, documents=deleted.documents, files=deleted.files, kept=deleted.files_kept)
    return deleted


def _record(services: Services, batch: Batch, deleted: Deleted, who: str) -> None:
    details = {"images": deleted.documents, "files": deleted.files, "files kept": deleted.files_kept}
    things = (Thing(Kind.BATCH, batch.id, details=details), Thing(Kind.FOLDER, batch.path))
    services.audit.append(Event(Operation.BATCH_DELETED, Participant(who, "worker", "service"), "worker", things))


def _delete_documents(services: Services, batch: Batch, files: _Files, *, with_files: bool) -> Withdrawal:
    withdrawal = Withdrawal(services)
    for _ in range(_ROUNDS):
        found = False
        for hits in pages(services, of_batch(batch.id)):
            found = True
            if with_files and batch.shrunk:
                _delete_files(batch, _paths_in(batch, hits), files)
            withdrawal.withdraw((hit.id for hit in hits), lambda _, place: place.batch == batch.id)
        if not found:
            return withdrawal
    raise BatchBusyError(f"Workers keep indexing images of the batch {batch.id}: it is deleted when they are done.")


def _paths_in(batch: Batch, hits: Iterable[Hit]) -> list[str]:
    places: list[Place] = [place for hit in hits for place in hit.earlier.places]
    return [path for place in places if place.batch == batch.id for path in relative_paths(batch, place.path)]


def _delete_listed(services: Services, batch: Batch, files: _Files) -> None:
    _delete_files(batch, (path for path in services.status.paths(batch.id) if not path.endswith("/")), files)
    folder = Path(batch.path)
    try:
        with open_folder(folder) as opened:
            files.folders += opened.delete_empty_folders()
    except OSError:
        return  # it is gone already
    files.folders += delete_empty(folder)


def _delete_files(batch: Batch, paths: Iterable[str], files: _Files) -> None:
    try:
        with open_folder(Path(batch.path)) as folder:
            for path in paths:
                _delete_file(batch, folder, path, files)
    except OSError as error:
        log.warning("the folder of a batch cannot be opened", batch=batch.id, reason=strerror(error))


def _delete_file(batch: Batch, folder: Folder, path: str, files: _Files) -> None:
    try:
        files.deleted += folder.delete(path)
    except OSError as error:
        files.kept += 1
        log.warning("file stays", batch=batch.id, path=printable(path), reason=strerror(error))
