"""`dicomsearch import FOLDER`: any folder as a batch, where it lies, with its progress shown."""

import time
import uuid
from pathlib import Path

import click
import redis
from kombu.exceptions import OperationalError
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from indexer.batches import offer
from indexer.cli import UserError, home_option
from indexer.files import printable
from indexer.services import Services, build_services
from indexer.settings import load_settings
from indexer.status import Batch, BatchStatus, StatusStore, StatusUnavailableError, connect

_LOOK_SECONDS = 0.2
_SHOWN_ERRORS = 20


@click.command("import")
@click.argument("folder", type=click.Path(exists=True, file_okay=False, path_type=Path))
@home_option
@click.option("--detach", is_flag=True, help="Do not wait until the batch is done.")
@click.pass_context
def import_folder(ctx: click.Context, folder: Path, home: Path | None, detach: bool) -> None:
    """Index all images below FOLDER, where it lies, as one batch.

    Exit code: 0 when all images are indexed, 1 when the batch has errors, 2 when it could not be started.
    """
    settings = load_settings(home=home)
    services = build_services(settings)
    console = Console(stderr=True)
    try:
        # A running import waits for a Redis that is restarted; one that begins wants to know at once.
        StatusStore(connect(settings.redis_url)).ping()
        if not detach and not any(worker.alive for worker in services.status.workers()):
            raise UserError("No worker is running: start everything with `dicomsearch up`.")
        offered = offer(services.ledger, folder.absolute(), "import", uuid.uuid4().hex)
        services.queue.register(offered.id)
        if detach:
            click.echo(offered.id)
            return
        batch = follow(services, offered.id, console)
        _report(services, batch, console)
    except (StatusUnavailableError, redis.RedisError, OperationalError) as error:
        raise UserError(
            "Redis does not answer: is it running (`dicomsearch up`), and is DICOMSEARCH_REDIS_URL right?"
        ) from error
    except KeyboardInterrupt:
        console.print("Not waiting any longer; the batch goes on. See `dicomsearch batches`.")
        ctx.exit(130)
    ctx.exit(1 if batch.has_error else 0)


def follow(services: Services, batch_id: str, console: Console) -> Batch:
    """Show the progress of a batch until it is DONE, and why it waits when it does."""
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
        TextColumn("{task.fields[note]}"),
    )
    with Progress(*columns, console=console) as progress:
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
        console.print(f"  {printable(error.path)}: {error.code}: {error.reason}", markup=False, highlight=False)
    if errors.count > len(errors.results):
        console.print(f"  … and {errors.count - len(errors.results):,} more")
