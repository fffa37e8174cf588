"""Comparing a batch with its folder, and letting search and status follow the disk.

Nothing is held in memory but a page: first the disk is walked and compared with the status, then the status with the
disk. A folder in which none of the batch's files is any more is rather a disk that is not mounted than a folder that
somebody has emptied, and not taken for one unless a person says so.
"""

import os
from dataclasses import dataclass, field
from pathlib import Path

from indexer.batches import delivery_of
from indexer.files import Unlistable, printable, strerror, walk
from indexer.operations.documents import PAGE
from indexer.operations.model import LISTED, OperationRefusedError, Progress, SyncReport, no_progress
from indexer.operations.redelivery import deliver_again, known
from indexer.operations.underway import COMMAND, at_rest, found, not_shrunk, underway
from indexer.operations.withdrawing import Withdrawal, document_path
from indexer.queue import chunks
from indexer.services import Services
from indexer.status import Batch, Image, ImageStatus
from indexer.status.ledger import FoundFile

OPERATION = "sync"
_FINAL = (ImageStatus.ERROR, ImageStatus.DONE, ImageStatus.IGNORED)


@dataclass
class _Found:
    """What was found so far; each image is looked at twice, from the disk and from the status."""

    total: int
    progress: Progress
    looked: int = 0
    seen: int = 0
    gone: int = 0
    changed: int = 0
    new: int = 0
    cleaned: int = 0
    unlistable: int = 0
    gone_paths: list[str] = field(default_factory=list)
    changed_paths: list[str] = field(default_factory=list)
    new_paths: list[str] = field(default_factory=list)

    def look(self, images: int) -> None:
        """Tell how far it is."""
        self.looked += images
        self.progress(min(self.looked, self.total), self.total)

    def report(self, *, applied: bool) -> SyncReport:
        """Close the account."""
        return SyncReport(
            gone=self.gone,
            changed=self.changed,
            new=self.new,
            cleaned=self.cleaned,
            unlistable=self.unlistable,
            gone_paths=[printable(path) for path in self.gone_paths],
            changed_paths=[printable(path) for path in self.changed_paths],
            new_paths=[printable(path) for path in self.new_paths],
            applied=applied,
        )


def sync(
    services: Services,
    batch: str,
    *,
    apply: bool,
    folder_may_be_gone: bool = False,
    who: str = COMMAND,
    progress: Progress = no_progress,
) -> SyncReport:
    """Compare a batch with its folder and, if asked, let search and status follow the disk.

    Files that are gone leave search and status; where another file of the same image is left, that one is found. New
    and changed files are queued for indexing.

    Parameters
    ----------
    apply
        Whether to change anything.
    folder_may_be_gone
        Whether to believe a folder that has disappeared, or has none of the batch's files any more.

    Raises
    ------
    UnknownBatchError
        There is no such batch.
    BatchBusyError
        It is being indexed or deleted, or another operation is under way.
    OperationRefusedError
        Its folder has disappeared, or only its counts are kept.
    ElasticsearchUnavailableError
        Elasticsearch does not answer; calling it again goes on.
    """
    one = found(services, batch)
    at_rest(one)
    not_shrunk(one)
    with underway(services, batch, OPERATION, who):
        folder = Path(one.path)
        identity, delivery = _identity(folder), _delivery(folder)
        so_far = _Found(2 * one.counts.total, progress)
        if identity is not None:
            _look_at_disk(services, one, folder, so_far)
        _believe(services, one, so_far, folder_may_be_gone=folder_may_be_gone, there=identity is not None)
        _look_at_status(services, one, folder, so_far, identity, apply=apply)
        if apply:
            if so_far.new or so_far.changed:
                deliver_again(services, one, OPERATION, delivery=delivery)
            elif so_far.gone and delivery:
                known(services, batch, folder, delivery)
        report = so_far.report(applied=apply)
        services.ledger.note(
            batch,
            "synchronised" if apply else "compared",
            gone=report.gone,
            changed=report.changed,
            new=report.new,
        )
    return report


