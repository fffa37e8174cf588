"""How Redis is reached: as text, with patience, and with our scripts."""

from datetime import UTC, datetime
from importlib import resources
from typing import Any, TypeAlias

import redis
from redis.backoff import ExponentialBackoff, NoBackoff
from redis.commands.core import Script
from redis.retry import Retry

# redis-py types every answer as bytes or text. Ours are text (`decode_responses`), which its types cannot say.
RedisClient: TypeAlias = Any


def connect(url: str, *, patient: bool = False) -> RedisClient:
    """Open a client as this package needs it: text, with names of files that are not UTF-8 kept as they are.

    Parameters
    ----------
    url
        `redis://[:password@]host:port/database`.
    patient
        Whether a lost connection is tried again for about ten seconds (workers, watcher) or twice (web pages).
    """
    retry = Retry(ExponentialBackoff(cap=2.0, base=0.1), 8 if patient else 1)
    return redis.Redis.from_url(
        url,
        decode_responses=True,
        encoding_errors="surrogateescape",
        socket_timeout=10,
        socket_connect_timeout=3,
        health_check_interval=30,
        retry=retry,
        retry_on_error=[redis.ConnectionError, redis.TimeoutError, redis.BusyLoadingError],
    )


def connect_briefly(url: str) -> RedisClient:
    """Open a client for what may as well be left out: it waits for a second or two where Redis is away."""
    return redis.Redis.from_url(
        url,
        decode_responses=True,
        encoding_errors="surrogateescape",
        socket_timeout=2,
        socket_connect_timeout=1,
        # Once more: the connection may be one that a restart of Redis has left.
        retry=Retry(NoBackoff(), 1),
        retry_on_error=[redis.ConnectionError],
    )


def load_script(client: RedisClient, name: str) -> Script:
    """Register a script of `scripts/`, with what is common to all in front of it."""
    folder = resources.files("indexer.status").joinpath("scripts")
    text = folder.joinpath("common.lua").read_text("utf-8") + folder.joinpath(f"{name}.lua").read_text("utf-8")
    script: Script = client.register_script(text)
    return script


def now() -> float:
    """Seconds since 1970, as they are written to Redis."""
    return round(datetime.now(UTC).timestamp(), 3)
