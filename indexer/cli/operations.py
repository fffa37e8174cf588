"""Commands that change a batch: `dicomsearch retry`, `cancel`, `tag`, `delete`."""

import time

import click
from rich.console import Console

from indexer import operations
from indexer.cli.importing import follow
from indexer.cli.operating import as_json, files, images, json_option, operation
from indexer.operations import BatchBusyError, Deleted
from indexer.services import Services
from indexer.status import ErrorCode

_LOOK_SECONDS = 1.0


@click.command()
@operation
@click.option("--code", type=click.Choice([str(code) for code in ErrorCode]), help="Only images with this error.")
@click.option("--wait", is_flag=True, help="Wait until the batch is done, and tell how it ended.")
@click.pass_context
def retry(ctx: click.Context, services: Services, batch: str, code: str | None, wait: bool) -> None:
    """Index the failed images of BATCH again.

    Exit code: 0; with --wait 1 when the batch has errors.
    """
    number = operations.retry(services, batch, ErrorCode(code) if code else None)
    if not number:
        click.echo(f"{batch} has no such errors." if code else f"{batch} has no errors.")
        return
    click.echo(f"{batch}: {images(number)} queued again.")
    if wait:
        done = follow(services, batch, Console(stderr=True))
        click.echo(f"{batch}: {done.counts.done:,} indexed, {done.counts.error:,} with errors.")
        ctx.exit(1 if done.has_error else 0)


@click.command()
@operation
def cancel(services: Services, batch: str) -> None:
    """Leave out the images of BATCH that are not indexed yet.

    They become errors with the code `cancelled`; `dicomsearch retry` queues them again.
    """
    number = operations.cancel(services, batch)
    now = services.status.batch(batch)
    if not number and (now is None or not now.cancelled):
        click.echo(f"{batch} is done: there is nothing to cancel.")
    else:
        click.echo(f"{batch}: {images(number)} left out.")


@click.command()
@operation
@click.argument("tags", nargs=-1)
@click.option("--remove", multiple=True, metavar="TAG", help="Take a tag away; may be given several times.")
@click.option("--note", help="What is to be remembered of the batch; an empty one removes it.")
def tag(services: Services, batch: str, tags: tuple[str, ...], remove: tuple[str, ...], note: str | None) -> None:
    """Give BATCH tags and a note. Without any, they are shown."""
    known = operations.find(services, batch)
    if tags or remove:
        operations.describe(services, batch, tags=[one for one in (*known.tags, *tags) if one not in remove])
    if note is not None:
        operations.describe(services, batch, note=note)
    now = operations.find(services, batch)
    click.echo(", ".join(now.tags) or "no tags")
    if now.note:
        click.echo(now.note)


@click.command()
@operation
@click.option("--files", "with_files", is_flag=True, help="Delete the files of the batch on disk, too.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.option("--detach", is_flag=True, help="Let a worker do it, and do not wait.")
@json_option
def delete(services: Services, batch: str, with_files: bool, yes: bool, detach: bool, json: bool) -> None:
    """Delete BATCH: its images from search, and all that is known of it.

    Its files stay, unless --files is given. An image that another batch has, too, is found from there.
    """
    known = operations.find(services, batch)
    if not yes and not known.deleting:
        what = f"{known.counts.done:,} images from search" + (" and all their FILES ON DISK" if with_files else "")
        click.confirm(f"Delete {batch} with {what}?", abort=True, err=True)
    if detach:
        operations.request_delete(services, batch, files=with_files)
        click.echo(f"{batch} is being deleted.")
        return
    if not known.deleting:
        operations.mark_for_deletion(services, batch, files=with_files)
    deleted = _delete(services, batch)
    if json:
        click.echo(as_json(deleted, batch=batch))
    else:
        _tell(batch, deleted)


def _delete(services: Services, batch: str) -> Deleted:
    with Console(stderr=True).status(f"Deleting {batch}") as status:
        while True:
            try:
                return operations.delete_batch(services, batch)
            except BatchBusyError as error:
                status.update(f"{error}")
                time.sleep(_LOOK_SECONDS)


def _tell(batch: str, deleted: Deleted) -> None:
    click.echo(f"{batch} is deleted: {images(deleted.documents)} not found any more.")
    if deleted.reopened:
        click.echo(f"{images(deleted.reopened)} of other batches to be indexed again.")
    if deleted.files or deleted.files_kept:
        click.echo(
            f"{files(deleted.files)} and {deleted.folders:,} empty folders deleted, {deleted.files_kept:,} files kept."
        )
