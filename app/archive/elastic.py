"""One index of Elasticsearch, asked within a time limit; its errors become ours."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Any, TypeVar

from elasticsearch import ApiError, BadRequestError, Elasticsearch, NotFoundError, TransportError

from app.archive.errors import ArchiveUnavailableError, QueryRefusedError, reason_of
from indexer.connecting import refusal

_A = TypeVar("_A")
_B = TypeVar("_B")
# Measures how long its body takes; given what that does.
Timer = Callable[[str], AbstractContextManager[None]]
_GRACE = 5  # seconds that an answer may take beyond the time limit of its search


def untimed(_what: str) -> AbstractContextManager[None]:
    """Measure nothing."""
    return nullcontext()


class Elastic:
    """The index behind an alias.

    Parameters
    ----------
    client
        Of Elasticsearch.
    index
        The alias for reading.
    seconds
        Time limit of a search; what was found until then is answered as partial.
    timed
        Measures how long finding (`results`) and counting (`facets`) take.
    """

    def __init__(self, client: Elasticsearch, index: str, seconds: float, timed: Timer = untimed) -> None:
        self.client = client
        self.index = index
        self.seconds = seconds
        self.timed = timed

    def search(self, **body: Any) -> dict[str, Any]:
        """Run a search.

        Raises
        ------
        QueryRefusedError
            Where Elasticsearch cannot run it.
        ArchiveUnavailableError
            Where Elasticsearch does not answer, or has no index.
        """
        with self.asking():
            client = self.client.options(request_timeout=self.seconds + _GRACE)
            answer: dict[str, Any] = client.search(
                index=self.index, timeout=f"{int(self.seconds * 1000)}ms", **body
            ).body
        return answer

    @contextmanager
    def asking(self) -> Iterator[None]:
        """Turn Elasticsearch's errors into ours."""
        try:
            yield
        except NotFoundError as error:
            raise ArchiveUnavailableError(
                "The index does not exist yet: it is created when indexing starts."
            ) from error
        except BadRequestError as error:
            raise QueryRefusedError(reason_of(error)) from error
        except (TransportError, ApiError) as error:
            reason = refusal(error) or (
                f"Elasticsearch does not answer ({type(error).__name__}): is it running, and is "
                "DICOMSEARCH_ELASTICSEARCH_URL right?"
            )
            raise ArchiveUnavailableError(reason) from error


def is_partial(answer: dict[str, Any]) -> bool:
    """Whether time ran out, or a shard failed, so that there may be more."""
    return bool(answer["timed_out"] or answer["_shards"]["failed"])


def both(one: Callable[[], _A], other: Callable[[], _B]) -> tuple[_A, _B]:
    """Do two things at once that wait for Elasticsearch; where both fail, the first one's error is raised."""
    with ThreadPoolExecutor(1) as pool:
        future = pool.submit(other)
        return one(), future.result()
