"""`dicomsearch search`: the query language on the command line, asked of Elasticsearch directly.

A table is for people. The other formats are those of exports, for files and other programs: nothing but them is written
to standard output.
"""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import click
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from app.archive import Answer, Archive, ArchiveUnavailableError, QueryRefusedError, Result, SearchRequest
from app.export import ExportRequest, Format, encoder_of, open_export
from app.search.columns import Column, UnusableColumnError, default_columns
from app.search.errors import QuerySyntaxError
from app.search.fields import Field, Shape, names_in
from app.search.filters import UnusableFilterError
from app.search.levels import Level
from app.search.sorting import UnusableSortError
from app.services import build_archive
from app.web.formats import shown
from indexer.cli import UserError, home_option
from indexer.settings import load_settings

_COLUMNS = ("PatientName", "PatientID", "StudyDate", "Modality", "StudyDescription", "SeriesDescription", "batch")
_LONGEST_LINE = 100
_TABLE = "table"
_PARTIAL = "Time ran out: there may be more. Make the query narrower."
_WORDS = {
    Level.IMAGE: ("image", "images"),
    Level.SERIES: ("series", "series"),
    Level.STUDY: ("study", "studies"),
    Level.PATIENT: ("patient", "patients"),
}


@click.command()
@home_option
@click.argument("query", nargs=-1)
@click.option(
    "--level",
    type=click.Choice([level.value for level in Level]),
    default=Level.IMAGE.value,
    show_default=True,
    help="What a result is.",
)
@click.option("--filter", "filters", multiple=True, help="A condition beside the query, as in -Modality:=CT.")
@click.option("--size", type=click.IntRange(1, 1_000), default=20, show_default=True, help="Results to show, at most.")
@click.option("--all", "everything", is_flag=True, help="All results, however many (not as a table).")
@click.option("--fields", default="", help="Fields to show, separated by commas.")
@click.option("--sort", default="", help="Fields to sort by, separated by commas; - before a name sorts downwards.")
@click.option(
    "--format",
    "form",
    type=click.Choice([_TABLE, *(form.value for form in Format)]),
    default=_TABLE,
    show_default=True,
    help="How results are written; paths are those of the files, one a line.",
)
@click.option("-0", "--null", is_flag=True, help="NUL after each path, as in xargs -0, and not a line break.")
def search(
    home: Path | None,
    query: tuple[str, ...],
    level: str,
    filters: tuple[str, ...],
    size: int,
    everything: bool,
    fields: str,
    sort: str,
    form: str,
    null: bool,
) -> None:
    """Search images by anything in their headers.

    QUERY is in the query language, for example: 'Modality:CT SliceThickness:<=1.25'
    """
    text = " ".join(query)
    names = tuple(names_in(fields))
    wanted = SearchRequest(text, size, sort=sort, fields=names, level=Level(level), filters=filters)
    archive = build_archive(load_settings(home=home))
    with _told(text):
        if form == _TABLE:
            if everything:
                raise UserError("A table cannot have all results: choose another --format, or how many with --size.")
            _print_table(archive, wanted)
        elif everything:
            _write_all(archive, ExportRequest(wanted, Format(form), null=null))
        else:
            _write_page(archive, ExportRequest(wanted, Format(form), null=null))


@contextmanager
def _told(query: str) -> Iterator[None]:
    """Tell what went wrong in one clear line, and where in the query."""
    try:
        yield
    except QuerySyntaxError as error:
        raise UserError(f"{error.detail}\n{_place(query, error)}") from error
    except (
        QueryRefusedError,
        UnusableColumnError,
        UnusableFilterError,
        UnusableSortError,
        ArchiveUnavailableError,
    ) as error:
        raise UserError(str(error)) from error


def _place(query: str, error: QuerySyntaxError) -> str:
    """The query with carets under the place, or the part of a long one that has the place."""
    start = max(0, error.position - _LONGEST_LINE // 2)
    part = query[start : start + _LONGEST_LINE].replace("\n", " ").replace("\t", " ")
    before = error.position - start
    return f"  {part}\n  {' ' * before}{'^' * min(error.length, _LONGEST_LINE - before)}"


def _write_all(archive: Archive, wanted: ExportRequest) -> None:
    output = sys.stdout.buffer
    with open_export(archive, wanted) as export:
        for chunk in export:
            output.write(chunk)
        # Here, so that a reader that has gone away is noticed while click can still end silently.
        output.flush()


def _write_page(archive: Archive, wanted: ExportRequest) -> None:
    columns = wanted.columns()
    answer = archive.search(replace(wanted.search, fields=columns.fields, level=wanted.level))
    encoder = encoder_of(wanted, columns, partial=answer.partial)
    output = sys.stdout.buffer
    output.write(encoder.head(answer.total, approximate=answer.approximate))
    output.write(encoder.rows(answer.results))
    output.write(encoder.tail())
    output.flush()
    if answer.partial:
        click.echo("Time ran out: there may be more. Make the query narrower, or take --all.", err=True)
    elif answer.total > len(answer.results):
        click.echo(f"The first {len(answer.results):,} of {answer.total:,}: take --all for all of them.", err=True)


@dataclass(frozen=True, slots=True)
class _Column:
    """A column of the table."""

    name: str
    cells: tuple[str, ...]
    right: bool = False


def _print_table(archive: Archive, wanted: SearchRequest) -> None:
    is_image = wanted.level is Level.IMAGE
    answer = archive.search(
        replace(wanted, fields=wanted.fields or (_COLUMNS if is_image else default_columns(wanted.level)))
    )
    console = Console()
    if not answer.total:
        console.print(f"No {_WORDS[wanted.level][0]} matches." if not answer.partial else _PARTIAL)
        return
    table = Table(box=None, header_style="bold", pad_edge=False)
    for column in _columns(answer):
        table.add_column(column.name, overflow="fold", justify="right" if column.right else "left")
    for row in zip(*(column.cells for column in _columns(answer)), strict=True):
        table.add_row(*row)
    console.print(table)
    shown_of = f", the first {len(answer.results):,} are shown" if answer.total > len(answer.results) else ""
    one, many = _WORDS[wanted.level]
    about = "about " if answer.approximate else ""
    word = one if answer.total == 1 else many
    console.print(f"\n{about}{answer.total:,} {word} in {answer.milliseconds:,} ms{shown_of}", highlight=False)
    if answer.partial:
        console.print(_PARTIAL, style="yellow")


def _columns(answer: Answer) -> list[_Column]:
    """The columns that have a value in any row; at a level, how many images a row has, too."""
    found = [
        _Column(column.name, tuple(_plain(_value(result, column), column.field) for result in answer.results))
        for column in answer.columns
    ]
    counts = tuple(_images(result) for result in answer.results)
    return [column for column in [*found, _Column("images", counts, right=True)] if any(column.cells)]


def _value(result: Result, column: Column) -> Any:
    return result.id if column.field.shape is Shape.ID else result.fields.get(column.name)


def _images(result: Result) -> str:
    return f"{result.below.images:,}" if result.below else ""


def _plain(value: Any, field: Field) -> str:
    """A value without control characters, which could steer the terminal, and with nothing taken for markup."""
    text = shown(value, field)
    return escape("".join(character if character.isprintable() else "�" for character in text))
