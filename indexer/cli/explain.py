"""`dicomsearch explain FILE`: what would become of a file, element by element, without any service.

It runs the very reader and flattener of the workers. What a file holds is shown to a terminal here, so everything
that is not printable is replaced: a header must not be able to steer the terminal.
"""

import json
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click
from rich.console import Console
from rich.table import Table
from rich.text import Text

from indexer.cli import UserError
from indexer.document import FileFacts, build_document
from indexer.flatten import Place, flatten
from indexer.reader import Entry, NotAnImage, ReadError, read_header
from indexer.settings import Limits, load_settings

SHOWN = 40
WIDE = 200
STYLES = {"indexed": "", "malformed": "yellow", "truncated": "yellow", "binary": "dim", "empty": "dim"}


@click.command("explain")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--json", "as_json", is_flag=True, help="Print document and elements as JSON.")
def explain(file: Path, *, as_json: bool) -> None:
    """Show how FILE would be indexed: its document, and where each element went."""
    explanation = explained(file, load_settings().limits)
    if as_json:
        click.echo(json.dumps(explanation, indent=2))
    else:
        _print_table(explanation)


def explained(file: Path, limits: Limits) -> dict[str, Any]:
    """Read and flatten a file, and list its elements with their places.

    Raises
    ------
    UserError
        For a file that would end as ERROR or IGNORED, with the code and the reason.
    """
    places: list[Place] = []
    try:
        flattened = flatten(read_header(file, limits), limits, places.append)
    except ReadError as error:
        raise UserError(f"{printable(str(file))} gives no document: {error.code}, {error.reason}") from error
    except NotAnImage as error:
        raise UserError(f"{printable(str(file))} would be ignored: {error.reason}") from error
    status = file.stat()
    facts = FileFacts(str(file), file.name, status.st_size, datetime.fromtimestamp(status.st_mtime, UTC))
    return {
        "id": flattened.id,
        "document": build_document(flattened, facts, file.absolute().parent.name, datetime.now(UTC)),
        "elements": [_element(place) for place in places],
    }


def _element(place: Place) -> dict[str, Any]:
    return {
        "path": place.path,
        "tag": place.tag,
        "vr": place.entry["vr"],
        "value": shown(place.entry),
        "outcome": place.outcome.value,
        "fields": list(place.fields),
        "why": place.why,
    }


def shown(entry: Entry) -> str:
    """Write the value of an element in a few characters."""
    values = entry.get("Value")
    if entry["vr"] == "SQ":
        return f"{len(values or ())} items"
    if values is None:
        return str(entry.get("BulkDataURI", "")).replace("?length=", "bytes: ") or str(entry.get("InlineBinary", ""))
    parts = ("=".join(one.values()) if isinstance(one, dict) else "" if one is None else str(one) for one in values)
    return "\\".join(parts)


def printable(text: str, most: int = 1_000) -> str:
    """Replace what is not printable, and cut what is long."""
    clean = "".join(character if character.isprintable() else "·" for character in text[: most + 1])
    return clean if len(clean) <= most else clean[: most - 1] + "…"


def _indented(path: str) -> str:
    """Write the last part of a path, moved in by its depth, with the number of its item: `  #2 CodeValue`."""
    *items, name = path.split("].")
    number = f"#{items[-1].rpartition('[')[2]} " if items else ""
    return "  " * len(items) + number + name


def _print_table(explanation: dict[str, Any]) -> None:
    # Into a file or pipe, lines are as long as they need to be.
    console = Console() if sys.stdout.isatty() else Console(width=WIDE)
    table = Table(box=None, header_style="bold")
    for heading in ("element", "tag", "VR", "value", "became", "where, why"):
        table.add_column(heading, no_wrap=heading != "where, why")
    for element in explanation["elements"]:
        where = " ".join(field for field in element["fields"] if field != "text")
        where += f" ({element['why']})" if element["why"] else ""
        cells = (
            _indented(element["path"]),
            f"({element['tag'][:4]},{element['tag'][4:]})",
            element["vr"],
            printable(element["value"], SHOWN),
            element["outcome"],
            where,
        )
        table.add_row(*(Text(printable(cell)) for cell in cells), style=STYLES.get(element["outcome"], "dim"))
    console.print(table)
    receipt = explanation["document"]["receipt"]
    counts = [f"{count} {name}" for name, count in receipt.items() if isinstance(count, int) and name != "elements"]
    console.print(Text(f"\n{explanation['id']}: {receipt['elements']} elements: {', '.join(counts)}"))
    if "forgiven" in receipt:
        console.print(Text(f"forgiven: {', '.join(receipt['forgiven'])}"))