def _identity(folder: Path) -> tuple[int, int] | None:
    try:
        facts = folder.stat()
    except OSError:
        return None
    return (facts.st_dev, facts.st_ino) if folder.is_dir() else None


def _delivery(folder: Path) -> str | None:
    try:
        return delivery_of(folder)
    except OSError:
        return None


def _believe(services: Services, batch: Batch, so_far: _Found, *, folder_may_be_gone: bool, there: bool) -> None:
    lists_files = any(not path.endswith("/") for path in services.status.paths(batch.id))
    if folder_may_be_gone or so_far.seen or batch.cleaned or not lists_files:
        return
    what = f"has none of the {batch.counts.total:,} files of the batch any more" if there else "is not there"
    raise OperationRefusedError(
        f"The folder {printable(batch.path)} {what}: nothing was changed, since its disk may not be mounted. If it was "
        "deleted on purpose, say so (`--even-if-the-folder-is-gone`), or delete the batch."
    )


def _look_at_disk(services: Services, batch: Batch, folder: Path, so_far: _Found) -> None:
    try:
        for some in chunks(walk(folder), PAGE):
            files = [one for one in some if isinstance(one, FoundFile)]
            so_far.unlistable += sum(isinstance(one, Unlistable) for one in some)
            records = services.status.image_records(batch.id, [file.path for file in files])
            for file in files:
                _compare(file, records.get(file.path), so_far)
            so_far.look(len(files))
    except OSError as error:
        raise OperationRefusedError(
            f"The folder {printable(batch.path)} cannot be listed ({strerror(error)}): nothing was changed."
        ) from error


def _compare(file: FoundFile, record: Image | None, so_far: _Found) -> None:
    if record is None:
        so_far.new += 1
        _list(so_far.new_paths, file.path)
        return
    so_far.seen += 1
    if (record.size, record.mtime) != (file.size, file.mtime):
        so_far.changed += 1
        _list(so_far.changed_paths, file.path)


def _look_at_status(
    services: Services,
    batch: Batch,
    folder: Path,
    so_far: _Found,
    identity: tuple[int, int] | None,
    *,
    apply: bool,
) -> None:
    withdrawal = Withdrawal(services)
    for paths in chunks(services.status.paths(batch.id, _FINAL), PAGE):
        so_far.look(len(paths))
        missing = [path for path in paths if _is_gone(folder, path, there=identity is not None)]
        if not missing:
            continue
        if _identity(folder) != identity:
            raise OperationRefusedError(
                f"The folder {printable(batch.path)} has disappeared meanwhile: what was not yet compared is unchanged."
            )
        records = services.status.image_records(batch.id, missing)
        if batch.cleaned:
            cleaned = {path for path, record in records.items() if record.status is ImageStatus.DONE}
            so_far.cleaned += len(cleaned)
            missing = [path for path in missing if path not in cleaned]
        so_far.gone += len(missing)
        for path in missing:
            _list(so_far.gone_paths, path)
        if apply:
            _forget(services, batch, withdrawal, [records[path] for path in missing if path in records])


def _is_gone(folder: Path, path: str, *, there: bool) -> bool:
    """Whether a listed file is not on disk; an error that stands for a folder is gone when it can be listed."""
    if not there:
        return True
    try:
        if path.endswith("/"):
            with os.scandir(folder / path):
                return True
        (folder / path).lstat()
    except (FileNotFoundError, NotADirectoryError):
        return True
    except OSError:
        return False
    return False


def _forget(services: Services, batch: Batch, withdrawal: Withdrawal, images: list[Image]) -> None:
    # First the documents: what is interrupted here is still listed, and found gone again.
    paths = {document_path(batch, image.path) for image in images}
    withdrawal.withdraw(
        {image.uid for image in images if image.uid}, lambda _, place: place.batch == batch.id and place.path in paths
    )
    services.ledger.forget(batch.id, [image.path for image in images])


def _list(paths: list[str], path: str) -> None:
    if len(paths) < LISTED:
        paths.append(path)
