"""What commands that operate on a batch have in common: connecting, telling errors in one line, showing progress."""

import dataclasses
import functools
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from indexer.cli import UserError, home_option
from indexer.cli.reaching import reaching_redis
from indexer.logs import errors_only
from indexer.operations import OperationError
from indexer.operations.model import Progress as Tell
from indexer.services import build_services
from indexer.settings import load_settings
from indexer.sink import ElasticsearchUnavailableError
from indexer.status import StatusStore, connect

json_option: Callable[[Callable[..., Any]], Callable[..., Any]] = click.option(
    "--json", "json", is_flag=True, help="Answer as one JSON object."
)


def operation(function: Callable[..., None]) -> Callable[..., None]:
    """Make a function of services a command on one batch: it gets `services` and `batch`."""

    @click.argument("batch")
    @home_option
    @functools.wraps(function)
    def command(batch: str, home: Path | None, **options: Any) -> None:
        settings = load_settings(home=home)
        try:
            with reaching_redis():
                # A worker waits for a Redis that is restarted; a person wants to know at once.
                StatusStore(connect(settings.redis_url)).ping()
                with errors_only():
                    function(services=build_services(settings), batch=batch, **options)
        except OperationError as error:
            raise UserError(str(error)) from error
        except ElasticsearchUnavailableError as error:
            if error.refused:
                raise UserError(f"{error}. Called again, the command goes on.") from error
            raise UserError(
                f"{error}: is it running (`dicomsearch up`), and is DICOMSEARCH_ELASTICSEARCH_URL right? "
                "Called again, the command goes on."
            ) from error

    return command


@contextmanager
def shown(what: str) -> Iterator[Tell]:
    """Show a bar on a terminal while the body runs."""
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    console = Console(stderr=True)
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as progress:
        bar = progress.add_task(what, total=None)
        yield lambda done, total: progress.update(bar, completed=done, total=total)


def as_json(report: Any, **more: object) -> str:
    """Write a report as one line of JSON."""
    return json.dumps({**dataclasses.asdict(report), **more}, ensure_ascii=False)


def images(number: int) -> str:
    """Count images in words."""
    return f"{number:,} image" + "s" * (number != 1)


def files(number: int) -> str:
    """Count files in words."""
    return f"{number:,} file" + "s" * (number != 1)
