"""The whole stack on one machine: Elasticsearch, Redis, the watcher, a worker and the web server.

The commands are those of a deployment with containers; only the addresses in the environment differ.
"""

import os
import secrets
import shutil
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from indexer.settings import INCOMING_SEPARATOR, Settings
from local import elasticsearch, redis
from local.accounts import account_for_elasticsearch
from local.cache import installed_elasticsearch, installed_java
from local.ports import free_port, require_free
from local.readiness import http_status, watcher_reports, worker_reports
from local.service import ServiceSpec
from local.state import read_state

_WEB_PROCESSES = 2
_WEB_THREADS = 8


@dataclass(frozen=True)
class Stack:
    """The services of a home, and the addresses that other processes need to know."""

    specs: tuple[ServiceSpec, ...]
    addresses: dict[str, str | int]


def install(settings: Settings) -> None:
    """Put in place what has to be downloaded, and check what the user has to put right, before anything starts.

    Raises
    ------
    LocalError
        The web port is taken, or something cannot be installed.
    """
    require_free(settings.host, settings.port)
    if settings.metrics_port is not None:
        require_free(settings.metrics_host, settings.metrics_port, "METRICS_PORT")
    if _embeds(settings, "elasticsearch_url"):
        account = account_for_elasticsearch(settings.service_user)
        installed_elasticsearch(settings, account)
        installed_java(settings, account)
    if _embeds(settings, "redis_url"):
        redis.redis_program()


def build_stack(settings: Settings) -> Stack:
    """Say which services run in the home of the settings, and how.

    Elasticsearch and Redis are embedded unless the settings name others.

    Parameters
    ----------
    settings
        With `running=False`: addresses of services that ran before are no others.

    Raises
    ------
    LocalError
        A service cannot be installed or prepared.
    """
    home = settings.home
    before = read_state(home)
    ports = {name: service.port for name, service in before.services.items()} if before else {}
    servers: list[ServiceSpec] = []
    addresses: dict[str, str | int] = {"host": settings.host, "port": settings.port}
    if _embeds(settings, "elasticsearch_url"):
        port = free_port(ports.get(elasticsearch.NAME))
        transport = free_port(taken=frozenset({port}))
        known = elasticsearch.with_passwords(settings)
        servers.append(elasticsearch.elasticsearch_service(home, known, port=port, transport_port=transport))
        addresses |= elasticsearch.addresses(home, known, port)
    if _embeds(settings, "redis_url"):
        port = free_port(ports.get(redis.NAME), taken=frozenset(spec.port for spec in servers if spec.port))
        password = secrets.token_hex(16)
        servers.append(redis.redis_service(home, port=port, password=password))
        addresses["redis_url"] = redis.redis_url(port, password)
    addresses.setdefault("elasticsearch_url", settings.elasticsearch_url)
    addresses.setdefault("redis_url", settings.redis_url)
    for folder in settings.incoming_folders:
        folder.mkdir(parents=True, exist_ok=True)
    after = tuple(spec.name for spec in servers)
    return Stack((*servers, *_own_services(settings, addresses, after)), addresses)


def _embeds(settings: Settings, name: str) -> bool:
    return name not in settings.model_fields_set


def _own_services(
    settings: Settings, addresses: Mapping[str, str | int], after: tuple[str, ...]
) -> tuple[ServiceSpec, ...]:
    environment = _environment(settings, addresses)
    host, port, redis_url = settings.host, settings.port, str(addresses["redis_url"])
    binds = [("--bind", _address(host, port))]
    if settings.metrics_port is not None:
        binds.append(("--bind", _address(settings.metrics_host, settings.metrics_port)))
    reached_at = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104

    def spec(name: str, *command: str, **more: Any) -> ServiceSpec:
        program = (_program(command[0]), *command[1:])
        return ServiceSpec(name, program, settings.home, environment, after=after, **more)

    return (
        spec("watcher", "dicomsearch", "watch", ready=lambda since: watcher_reports(redis_url, since)),
        spec(
            "worker",
            *("celery", "-A", "indexer.worker", "worker"),
            *("--concurrency", str(settings.worker_processes), "--hostname", "dicomsearch@%h"),
            *("--without-gossip", "--without-mingle", "--loglevel", settings.log_level),
            ready=lambda since: worker_reports(redis_url, since),
        ),
        spec(
            "web",
            "gunicorn",
            *(word for bind in binds for word in bind),
            *("--workers", str(_WEB_PROCESSES), "--threads", str(_WEB_THREADS)),
            # Its control socket is one for all stacks of a user.
            # A long query in an address is no attack: gunicorn's own limit would cut it off without a word.
            *("--no-control-socket", "--limit-request-line", "8190"),
            *("--logger-class", "app.logs.gunicorn.Logger", "--log-level", settings.log_level, "app:create_app()"),
            ready=lambda _since: http_status(reached_at, port, "/healthz") == 200,
            port=port,
            stop_seconds=10.0,
        ),
    )


def _address(host: str, port: int) -> str:
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def _program(name: str) -> str:
    """Find a command beside the Python that runs, else on PATH."""
    beside = Path(sys.executable).parent / name
    return str(beside) if beside.exists() else shutil.which(name) or name


def _environment(settings: Settings, addresses: Mapping[str, str | int]) -> dict[str, str]:
    """Give the processes what this one was given, and what was found out."""
    return {
        **os.environ,
        "PYTHONUNBUFFERED": "1",
        "DICOMSEARCH_HOME": str(settings.home),
        "DICOMSEARCH_INCOMING": INCOMING_SEPARATOR.join(map(str, settings.incoming_folders)),
        **{f"DICOMSEARCH_{name.upper()}": str(value) for name, value in addresses.items()},
    }
