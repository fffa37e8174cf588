"""The command `dicomsearch`: a group of commands that every room of the house adds to.

They are entry points of the group `dicomsearch.commands`, loaded only when they are called: the command line can so
offer what `app` and `local` do without importing against the direction of the house.
"""

import sys
from collections.abc import Callable
from importlib.metadata import EntryPoint, entry_points, metadata
from pathlib import Path
from typing import Any

import click

from indexer.settings import SettingsError

GROUP = "dicomsearch.commands"


home_option: Callable[[Callable[..., Any]], Callable[..., Any]] = click.option(
    "--home",
    type=click.Path(file_okay=False, path_type=Path),
    help="Folder of data, logs and the embedded services [DICOMSEARCH_HOME; default: var].",
)


class UserError(click.ClickException):
    """What a user has to put right: one clear line, exit code 2."""

    exit_code = 2


class CommandsOfAllRooms(click.Group):
    """Commands found as entry points; importing one is put off until it is run."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Name all commands, in alphabetical order."""
        return sorted({point.name for point in entry_points(group=GROUP)} | set(super().list_commands(ctx)))

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Load the command, or answer None where there is none of that name."""
        for point in entry_points(group=GROUP, name=cmd_name):
            return _load(point)
        return super().get_command(ctx, cmd_name)


def _load(point: EntryPoint) -> click.Command:
    try:
        command = point.load()
    except ModuleNotFoundError as error:
        return _unavailable(point, error)
    if not isinstance(command, click.Command):
        raise TypeError(f"entry point {point.value} is not a click command")
    # Imported late: what it needs takes this module's errors.
    from indexer.cli.recording import recorded

    return recorded(point.name, command)


def _unavailable(point: EntryPoint, error: ModuleNotFoundError) -> click.Command:
    """Stand in for a command of a room whose extra, named like it, is not installed: the others go on."""
    room = point.module.partition(".")[0]
    ours = (error.name or room).partition(".")[0] == room
    if ours or room not in (metadata("dicomsearch").get_all("Provides-Extra") or ()):
        raise error

    def refuse(**_: object) -> None:
        raise UserError(
            f"`{point.name}` needs the extra `{room}` (no module {error.name}): pip install 'dicomsearch[{room}]'"
        )

    anything = click.Argument(["arguments"], nargs=-1, type=click.UNPROCESSED)
    return click.Command(
        point.name,
        params=[anything],
        callback=refuse,
        short_help=f"Needs the extra `{room}`.",
        add_help_option=False,
        context_settings={"ignore_unknown_options": True},
    )


@click.group(cls=CommandsOfAllRooms, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="dicomsearch")
def group() -> None:
    """Search DICOM images by anything in their headers."""


def main() -> None:
    """Run the command line; a wrong setting is one clear line and exit code 2."""
    try:
        group()
    except SettingsError as error:
        click.echo(f"Error: {error}", err=True)
        sys.exit(2)
