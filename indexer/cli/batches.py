"""`dicomsearch batches`: the batches and how far they are."""

import json
from pathlib import Path

import click
from rich.console import Console
from rich.table import Table

from indexer.cli import UserError, home_option
from indexer.settings import load_settings
from indexer.status import Batch, Page, StatusStore, StatusUnavailableError, connect


@click.command()
@home_option
@click.option("--limit", type=click.IntRange(1, 10_000), default=50, show_default=True, help="How many, newest first.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object a line.")
def batches(home: Path | None, limit: int, as_json: bool) -> None:
    """List the batches, the newest first."""
    store = StatusStore(connect(load_settings(home=home).redis_url))
    try:
        page = store.batches(0, limit)
    except StatusUnavailableError as error:
        raise UserError(str(error)) from error
    if as_json:
        for batch in page.results:
            click.echo(json.dumps(_values(batch), ensure_ascii=False))
    else:
        _print(page)


def _values(batch: Batch) -> dict[str, object]:
    counts = batch.counts
    return {
        "id": batch.id,
        "path": batch.path.encode("utf-8", "backslashreplace").decode(),
        "status": batch.status,
        "has_error": batch.has_error,
        "counts": {name: getattr(counts, name) for name in counts.__slots__},
        "add_date": batch.add_date.isoformat(),
        "finished_at": batch.finished_at and batch.finished_at.isoformat(),
    }


def _print(page: Page[Batch]) -> None:
    table = Table("Batch", "Status", box=None, pad_edge=False)
    for name in ("Images", "Done", "Errors", "Ignored"):
        table.add_column(name, justify="right")
    table.add_column("Added")
    for batch in page.results:
        counts = batch.counts
        table.add_row(
            batch.id,
            batch.status,
            *(f"{number:,}" for number in (counts.total, counts.done, counts.error, counts.ignored)),
            f"{batch.add_date.astimezone():%Y-%m-%d %H:%M}",
        )
    Console().print(table if page.results else "No batches yet.")
    if page.count > len(page.results):
        click.echo(f"… and {page.count - len(page.results):,} older ones (--limit)")
