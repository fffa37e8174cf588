"""`dicomsearch users`: who has an account, on the machine of the service.

Whoever may run it reaches Redis, and with it everything; so it asks nobody to sign in.
"""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import click
from rich.console import Console
from rich.table import Table

from app.accounts.accounts import Accounts
from app.accounts.model import Role, UnusableUserError
from app.accounts.store import UserConflictError, UserNotFoundError
from indexer.cli import UserError, home_option
from indexer.cli.reaching import reaching_redis
from indexer.settings import Settings, load_settings
from indexer.status import connect

ADMIN_PASSWORD = "DICOMSEARCH_ADMIN_PASSWORD"  # noqa: S105 the name of a variable
_ROLES = click.Choice([role.label for role in Role])
_role_option = click.option("--role", type=_ROLES, help="What the user may do.")
_mask_option = click.option("--masked/--unmasked", default=None, help="Whether who patients are is masked.")


@click.group()
def users() -> None:
    """Manage who has an account."""


@users.command("list")
@home_option
def list_users(home: Path | None) -> None:
    """List all users."""
    with _telling():
        found = _accounts(home).users.all()
    if not found:
        click.echo("There are no users. Add one: dicomsearch users add NAME --role admin")
        return
    table = Table(box=None, header_style="bold", pad_edge=False)
    for title in ("user", "role", "masked", "may come in", "last signed in"):
        table.add_column(title)
    for user in found:
        last = user.last_login.strftime("%Y-%m-%d %H:%M UTC") if user.last_login else ""
        masked, comes_in = "yes" if user.deidentified else "", "no" if user.disabled else "yes"
        table.add_row(user.name, user.role.label, masked, comes_in, last)
    Console().print(table)


@users.command()
@home_option
@_role_option
@_mask_option
@click.option("--no-password", is_flag=True, help="Only a trusted proxy signs the user in.")
@click.argument("name")
def add(home: Path | None, name: str, role: str | None, masked: bool | None, no_password: bool) -> None:
    """Add the user NAME; the password is asked for, or read from standard input."""
    with _telling():
        password = None if no_password else _password()
        user = _accounts(home).users.add(
            name, Role.read(role or Role.VIEWER.label), password, deidentified=bool(masked)
        )
    click.echo(f"{user.name} is a user now ({user.role.label}).")


@users.command()
@home_option
@_role_option
@_mask_option
@click.option("--disable/--enable", "disabled", default=None, help="Whether the user may not come in.")
@click.argument("name")
def change(home: Path | None, name: str, role: str | None, masked: bool | None, disabled: bool | None) -> None:
    """Change what the user NAME may do."""
    with _telling():
        wanted = Role.read(role) if role else None
        user = _accounts(home).change(name.lower(), role=wanted, deidentified=masked, disabled=disabled)
    state = ", who may not come in" if user.disabled else ""
    click.echo(f"{user.name} is {user.role.label}{', masked' if user.deidentified else ''}{state}.")


@users.command()
@home_option
@click.argument("name")
def password(home: Path | None, name: str) -> None:
    """Give the user NAME another password, which ends the user's sessions."""
    with _telling():
        accounts = _accounts(home)
        accounts.users.get(name)
        accounts.change(name.lower(), password=_password())
    click.echo(f"{name.lower()} has another password.")


@users.command()
@home_option
@click.argument("name")
def delete(home: Path | None, name: str) -> None:
    """Delete the user NAME, with sessions and tokens."""
    with _telling():
        _accounts(home).delete(name.lower())
    click.echo(f"{name.lower()} is no user any more.")


@users.command()
@home_option
def bootstrap(home: Path | None) -> None:
    """Add the user admin with the password in DICOMSEARCH_ADMIN_PASSWORD, where there is no user yet."""
    with _telling():
        settings = load_settings(home=home)
        known = _accounts(home, settings).users
        if known.all():
            click.echo("There are users: nothing to do.")
            return
        given = settings.admin_password
        if given is None:
            raise UserError(f"{ADMIN_PASSWORD} is missing: it is the password of the first user, admin.")
        known.add("admin", Role.ADMIN, given.get_secret_value())
    click.echo("The user admin can sign in now.")


def _accounts(home: Path | None, settings: Settings | None = None) -> Accounts:
    found = settings or load_settings(home=home)
    return Accounts.of(found, connect(found.redis_url), signs=False)


def _password() -> str:
    if os.isatty(0):
        return str(click.prompt("Password", hide_input=True, confirmation_prompt=True))
    given = sys.stdin.readline().rstrip("\r\n")
    if not given:
        raise UserError("There is no password on standard input.")
    return given


@contextmanager
def _telling() -> Iterator[None]:
    """Tell what went wrong in one clear line."""
    with reaching_redis():
        try:
            yield
        except (UnusableUserError, UserConflictError, UserNotFoundError) as error:
            raise UserError(str(error)) from error
