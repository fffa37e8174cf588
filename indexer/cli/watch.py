"""`dicomsearch watch`: the watcher as a service."""

import click

from indexer.cli import UserError
from indexer.files import strerror
from indexer.logs import configure_logging
from indexer.services import build_services
from indexer.settings import load_settings
from indexer.watcher import Watcher, run_until_signal


@click.command()
def watch() -> None:
    """Watch the incoming folder: each finished folder in it becomes a batch."""
    settings = load_settings()
    configure_logging(settings.log_level)
    try:
        run_until_signal(Watcher(build_services(settings)))
    except OSError as error:
        raise UserError(
            f"{settings.incoming_folder} cannot be watched: {strerror(error)}. "
            "Set DICOMSEARCH_INCOMING to a folder that exists and can be read."
        ) from error
