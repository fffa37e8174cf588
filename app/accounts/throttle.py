"""Wrong passwords are slowed down: by name from one address, by address, and by name from anywhere.

Up to a number of failures in a quarter of an hour nothing happens. Then one attempt is let through, and the next one
only after a pause that doubles with each failure. Attempts are counted before the password is looked at, so that many
at once cannot slip through; who signs in has the count of the name from this address forgotten.
"""

from dataclasses import dataclass
from typing import Any

from indexer.status import asking_redis

KEY = "login:"
_SECONDS = 900
_LONGEST_PAUSE = 900


class TooManyLoginsError(Exception):
    """A name or an address has failed too often.

    Attributes
    ----------
    seconds
        To wait, at most.
    """

    def __init__(self, seconds: int) -> None:
        super().__init__(f"There were too many failed attempts to sign in: try again in {_in_words(seconds)}.")
        self.seconds = seconds


@dataclass(frozen=True, slots=True)
class _Count:
    """Failures counted together, and how many are free."""

    key: str
    free: int


class Throttle:
    """Counts attempts to sign in.

    Parameters
    ----------
    client
        Of Redis, from `indexer.status.connect`.

    Raises
    ------
    StatusUnavailableError
        By every method, when Redis does not answer.
    """

    def __init__(self, client: Any) -> None:
        self._redis = client

    def attempt(self, name: str, address: str) -> None:
        """Count an attempt before it is made.

        Raises
        ------
        TooManyLoginsError
            It must not be made now.
        """
        counts = _counts(name, address)
        with asking_redis():
            with self._redis.pipeline() as pipeline:
                for count in counts:
                    pipeline.incr(count.key)
                    pipeline.expire(count.key, _SECONDS)
                attempts = pipeline.execute()[::2]
            for count, number in zip(counts, attempts, strict=True):
                over = number - count.free
                if over <= 0:
                    continue
                pause = min(2 ** min(over, 20), _LONGEST_PAUSE)
                # Whoever sets it may try; all others come too early.
                if not self._redis.set(count.key + ":pause", "1", nx=True, ex=pause):
                    raise TooManyLoginsError(max(1, self._redis.ttl(count.key + ":pause")))

    def succeeded(self, name: str, address: str) -> None:
        """Forget the failures of a name from an address, whose attempt has succeeded."""
        own = _counts(name, address)[0].key
        with asking_redis():
            self._redis.delete(own, own + ":pause")


def _counts(name: str, address: str) -> tuple[_Count, ...]:
    known = name.strip().lower()[:64]
    return (
        _Count(f"{KEY}both:{address} {known}", 5),
        _Count(f"{KEY}address:{address}", 50),
        _Count(f"{KEY}name:{known}", 100),
    )


def _in_words(seconds: int) -> str:
    if seconds < 60:
        return f"{seconds} second{'s' if seconds != 1 else ''}"
    minutes = -(-seconds // 60)
    return f"{minutes} minute{'s' if minutes != 1 else ''}"
