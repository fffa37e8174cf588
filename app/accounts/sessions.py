"""Sessions of those who signed in on the page: kept in Redis, so that they end when they are told to.

The browser has a random id in a signed cookie; Redis has only the id's digest, so that who reads Redis cannot take over
a session. A session ends when it is not used for a while, after a working day in any case, when its user signs out or
gets another password, and when an administrator disables the user.
"""

import hashlib
import json
import secrets
import time
from dataclasses import dataclass
from typing import Any

from indexer.status import asking_redis

KEY = "session:"
OF_USER = "sessions:"


@dataclass(frozen=True, slots=True)
class Session:
    """Somebody who has signed in.

    Attributes
    ----------
    since
        Seconds since 1970.
    """

    user: str
    since: float


class Sessions:
    """All sessions.

    Parameters
    ----------
    client
        Of Redis, from `indexer.status.connect`.
    idle_seconds
        A session that is not used for so long has ended.
    seconds
        A session ends after so long in any case.

    Raises
    ------
    StatusUnavailableError
        By every method, when Redis does not answer.
    """

    def __init__(self, client: Any, idle_seconds: float, seconds: float) -> None:
        self._redis = client
        self._idle = int(idle_seconds)
        self._seconds = seconds

    def begin(self, user: str) -> str:
        """Begin a session; its id is for the browser of the user alone."""
        id_, now = secrets.token_urlsafe(32), time.time()
        digest = _digest(id_)
        with asking_redis(), self._redis.pipeline() as pipeline:
            pipeline.set(KEY + digest, json.dumps({"user": user, "since": now}), ex=self._idle)
            pipeline.zremrangebyscore(OF_USER + user, 0, now)
            pipeline.zadd(OF_USER + user, {digest: now + self._seconds})
            pipeline.expire(OF_USER + user, int(self._seconds) + 1)
            pipeline.execute()
        return id_

    def find(self, id_: str) -> Session | None:
        """The session of an id, which is used now; None where there is none, or it has ended."""
        with asking_redis():
            text = self._redis.getex(KEY + _digest(id_), ex=self._idle)
        if text is None:
            return None
        found = json.loads(text)
        if found["since"] + self._seconds < time.time():
            self.end(id_)
            return None
        return Session(found["user"], found["since"])

    def end(self, id_: str) -> None:
        """End a session."""
        with asking_redis():
            self._redis.delete(KEY + _digest(id_))

    def count(self, user: str) -> int:
        """How many sessions a user has."""
        with asking_redis():
            digests = self._redis.zrange(OF_USER + user, 0, -1)
            return int(self._redis.exists(*(KEY + digest for digest in digests))) if digests else 0

    def end_all(self, user: str, *, but: str | None = None) -> None:
        """End all sessions of a user, but for the one of an id."""
        kept = _digest(but) if but else None
        with asking_redis():
            digests = [one for one in self._redis.zrange(OF_USER + user, 0, -1) if one != kept]
            if digests:
                self._redis.delete(*(KEY + digest for digest in digests))
                self._redis.zrem(OF_USER + user, *digests)


def _digest(id_: str) -> str:
    return hashlib.sha256(id_.encode("utf-8", "replace")).hexdigest()
