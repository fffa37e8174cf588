"""`dicomsearch migrate`: the index with the mapping of this code, without the DICOM files and without a pause."""

from pathlib import Path

import click
from elasticsearch import ApiError, TransportError
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from indexer.cli import UserError, home_option
from indexer.connecting import refusal
from indexer.migration import Migration, MigrationError
from indexer.services import build_services
from indexer.settings import load_settings
from mappings.index import IndexMissingError


@click.command()
@home_option
@click.option("--drop-old", is_flag=True, help="Only delete the indices that former migrations have left.")
@click.option("--force", is_flag=True, help="Build a new index even if the present one is up to date.")
def migrate(home: Path | None, drop_old: bool, force: bool) -> None:
    """Build a new index from the stored headers when the mapping has changed.

    Searches and imports go on. The old index stays until `dicomsearch migrate --drop-old`. Interrupted, it goes on
    where it was when it is run again.
    """
    migration = Migration(build_services(load_settings(home=home)))
    try:
        if drop_old:
            names = migration.drop_old()
            click.echo(f"Deleted {', '.join(names)}." if names else "There is no old index.")
        elif not force and not migration.is_due():
            click.echo("The index is up to date.")
        else:
            _migrate(migration)
    except (MigrationError, IndexMissingError) as error:
        raise UserError(str(error)) from error
    except (ApiError, TransportError) as error:
        refused = refusal(error)
        failed = f"Elasticsearch failed ({type(error).__name__})"
        reason = f"{refused}." if refused else f"{failed}: is it running, and is DICOMSEARCH_ELASTICSEARCH_URL right?"
        raise UserError(f"{reason} A migration that had begun goes on when it is run again.") from error


def _migrate(migration: Migration) -> None:
    columns = (TextColumn("Copying"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True)) as bar:
        task = bar.add_task("", total=None)
        migrated = migration.run(lambda done, total: bar.update(task, completed=done, total=total))
    click.echo(
        f"{migrated.documents:,} documents are in {migrated.new} now. {migrated.old} is kept for a return; "
        "`dicomsearch migrate --drop-old` deletes it."
    )
