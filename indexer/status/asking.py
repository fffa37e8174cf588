"""Redis's errors, as ours."""

from collections.abc import Iterator
from contextlib import contextmanager

import redis


class StatusUnavailableError(Exception):
    """Redis does not answer; the message says where it was looked for and what to do."""


@contextmanager
def asking_redis() -> Iterator[None]:
    """Run a body that asks Redis.

    Raises
    ------
    StatusUnavailableError
        Redis does not answer.
    """
    try:
        yield
    except (redis.ConnectionError, redis.TimeoutError) as error:
        raise StatusUnavailableError(
            f"Redis does not answer ({type(error).__name__}): is it running, and is DICOMSEARCH_REDIS_URL right?"
        ) from error
