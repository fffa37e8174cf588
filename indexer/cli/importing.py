"""`dicomsearch import FOLDER`: any folder as a batch, where it lies, or each folder of an archive as one."""

import os
import time
import uuid
from collections.abc import Iterable
from pathlib import Path

import click
from rich.console import Console
from rich.filesize import decimal

from indexer.batches import IMPORT, deliver
from indexer.cli import UserError, home_option
from indexer.cli.bars import bar_with_note
from indexer.cli.importing_each import import_each
from indexer.cli.reaching import reaching_redis
from indexer.files import Unlistable, is_no_image, shown, strerror, walk
from indexer.services import Services, build_services
from indexer.settings import Settings, load_settings
from indexer.status import Batch, BatchStatus, StatusStore, connect
from indexer.status.ledger import Added
from indexer.subfolders import LeftOut, subfolders

_LOOK_SECONDS = 0.2
_SHOWN_ERRORS = 20


@click.command("import")
@click.argument("folder", type=click.Path(exists=True, file_okay=False, path_type=Path))
@home_option
@click.option("--each-subfolder", is_flag=True, help="Make each folder in FOLDER a batch of its own.")
@click.option(
    "--depth", type=click.IntRange(1, 64), help="With --each-subfolder: how far below FOLDER the batches are (1)."
)
@click.option("--only-new", is_flag=True, help="With --each-subfolder: leave out what has been a batch before.")
@click.option("--dry-run", is_flag=True, help="Only tell how many folders and files there are.")
@click.option("--detach", is_flag=True, help="Do not wait until all is done.")
@click.pass_context
def import_folder(
    ctx: click.Context,
    folder: Path,
    home: Path | None,
    each_subfolder: bool,
    depth: int | None,
    only_new: bool,
    dry_run: bool,
    detach: bool,
) -> None:
    """Index all images below FOLDER, where it lies, as one batch.

    An archive of any size is imported by --each-subfolder, a batch for each folder in it. It can be interrupted: the
    same command goes on where it was, and does not index again what is unchanged.

    Exit code: 0 when all images are indexed, 1 when there were errors, 2 when it could not be started.
    """
    if not each_subfolder and (depth is not None or only_new):
        raise UserError("--depth and --only-new belong to --each-subfolder.")
    settings = load_settings(home=home)
    folder = folder.absolute()
    if each_subfolder or dry_run:
        _check(folder)
    with reaching_redis():
        # A running import waits for a Redis that is restarted; one that begins wants to know at once.
        if not dry_run or only_new:
            StatusStore(connect(settings.redis_url)).ping()
        known = _known(settings, folder) if only_new else frozenset()
        if dry_run:
            _dry_run(folder, depth or 1 if each_subfolder else None, known)
            return
        services = build_services(settings)
        if (each_subfolder or not detach) and not any(worker.alive for worker in services.status.workers()):
            raise UserError("No worker is running: start everything with `dicomsearch up`.")
        console = Console(stderr=True)
        if each_subfolder:
            ctx.exit(import_each(services, folder, depth or 1, known, console, detach=detach))
        ctx.exit(_import_one(services, folder, console, detach=detach))


def _import_one(services: Services, folder: Path, console: Console, *, detach: bool) -> int:
    offered = deliver(services, folder, IMPORT, uuid.uuid4().hex)
    if offered.added is Added.DELETING:
        raise UserError(
            f"The batch {offered.id} of this folder is being deleted: import it again when `dicomsearch batches` "
            "does not list it any more."
        )
    if detach:
        click.echo(offered.id)
        return 0
    try:
        batch = follow(services, offered.id, console)
        _report(services, batch, console)
    except KeyboardInterrupt:
        console.print("Not waiting any longer; the batch goes on. See `dicomsearch batches`.")
        return 130
    return 1 if batch.has_error else 0


def _check(folder: Path) -> None:
    try:
        os.scandir(folder).close()
    except OSError as error:
        raise UserError(f"{shown(str(folder))} cannot be listed: {strerror(error)}") from error


def _known(settings: Settings, archive: Path) -> frozenset[str]:
    """The folders below an archive that are or were batches."""
    above = f"{archive}/"
    with connect(settings.redis_url) as client:
        return frozenset(path for path, _ in StatusStore(client).deliveries() if path.startswith(above))


def _dry_run(folder: Path, depth: int | None, known: frozenset[str]) -> None:
    left_out = LeftOut()
    wanted: Iterable[Path] = [folder]
    if depth is not None:
        wanted = (found for found in subfolders(folder, depth, left_out) if str(found) not in known)
    folders = files = size = refused = 0
    for batch in wanted:
        folders += 1
        try:
            for found in walk(batch):
                if isinstance(found, Unlistable):
                    refused += 1
                elif not is_no_image(found.path):
                    files += 1
                    size += found.size
        except OSError:
            refused += 1
    found_files = f"{files:,} files ({decimal(size)}) would be imported"
    if depth is None:
        click.echo(f"{found_files} as one batch")
    else:
        click.echo(f"{folders:,} folders with {found_files}, a batch for each folder")
    refused += left_out.refused_count
    for number, what in (
        (left_out.files, "files or links lie outside of these folders"),
        (left_out.unfinished, "folders are hidden or unfinished (.tmp)"),
        (refused, "folders cannot be listed"),
    ):
        if number:
            click.echo(f"{number:,} {what}")


def follow(services: Services, batch_id: str, console: Console) -> Batch:
    """Show the progress of a batch until it is DONE, and why it waits when it does."""
    with bar_with_note(console) as progress:
        bar = progress.add_task(batch_id, total=None, note="")
        while True:
            batch = services.status.batch(batch_id)
            if batch is None:
                raise UserError(f"The batch {batch_id} was deleted.")
            waiting = services.status.waiting()
            counts = batch.counts
            progress.update(
                bar,
                total=counts.total if batch.registered else None,
                completed=counts.total - counts.open,
                note=f"waiting: {waiting.reason}" if waiting else "",
            )
            if batch.status is BatchStatus.DONE:
                return batch
            time.sleep(_LOOK_SECONDS)


def _report(services: Services, batch: Batch, console: Console) -> None:
    counts = batch.counts
    click.echo(
        f"{batch.id}: {counts.done:,} indexed, {counts.error:,} with errors, {counts.ignored:,} ignored"
        + (f", {counts.duplicates:,} duplicates" if counts.duplicates else "")
    )
    errors = services.status.errors(batch.id, 0, _SHOWN_ERRORS)
    for error in errors.results:
        console.print(f"  {shown(error.path)}: {error.code}: {error.reason}", markup=False, highlight=False)
    if errors.count > len(errors.results):
        console.print(f"  … and {errors.count - len(errors.results):,} more")
