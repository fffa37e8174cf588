"""`dicomsearch search`: the query language on the command line, asked of Elasticsearch directly."""

import json

import click
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from app.archive import Answer, ArchiveUnavailableError, QueryRefusedError, SearchRequest
from app.search.columns import DEFAULT, UnusableColumnError
from app.search.errors import QuerySyntaxError
from app.search.fields import names_in
from app.search.sorting import UnusableSortError
from app.services import build_archive
from app.web.formats import shown
from indexer.cli import UserError
from indexer.settings import load_settings

_COLUMNS = ("PatientName", "PatientID", "StudyDate", "Modality", "StudyDescription", "SeriesDescription", "batch")
_LONGEST_LINE = 100


@click.command()
@click.argument("query", nargs=-1)
@click.option("--size", type=click.IntRange(1, 1_000), default=20, show_default=True, help="Results to show, at most.")
@click.option("--fields", default="", help="Fields to show, separated by commas.")
@click.option("--sort", default="", help="Fields to sort by, separated by commas; - before a name sorts downwards.")
@click.option("--format", "form", type=click.Choice(["table", "json"]), default="table", show_default=True)
def search(query: tuple[str, ...], size: int, fields: str, sort: str, form: str) -> None:
    """Search images by anything in their headers.

    QUERY is in the query language, for example: 'Modality:CT SliceThickness:<=1.25'
    """
    text = " ".join(query)
    names = tuple(names_in(fields)) or (_COLUMNS if form == "table" else DEFAULT)
    try:
        answer = build_archive(load_settings()).search(SearchRequest(text, size, sort=sort, fields=names))
    except QuerySyntaxError as error:
        raise UserError(f"{error.detail}\n{_place(text, error)}") from error
    except (QueryRefusedError, UnusableColumnError, UnusableSortError, ArchiveUnavailableError) as error:
        raise UserError(str(error)) from error
    _print_json(answer) if form == "json" else _print_table(answer)


def _place(query: str, error: QuerySyntaxError) -> str:
    """The query with carets under the place, or the part of a long one that has the place."""
    start = max(0, error.position - _LONGEST_LINE // 2)
    part = query[start : start + _LONGEST_LINE].replace("\n", " ").replace("\t", " ")
    before = error.position - start
    return f"  {part}\n  {' ' * before}{'^' * min(error.length, _LONGEST_LINE - before)}"


def _print_json(answer: Answer) -> None:
    results = [{"id": result.id, "fields": result.fields} for result in answer.results]
    document = {"total": answer.total, "partial": answer.partial, "results": results}
    click.echo(json.dumps(document, ensure_ascii=False, indent=2).encode("utf-8", "replace"))


def _print_table(answer: Answer) -> None:
    console = Console()
    if not answer.total:
        console.print("No image matches.")
        return
    table = Table(box=None, header_style="bold", pad_edge=False)
    columns = [column for column in answer.columns if any(column.name in result.fields for result in answer.results)]
    for column in columns:
        table.add_column(column.name, overflow="fold")
    for result in answer.results:
        # What stands in a header is not markup for the terminal.
        table.add_row(*(escape(_plain(shown(result.fields.get(column.name), column.field))) for column in columns))
    console.print(table)
    shown_of = f", the first {len(answer.results):,} are shown" if answer.total > len(answer.results) else ""
    word = "image" if answer.total == 1 else "images"
    console.print(f"\n{answer.total:,} {word} in {answer.milliseconds:,} ms{shown_of}", highlight=False)
    if answer.partial:
        console.print("Time ran out: there may be more. Make the query narrower.", style="yellow")


def _plain(text: str) -> str:
    """A text without control characters, which could steer the terminal."""
    return "".join(character if character.isprintable() else "�" for character in text)
