"""`dicomsearch alive`: the health check of a container, asked inside it.

Watcher and workers are asked through what they report to Redis: that takes no share in their work, and costs less than
a message to each worker.
"""

import http.client
import socket

import click

from indexer.cli import UserError
from indexer.settings import Settings, load_settings
from indexer.status import StatusStore, StatusUnavailableError, connect

_SECONDS = 5.0


@click.command()
@click.argument("service", type=click.Choice(["web", "worker", "watcher"]))
def alive(service: str) -> None:
    """Tell whether the service of this machine or container does its work.

    Exit code 0: it does; 2: it does not, or nobody can tell.
    """
    settings = load_settings()
    if not (_web_answers(settings) if service == "web" else _reports(service, settings)):
        raise UserError(f"the {service} of {socket.gethostname()} has not been heard of")
    click.echo(f"{service}: alive")


def _web_answers(settings: Settings) -> bool:
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(settings.host, settings.host)  # noqa: S104
    connection = http.client.HTTPConnection(host, settings.port, timeout=_SECONDS)
    try:
        connection.request("GET", "/healthz")
        return connection.getresponse().status == 200
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def _reports(service: str, settings: Settings) -> bool:
    with connect(settings.redis_url) as client:
        store = StatusStore(client)
        try:
            if service == "watcher":
                return store.watcher().alive
            here = f"@{socket.gethostname()}"
            return any(worker.alive and worker.name.endswith(here) for worker in store.workers())
        except StatusUnavailableError as error:
            raise UserError(str(error)) from error
