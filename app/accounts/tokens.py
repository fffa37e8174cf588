"""Tokens with which programs use the API: `Authorization: Bearer dst_…`.

A token is shown once, when it is made. Redis has its digest alone; it is random and long, so a plain SHA-256 is enough.
It may do what its role allows, but never more than its user may at that time.
"""

import hashlib
import hmac
import json
import re
import secrets
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from app.accounts.model import Role, UnusableUserError
from indexer.status import asking_redis

KEY = "tokens"
USED = "tokens:used"
PREFIX = "dst_"
_FORM = re.compile(rf"{PREFIX}([0-9a-f]{{16}})_([A-Za-z0-9_-]{{43}})")
_LONGEST_NAME = 100
_MOST = 50  # of one user
_USED_SECONDS = 60  # how exactly it is noted when a token was used


class TokenNotFoundError(Exception):
    """The user has no token of this id."""


@dataclass(frozen=True, slots=True)
class Token:
    """A token.

    Attributes
    ----------
    id
        Names it; the second part, which proves it, is not kept.
    name
        What it is for, in the words of its user.
    role
        What it may do, at most.
    deidentified
        Whether identifying attributes are masked for it.
    expires
        When it ends (UTC), if ever.
    last_used
        To a minute (UTC).
    """

    id: str
    user: str
    name: str
    role: Role
    deidentified: bool
    add_date: datetime
    expires: datetime | None
    last_used: datetime | None

    @property
    def has_expired(self) -> bool:
        """Whether it has ended."""
        return self.expires is not None and self.expires <= datetime.now(UTC)


class Tokens:
    """All tokens.

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

    def create(
        self, user: str, name: str, role: Role, *, days: float | None = None, deidentified: bool = False
    ) -> tuple[Token, str]:
        """Make a token; the text that proves it is answered this once.

        Parameters
        ----------
        days
            How long it lasts; None for ever.

        Raises
        ------
        UnusableUserError
            Where it has no usable name, or there are too many.
        """
        clean = " ".join(name.split())
        if not clean or len(clean) > _LONGEST_NAME or not clean.isprintable():
            raise UnusableUserError(f"Say what the token is for, in 1 to {_LONGEST_NAME} characters.")
        if len(self.of(user)) >= _MOST:
            raise UnusableUserError(f"A user has {_MOST} tokens at most: revoke one first.")
        now = datetime.now(UTC)
        expires = now + timedelta(days=days) if days is not None else None
        token = Token(secrets.token_hex(8), user, clean, role, deidentified, now, expires, None)
        secret = secrets.token_urlsafe(32)
        with asking_redis():
            self._redis.hset(KEY, token.id, _written(token, _digest(secret)))
        return token, f"{PREFIX}{token.id}_{secret}"

    def find(self, text: str) -> Token | None:
        """The token that a text proves; None where it proves none, or one that has ended."""
        match = _FORM.fullmatch(text)
        if match is None:
            return None
        id_, secret = match.groups()
        with asking_redis(), self._redis.pipeline() as pipeline:
            pipeline.hget(KEY, id_)
            pipeline.hget(USED, id_)
            found, used = pipeline.execute()
        if found is None or not hmac.compare_digest(json.loads(found)["digest"], _digest(secret)):
            return None
        token = _read(id_, found, used)
        if token.has_expired:
            return None
        self._note_use(token)
        return token

    def of(self, user: str) -> list[Token]:
        """The tokens of a user, the newest first."""
        with asking_redis(), self._redis.pipeline() as pipeline:
            pipeline.hgetall(KEY)
            pipeline.hgetall(USED)
            found, used = pipeline.execute()
        tokens = [_read(id_, text, used.get(id_)) for id_, text in found.items()]
        return sorted((one for one in tokens if one.user == user), key=lambda one: one.add_date, reverse=True)

    def revoke(self, user: str, id_: str) -> None:
        """Revoke a token of a user.

        Raises
        ------
        TokenNotFoundError
            Where the user has none of this id.
        """
        if id_ not in {token.id for token in self.of(user)}:
            raise TokenNotFoundError("There is no token with this id: it may have been revoked.")
        self._forget(id_)

    def revoke_all(self, user: str) -> None:
        """Revoke all tokens of a user."""
        if ids := [token.id for token in self.of(user)]:
            self._forget(*ids)

    def _forget(self, *ids: str) -> None:
        with asking_redis(), self._redis.pipeline() as pipeline:
            pipeline.hdel(KEY, *ids)
            pipeline.hdel(USED, *ids)
            pipeline.execute()

    def _note_use(self, token: Token) -> None:
        now = datetime.now(UTC)
        if token.last_used is None or (now - token.last_used).total_seconds() > _USED_SECONDS:
            with asking_redis():
                self._redis.hset(USED, token.id, now.isoformat(timespec="seconds"))


def _written(token: Token, digest: str) -> str:
    return json.dumps(
        {
            "user": token.user,
            "name": token.name,
            "role": token.role.label,
            "deidentified": token.deidentified,
            "add_date": token.add_date.isoformat(timespec="milliseconds"),
            "expires": token.expires.isoformat(timespec="seconds") if token.expires else None,
            "digest": digest,
        }
    )


def _read(id_: str, text: str, used: str | None) -> Token:
    found = json.loads(text)
    return Token(
        id=id_,
        user=found["user"],
        name=found["name"],
        role=Role.read(found["role"]),
        deidentified=found["deidentified"],
        add_date=datetime.fromisoformat(found["add_date"]),
        expires=datetime.fromisoformat(found["expires"]) if found["expires"] else None,
        last_used=datetime.fromisoformat(used) if used else None,
    )


def _digest(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()
