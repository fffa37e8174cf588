"""What a command says when Redis, which it needs, does not answer."""

from collections.abc import Iterator
from contextlib import contextmanager

from indexer.cli import UserError
from indexer.services import REDIS_IS_AWAY


@contextmanager
def reaching_redis() -> Iterator[None]:
    """Run a body that needs Redis.

    Raises
    ------
    UserError
        Redis does not answer.
    """
    try:
        yield
    except REDIS_IS_AWAY as error:
        raise UserError(
            "Redis does not answer: is it running (`dicomsearch up`), and is DICOMSEARCH_REDIS_URL right?"
        ) from error
