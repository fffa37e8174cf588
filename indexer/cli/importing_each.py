"""`dicomsearch import --each-subfolder ARCHIVE`: a whole archive, a batch for each of its folders.

Folders are handed over as the workers come to them, so that neither the queue nor the memory grows with the archive.
What is handed over goes on without this command, and what is not is found again by the next.
"""

import time
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import click
from rich.console import Console
from rich.progress import Progress, TaskID

from indexer.batches import IMPORT, deliver
from indexer.cli import UserError
from indexer.cli.bars import bar_with_note
from indexer.files import shown
from indexer.services import Services
from indexer.status import Batch, BatchStatus, Counts
from indexer.status.ledger import Added
from indexer.subfolders import LeftOut, subfolders

# No folder is handed over while there are more than so many tasks that nobody has taken, batches that are not done,
# or batches whose files have not been listed yet, of which nobody knows how many tasks they will be.
_TASKS = 300
_OPEN = 200
_UNLISTED = 8

_LOOK_SECONDS = 0.2
_SHOWN = 20


@dataclass
class Sums:
    """What has become of the folders.

    Attributes
    ----------
    handed_over
        How many are batches.
    done
        How many of those are DONE, and in the counts.
    with_errors
        Batches that have errors and how many: some of them.
    with_errors_count
        How many those are.
    deleting
        Folders whose batches are being deleted.
    """

    handed_over: int = 0
    done: int = 0
    indexed: int = 0
    errors: int = 0
    ignored: int = 0
    duplicates: int = 0
    with_errors: dict[str, int] = field(default_factory=dict)
    with_errors_count: int = 0
    deleting: list[Path] = field(default_factory=list)

    def add(self, batch: Batch) -> None:
        """Count a batch that is DONE."""
        counts: Counts = batch.counts
        self.done += 1
        self.indexed += counts.done
        self.errors += counts.error
        self.ignored += counts.ignored
        self.duplicates += counts.duplicates
        if batch.has_error:
            self.with_errors_count += 1
            if len(self.with_errors) < _SHOWN:
                self.with_errors[batch.id] = counts.error


class ArchiveImport:
    """Hands folders over and follows them.

    Parameters
    ----------
    services
        Status and queue.
    progress, bar
        Where it is shown.
    """

    def __init__(self, services: Services, progress: Progress, bar: TaskID) -> None:
        self._services = services
        self._progress = progress
        self._bar = bar
        self._open: set[str] = set()
        self._unlisted: set[str] = set()
        self._images = 0
        self.sums = Sums()

    def hand_over(self, folders: Iterator[Path]) -> None:
        """Make each folder a batch, as fast as the workers are."""
        looked = 0.0
        for folder in folders:
            while (enough := self._has_enough()) or time.monotonic() - looked > _LOOK_SECONDS:
                if enough:
                    time.sleep(_LOOK_SECONDS)
                self._look()
                looked = time.monotonic()
            self._hand_over(folder)

    def wait(self) -> None:
        """Follow what is not done yet until it is."""
        while self._open:
            self._look()
            if self._open:
                time.sleep(_LOOK_SECONDS)
        self._show(None)

    def _hand_over(self, folder: Path) -> None:
        known = self._services.ledger.batch_of(str(folder))
        before = self._services.status.batch(known) if known else None
        if before is not None and before.status is not BatchStatus.DONE and not before.deleting:
            # It goes on by itself; delivered again, all that is open would be queued twice.
            id_ = before.id
        else:
            offered = deliver(self._services, folder, IMPORT, uuid.uuid4().hex)
            if offered.added is Added.DELETING:
                self.sums.deleting.append(folder)
                return
            id_ = offered.id
        self.sums.handed_over += 1
        self._open.add(id_)
        self._unlisted.add(id_)

    def _has_enough(self) -> bool:
        return (
            len(self._open) >= _OPEN
            or len(self._unlisted) >= _UNLISTED
            or self._services.queue.waiting() >= _TASKS
            or self._services.status.waiting() is not None
        )

    def _look(self) -> None:
        """See which batches have been listed, and which are done."""
        running = 0
        for id_ in tuple(self._open):
            batch = self._services.status.batch(id_)
            if batch is None:
                self._forget(id_)  # deleted meanwhile
                continue
            if batch.registered:
                self._unlisted.discard(id_)
            if batch.status is BatchStatus.DONE:
                self._forget(id_)
                self.sums.add(batch)
            else:
                running += batch.counts.total - batch.counts.open
        waiting = self._services.status.waiting()
        self._images = self.sums.indexed + self.sums.errors + self.sums.ignored + running
        self._show(waiting.reason if waiting else None)

    def _forget(self, id_: str) -> None:
        self._open.discard(id_)
        self._unlisted.discard(id_)

    def _show(self, waits: str | None) -> None:
        note = f"{self._images:,} files" + (f", waiting: {waits}" if waits else "")
        self._progress.update(self._bar, completed=self.sums.done, note=note)


def import_each(
    services: Services, archive: Path, depth: int, known: frozenset[str], console: Console, *, detach: bool
) -> int:
    """Import the folders at a depth below an archive, each as a batch, and tell what became of them.

    Parameters
    ----------
    known
        Folders that are left out.
    detach
        Whether to end when all are handed over, not when all are done.

    Returns
    -------
    int
        The exit code of the command.
    """
    total = sum(str(folder) not in known for folder in subfolders(archive, depth, LeftOut()))
    left_out = LeftOut()
    folders = (folder for folder in subfolders(archive, depth, left_out) if str(folder) not in known)
    if not total and not known:
        raise UserError(f"{shown(str(archive))} has no folders at depth {depth}.")
    with bar_with_note(console) as progress:
        work = ArchiveImport(services, progress, progress.add_task("batches", total=total, note=""))
        try:
            work.hand_over(folders)
            if not detach:
                work.wait()
        except KeyboardInterrupt:
            progress.stop()
            console.print(
                f"Not waiting any longer: {work.sums.handed_over:,} of {total:,} folders are handed over and go on. "
                "The same command goes on with the others."
            )
            return 130
    _report(work.sums, left_out, console, detach=detach)
    return 1 if work.sums.errors or work.sums.deleting or left_out.refused_count else 0


def _report(sums: Sums, left_out: LeftOut, console: Console, *, detach: bool) -> None:
    if detach:
        click.echo(f"{sums.handed_over:,} batches handed over")
    else:
        click.echo(
            f"{sums.done:,} batches: {sums.indexed:,} indexed, {sums.errors:,} with errors, {sums.ignored:,} ignored"
            + (f", {sums.duplicates:,} duplicates" if sums.duplicates else "")
        )
    lines = [f"  {id_}: {number:,} with errors" for id_, number in sums.with_errors.items()]
    if sums.with_errors_count > len(sums.with_errors):
        lines.append(f"  … and {sums.with_errors_count - len(sums.with_errors):,} more batches with errors")
    lines += [f"  {shown(str(folder))}: its batch is being deleted: import it again later" for folder in sums.deleting]
    lines += [f"  {shown(str(folder))}: cannot be listed: {reason}" for folder, reason in left_out.refused.items()]
    if left_out.refused_count > len(left_out.refused):
        lines.append(f"  … and {left_out.refused_count - len(left_out.refused):,} more that cannot be listed")
    if left_out.files:
        lines.append(f"{left_out.files:,} files or links lie outside of these folders and are left out")
    if left_out.unfinished:
        lines.append(f"{left_out.unfinished:,} folders are hidden or unfinished (.tmp) and are left out")
    for line in lines:
        console.print(line, markup=False, highlight=False, soft_wrap=True)
