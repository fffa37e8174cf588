"""What is done at once because it takes no time, or is handed to a worker because it does."""

from collections.abc import Sequence
from pathlib import Path

from indexer.files import mtime_text
from indexer.finishing import finish
from indexer.operations.disk import why_files_must_stay
from indexer.operations.model import BatchBusyError, OperationRefusedError, UnknownBatchError
from indexer.operations.redelivery import deliver_again
from indexer.operations.underway import at_rest, found, not_deleting, not_shrunk
from indexer.queue import chunks, new_lease
from indexer.services import Services
from indexer.status import Batch, ErrorCode, ImageStatus
from indexer.status.ledger import FoundFile

_MOST_TAGS = 50
_TAG_CHARACTERS = 100
_NOTE_CHARACTERS = 10_000


def retry(services: Services, batch: str, code: ErrorCode | None = None) -> int:
    """Queue the failed images of a batch again; answer how many.

    An error that stands for a folder has the batch's folder listed again.

    Parameters
    ----------
    code
        Only images with this error.

    Raises
    ------
    UnknownBatchError, BatchBusyError
        There is no such batch, or it is being deleted.
    """
    known = found(services, batch)
    not_deleting(known)
    images = 0
    folders: list[str] = []
    for paths in chunks(services.status.paths(batch, [ImageStatus.ERROR]), services.settings.chunk_files):
        errors = services.status.error_records(batch, paths)
        wanted = [path for path in paths if code is None or (path in errors and errors[path].code is code)]
        folders += [path for path in wanted if path.endswith("/")]
        files = [path for path in wanted if not path.endswith("/")]
        if opened := services.ledger.reopen(batch, files, [ImageStatus.ERROR]) if files else []:
            _look_again(services, known, opened)
            services.queue.index(new_lease(batch, opened))
            images += len(opened)
    if folders:
        deliver_again(services, known, "retry", stale=folders)
    if images or folders:
        services.ledger.note(batch, "retried", images=images, folders=len(folders), code=code)
    return images + len(folders)


def _look_again(services: Services, batch: Batch, paths: Sequence[str]) -> None:
    """Note size and time of files that somebody may have mended."""
    now = []
    for path in paths:
        try:
            facts = (Path(batch.path) / path).lstat()
        except OSError:
            continue  # reading it will say so
        now.append(FoundFile(path, facts.st_size, mtime_text(facts)))
    services.ledger.register(batch.id, now)


def cancel(services: Services, batch: str) -> int:
    """Leave out what nobody has taken yet; answer how many images that were.

    They become errors `cancelled`, which `retry` queues again. A batch that is done stays as it is.

    Raises
    ------
    UnknownBatchError, BatchBusyError
        There is no such batch, or it is being deleted.
    """
    not_deleting(found(services, batch))
    count = services.ledger.cancel(batch)
    now = found(services, batch)
    if now.cancelled and now.registered and not now.counts.open:
        finish(services, batch)
    return count


def describe(
    services: Services, batch: str, *, tags: Sequence[str] | None = None, note: str | None = None
) -> list[str]:
    """Change the tags or the note of a batch; answer the tags as they are kept, each once and without blanks around.

    Raises
    ------
    UnknownBatchError
        There is no such batch.
    OperationRefusedError
        There are more than 50 tags, a tag has more than 100 characters, or the note more than 10,000.
    """
    known = found(services, batch)
    kept = known.tags if tags is None else list(dict.fromkeys(one for tag in tags if (one := " ".join(tag.split()))))
    if len(kept) > _MOST_TAGS or any(len(tag) > _TAG_CHARACTERS for tag in kept):
        raise OperationRefusedError(f"A batch has at most {_MOST_TAGS} tags of at most {_TAG_CHARACTERS} characters.")
    if note is not None and len(note) > _NOTE_CHARACTERS:
        raise OperationRefusedError(f"A note has at most {_NOTE_CHARACTERS:,} characters.")
    if not services.ledger.describe(batch, tags=None if tags is None else kept, note=note):
        raise UnknownBatchError(f"There is no batch {batch}: see `dicomsearch batches`.")
    return kept


def request_delete(services: Services, batch: str, *, files: bool) -> None:
    """Have a batch deleted by a worker: its documents, its status and, only if asked, its files.

    Raises
    ------
    UnknownBatchError, BatchBusyError
        There is no such batch, or it is being deleted already.
    OperationRefusedError
        Its files cannot be deleted without harm to others.
    """
    mark_for_deletion(services, batch, files=files)
    services.queue.delete(batch)


def mark_for_deletion(services: Services, batch: str, *, files: bool) -> None:
    """Mark a batch, so that nothing of it is indexed any more, and the periodic check has it deleted.

    Raises
    ------
    UnknownBatchError, BatchBusyError, OperationRefusedError
        As `request_delete`.
    """
    known = found(services, batch)
    if known.deleting:
        raise BatchBusyError(f"The batch {batch} is being deleted already.")
    if files and (why := why_files_must_stay(services, known, Path(known.path))):
        raise OperationRefusedError(f"The files of {batch} are not deleted: {why}. Delete the batch without its files.")
    services.ledger.mark_deleting(batch, files=files)


def request_sync(services: Services, batch: str, *, apply: bool) -> None:
    """Have `sync` done by a worker; what it found is in the batch's history then.

    Raises
    ------
    UnknownBatchError, BatchBusyError, OperationRefusedError
        As `sync`.
    """
    known = found(services, batch)
    at_rest(known)
    not_shrunk(known)
    services.queue.sync(batch, apply=apply)


def request_verify(services: Services, batch: str, *, repair: bool) -> None:
    """Have `verify` done by a worker; what it found is in the batch's history then.

    Raises
    ------
    UnknownBatchError, BatchBusyError
        As `verify`.
    """
    at_rest(found(services, batch))
    services.queue.verify(batch, repair=repair)
