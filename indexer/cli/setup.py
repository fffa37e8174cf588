"""`dicomsearch setup`: what must be there before the first import, made step by step; run again, it changes little."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from pathlib import Path
from typing import Any

import click

from indexer.cli import UserError, home_option
from indexer.settings import PREFIX, load_settings
from indexer.setup.certificates import CertificateError
from indexer.setup.files import SetupFiles, make_files
from indexer.setup.index import SetupError, make_index
from indexer.setup.kibana import import_dashboards
from indexer.setup.secrets import SecretError, new_password, new_token, secrets_of
from indexer.setup.waiting import NotReadyError

_SECRETS: dict[str, Callable[[], str]] = {
    "ELASTICSEARCH_PASSWORD": new_password,
    "ELASTICSEARCH_QUERY_PASSWORD": new_password,
    "ANALYST_PASSWORD": new_password,
    "KIBANA_TOKEN": new_token,
    "REDIS_PASSWORD": new_password,
    "SECRET_KEY": new_password,
}

wait_option = click.option(
    "--wait",
    "seconds",
    type=click.FloatRange(min=0),
    default=300.0,
    show_default=True,
    help="Seconds that a service is waited for, at most.",
)


@contextmanager
def _told() -> Iterator[None]:
    """Tell what a person has to put right in one line."""
    try:
        yield
    except (SecretError, CertificateError, SetupError, NotReadyError) as error:
        raise UserError(str(error)) from error
    except OSError as error:
        raise UserError(f"cannot use {error.filename or 'a file'}: {error.strerror or error}") from error


def _step(function: Callable[..., None]) -> Callable[..., None]:
    @wraps(function)
    def step(*arguments: Any, **options: Any) -> None:
        with _told():
            function(*arguments, **options)

    return step


@click.group(invoke_without_command=True)
@home_option
@wait_option
@click.pass_context
@_step
def setup(context: click.Context, home: Path | None, seconds: float) -> None:
    """Make what must be there: `files` before Elasticsearch starts, `index` and `kibana` when they run.

    Without a command: the index, and Kibana's dashboards where DICOMSEARCH_KIBANA_URL is set.
    """
    if context.invoked_subcommand is None:
        settings = load_settings(home=home)
        make_index(settings, seconds=seconds, say=click.echo)
        if settings.kibana_url:
            import_dashboards(settings, seconds=seconds, say=click.echo)


@setup.command()
def secrets() -> None:
    """Print new secrets, as lines for the file .env: keep them to yourself."""
    for name, make in _SECRETS.items():
        click.echo(f"{PREFIX}{name}={make()}")


@setup.command()
@click.option("--to", "folder", type=click.Path(file_okay=False, path_type=Path), required=True, help="Where to.")
@click.option("--host", "hosts", multiple=True, help="A further name or address that all certificates are for.")
@click.option("--group", "shared", is_flag=True, help="Let the group of the files read keys and hashes, too.")
@_step
def files(folder: Path, hosts: tuple[str, ...], shared: bool) -> None:
    """Make certificates, and the users and roles of Elasticsearch.

    Certificates are renewed when they expire within 30 days or have other names; users follow the passwords that the
    settings give.
    """
    settings = load_settings(running=False)
    make_files(SetupFiles(folder, shared), settings, secrets_of(settings), hosts=hosts, say=click.echo)


@setup.command()
@home_option
@wait_option
@_step
def index(home: Path | None, seconds: float) -> None:
    """Create the index and its aliases, and register where backups go."""
    make_index(load_settings(home=home), seconds=seconds, say=click.echo)


@setup.command()
@home_option
@wait_option
@_step
def kibana(home: Path | None, seconds: float) -> None:
    """Import data view, searches and dashboards into Kibana."""
    import_dashboards(load_settings(home=home), seconds=seconds, say=click.echo)
