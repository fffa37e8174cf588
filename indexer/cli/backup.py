"""`dicomsearch backup` and `restore`: snapshots of the index that Elasticsearch keeps."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import click
from elasticsearch import ApiError, TransportError

from indexer.cli import UserError, home_option
from indexer.connecting import connect_elasticsearch, explain
from indexer.settings import load_settings
from indexer.snapshots import Snapshot, SnapshotError, Snapshots


@contextmanager
def _snapshots(home: Path | None) -> Iterator[Snapshots]:
    """Open the backups; what goes wrong with them is one clear line."""
    settings = load_settings(home=home)
    options = {"request_timeout": settings.request_seconds, "max_retries": 0, "retry_on_timeout": False}
    with connect_elasticsearch(settings, **options) as client:
        try:
            yield Snapshots(client, settings.index, settings.audit_index)
        except SnapshotError as error:
            raise UserError(str(error)) from error
        except (ApiError, TransportError) as error:
            raise UserError(explain(error)) from error


@click.command()
@home_option
@click.option("--list", "only_list", is_flag=True, help="List the backups instead of making one.")
@click.option("--keep", type=click.IntRange(min=1), help="Afterwards delete all but so many, the newest ones.")
def backup(home: Path | None, only_list: bool, keep: int | None) -> None:
    """Copy the index and the audit log to where DICOMSEARCH_SNAPSHOTS says; searches and imports go on.

    What is there from an earlier backup is not copied again.
    """
    with _snapshots(home) as snapshots:
        if only_list:
            for snapshot in snapshots.all():
                click.echo(_line(snapshot))
            return
        click.echo(_line(snapshots.make()))
        for name in snapshots.keep(keep) if keep else ():
            click.echo(f"{name}  deleted")


@click.command()
@home_option
@click.argument("snapshot", metavar="[NAME]", required=False)
@click.option("--replace", is_flag=True, help="Take the place of an index that has images.")
def restore(home: Path | None, snapshot: str | None, replace: bool) -> None:
    """Bring a backup back: the one called NAME, else the newest.

    Searches go on until it is there; what writes to the index waits.
    """
    with _snapshots(home) as snapshots:
        restored = snapshots.restore(snapshot, replace=replace, say=click.echo)
    click.echo(f"{restored.documents:,} images are in {restored.index}, behind the alias.")
    if restored.replaced:
        click.echo(f"{restored.replaced} is kept; `dicomsearch migrate --drop-old` deletes it.")
    for month in restored.audit:
        click.echo(f"{month} is there again.")
    for month in restored.kept:
        click.echo(f"{month} was there and was left as it is.")
    click.echo("Images that were imported later: `dicomsearch verify BATCH --repair` indexes them again.")


def _line(snapshot: Snapshot) -> str:
    state = "whole" if snapshot.whole else "not whole"
    months = len(snapshot.audit)
    audit = f", {months} month{'s' if months != 1 else ''} of the audit log" if months else ""
    return f"{snapshot.name}  {snapshot.made:%Y-%m-%d %H:%M} UTC  {state}: {snapshot.images or 'no images'}{audit}"
