"""`dicomsearch watch`: the watcher as a service."""

import click

from indexer.audit.service import AuditKeeper
from indexer.cli import UserError
from indexer.logs import configure_logging
from indexer.notifying import Notifier
from indexer.services import build_services
from indexer.settings import load_settings
from indexer.watching import Watcher, WatchError, run_until_signal


@click.command()
def watch() -> None:
    """Watch the incoming folders: each finished folder in them becomes a batch. Tells who wants to know.

    Moves the audit log to Elasticsearch, too.
    """
    settings = load_settings()
    configure_logging(settings, "watcher")
    notifier = Notifier(settings)
    notifier.start()
    services = build_services(settings)
    keeper = AuditKeeper(services)
    keeper.start()
    try:
        run_until_signal(Watcher(services))
    except WatchError as error:
        raise UserError(f"{error} Set DICOMSEARCH_INCOMING to folders that exist and can be read.") from error
    finally:
        keeper.stop()
        notifier.stop()
