"""The commands `up`, `down` and `status`: the whole stack on one machine."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click

from indexer.cli import UserError, home_option
from indexer.logs import configure_logging
from indexer.settings import Settings, load_settings
from local.control import AlreadyRunningError, orphans, start_detached, stop, supervise
from local.errors import LocalError
from local.state import HomeLock, StackState, read_state

Command = Callable[..., Any]

port_option = click.option(
    "--port", type=click.IntRange(1, 65_535), help="Port of the web server [DICOMSEARCH_PORT; default: 8080]."
)


@contextmanager
def user_errors() -> Iterator[None]:
    """Turn what a user has to put right into one clear line and exit code 2."""
    try:
        yield
    except LocalError as error:
        raise UserError(str(error)) from error
    except OSError as error:
        raise UserError(f"cannot use {error.filename or 'a file'}: {error.strerror or error}") from error


def settings_of_stack(home: Path | None, port: int | None) -> Settings:
    """Build the settings of a stack that is started or looked at; its home is absolute."""
    settings = load_settings(home=home, port=port, running=False)
    return settings.model_copy(update={"home": settings.home.resolve()})


@click.command()
@home_option
@port_option
@click.option("--detach", is_flag=True, help="Return when everything is ready, and leave it running.")
def up(home: Path | None, port: int | None, detach: bool) -> None:
    """Start the whole stack: Elasticsearch, Redis, watcher, worker and web server.

    Without --detach it runs until Ctrl-C. What is missing is downloaded first, once per user.
    """
    settings = settings_of_stack(home, port)
    with user_errors():
        start(settings, detach=detach)


def start(settings: Settings, *, detach: bool) -> None:
    """Start the stack of a home, unless it runs already; say where to look.

    Raises
    ------
    LocalError
        It did not start, or it runs already in a way that was not asked for.
    """
    settings.home.mkdir(parents=True, exist_ok=True)
    try:
        if detach:
            start_detached(settings, _reporter(""))
        else:
            configure_logging(settings, "supervisor")
            supervise(settings, _reporter(" (Ctrl-C stops it)"))
    except AlreadyRunningError:
        _say_running(settings)


def _say_running(settings: Settings) -> None:
    state = read_state(settings.home)
    port = state.addresses.get("port") if state else None
    if port != settings.port and "port" in settings.model_fields_set:
        raise LocalError(f"dicomsearch is running already on port {port}: stop it first with `dicomsearch down`")
    click.echo(f"dicomsearch is running already at {state.url if state else 'an unknown address'}")


def _reporter(hint: str) -> Callable[[StackState], None]:
    """Say once what a person in front of the terminal wants to know: what has become ready, and where to look."""
    said: dict[str, str] = {}

    def report(state: StackState) -> None:
        for name, service in state.services.items():
            if service.condition != "waiting" and said.get(name) != service.condition:
                said[name] = service.condition
                click.echo(f"{name}: {service.condition}", err=True)
        if state.phase == "running" and "" not in said:
            said[""] = state.phase
            click.echo(f"dicomsearch is running at {state.url}{hint}")

    return report


@click.command()
@home_option
def down(home: Path | None) -> None:
    """Stop what was started in this home, also after a crash; the data stays."""
    settings = settings_of_stack(home, None)
    with user_errors():
        if settings.home.is_dir() and stop(settings.home):
            click.echo("dicomsearch has been stopped")
        else:
            click.echo("dicomsearch is not running")


@click.command()
@home_option
def status(home: Path | None) -> None:
    """Tell what runs in this home.

    Exit code 0: everything runs; 1: something does not; 3: nothing was started.
    """
    settings = settings_of_stack(home, None)
    with user_errors():
        code, text = describe(settings.home)
    click.echo(text)
    sys.exit(code)


def describe(home: Path) -> tuple[int, str]:
    """Describe the stack of a home, with the exit code of `status`."""
    state = read_state(home)
    lock = HomeLock(home)
    if not home.is_dir() or not lock.held():
        left = orphans(home)
        if left:
            return 1, f"the supervisor was killed, {len(left)} processes are left: run `dicomsearch down` to end them"
        reason = f" ({state.reason})" if state and state.reason else ""
        return 3, f"dicomsearch is not running{reason}"
    if state is None or state.identity != lock.holder():
        return 1, f"dicomsearch is being started in {home} (if it stays so, run `dicomsearch down`)"
    rows = [("service", "state", "pid", "port", "restarts", "last exit")]
    for name, service in state.services.items():
        alive = service.identity is not None and service.identity.alive
        condition = service.condition if alive or service.condition != "running" else "restarting"
        last = "; ".join(filter(None, (service.gave_up, service.last_exit)))
        rows.append((name, condition, _cell(service.pid), _cell(service.port), str(service.restarts), last or "-"))
    widths = [max(len(row[column]) for row in rows) for column in range(5)]
    lines = ["  ".join([*(f"{row[c]:<{widths[c]}}" for c in range(5)), row[5]]) for row in rows]
    lines.append(f"\n{state.phase} at {state.url}; logs are in {home / 'logs'}")
    node = home / "data" / "elasticsearch"
    if node.is_symlink():
        lines.append(f"Elasticsearch's data are in {node.readlink()}")
    all_run = state.phase == "running" and all(row[1] == "running" for row in rows[1:])
    return (0 if all_run else 1), "\n".join(lines)


def _cell(value: int | None) -> str:
    return "-" if value is None else str(value)
