"""Users in Redis: one hash, name → JSON.

A change is a transaction that begins anew when another one comes between, so that two administrators who take the role
from each other at the same time do not both succeed: one remains who can give it back.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any, TypeVar

from app.accounts.model import Role, UnusableUserError, User, clean_user_name
from app.accounts.passwords import hash_password
from indexer.status import asking_redis

KEY = "users"
MOST = 10_000
T = TypeVar("T")


class UserNotFoundError(Exception):
    """There is no user of this name."""


class UserConflictError(Exception):
    """A user cannot be added or changed so, because of others; the message says why."""


class Users:
    """All who have an account.

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

    def all(self) -> list[User]:
        """All of them, by name."""
        with asking_redis():
            found = self._redis.hgetall(KEY)
        return [_read(name, found[name]) for name in sorted(found)]

    def find(self, name: str) -> User | None:
        """One of them; None where there is none."""
        with asking_redis():
            text = self._redis.hget(KEY, name.strip().lower().encode("utf-8", "replace"))
        return _read(name.strip().lower(), text) if text is not None else None

    def get(self, name: str) -> User:
        """One of them.

        Raises
        ------
        UserNotFoundError
            Where there is none.
        """
        found = self.find(name)
        if found is None:
            raise UserNotFoundError(f"There is no user “{name[:64]}”.")
        return found

    def add(self, name: str, role: Role, password: str | None, *, deidentified: bool = False) -> User:
        """Add a user.

        Parameters
        ----------
        password
            None for those whom only a trusted proxy signs in.

        Raises
        ------
        UnusableUserError, UserConflictError
            Where it cannot be added so.
        """
        clean = clean_user_name(name)
        hashed = hash_password(password, clean) if password is not None else None
        now = datetime.now(UTC)
        user = _checked(User(clean, role, deidentified, False, hashed, now, now, None))

        def change(transaction: Any) -> User:
            known = transaction.hgetall(KEY)
            if clean in known:
                raise UserConflictError(f"There is a user “{clean}” already.")
            if len(known) >= MOST:
                raise UserConflictError(f"There are {MOST:,} users, and no more can be.")
            return _put(transaction, user)

        return self._transaction(change)

    def change(
        self,
        name: str,
        *,
        role: Role | None = None,
        deidentified: bool | None = None,
        disabled: bool | None = None,
        password: str | None = None,
    ) -> User:
        """Change a user; what is None stays as it is.

        Raises
        ------
        UserNotFoundError, UnusableUserError, UserConflictError
            Where it cannot be changed so.
        """
        hashed = hash_password(password, name) if password is not None else None

        def change(transaction: Any) -> User:
            known = transaction.hgetall(KEY)
            old = _existing(known, name)
            new = replace(
                old,
                role=old.role if role is None else role,
                deidentified=old.deidentified if deidentified is None else deidentified,
                disabled=old.disabled if disabled is None else disabled,
                password=hashed or old.password,
                modify_date=datetime.now(UTC),
            )
            _keep_an_admin(known, new)
            return _put(transaction, _checked(new))

        return self._transaction(change)

    def signed_in(self, name: str) -> None:
        """Note that a user has just signed in with the password."""

        def change(transaction: Any) -> User:
            return _put(transaction, replace(_existing(transaction.hgetall(KEY), name), last_login=datetime.now(UTC)))

        self._transaction(change)

    def delete(self, name: str) -> None:
        """Delete a user.

        Raises
        ------
        UserNotFoundError, UserConflictError
            Where there is none, or nobody else is an administrator.
        """

        def change(transaction: Any) -> None:
            known = transaction.hgetall(KEY)
            _keep_an_admin(known, replace(_existing(known, name), disabled=True))
            transaction.multi()
            transaction.hdel(KEY, name)

        self._transaction(change)

    def _transaction(self, change: Callable[[Any], T]) -> T:
        with asking_redis():
            result: T = self._redis.transaction(change, KEY, value_from_callable=True)
        return result


def _checked(user: User) -> User:
    if user.deidentified and user.role is Role.ADMIN:
        raise UnusableUserError("An administrator reads the audit log, so nothing can be masked for one.")
    return user


def _keep_an_admin(known: Mapping[str, str], changed: User) -> None:
    if changed.role is Role.ADMIN and not changed.disabled:
        return
    others = [_read(name, text) for name, text in known.items() if name != changed.name]
    was = _read(changed.name, known[changed.name])
    if was.role is not Role.ADMIN or was.disabled:
        return
    if not any(other.role is Role.ADMIN and not other.disabled for other in others):
        raise UserConflictError(f"“{changed.name}” is the only administrator: make another one first.")


def _existing(known: Mapping[str, str], name: str) -> User:
    if name not in known:
        raise UserNotFoundError(f"There is no user “{name[:64]}”.")
    return _read(name, known[name])


def _put(transaction: Any, user: User) -> User:
    document = {
        "role": user.role.label,
        "deidentified": user.deidentified,
        "disabled": user.disabled,
        "password": user.password,
        "add_date": user.add_date.isoformat(timespec="milliseconds"),
        "modify_date": user.modify_date.isoformat(timespec="milliseconds"),
        "last_login": user.last_login.isoformat(timespec="milliseconds") if user.last_login else None,
    }
    transaction.multi()
    transaction.hset(KEY, user.name, json.dumps(document))
    return user


def _read(name: str, text: str) -> User:
    found = json.loads(text)
    return User(
        name=name,
        role=Role.read(found["role"]),
        deidentified=found["deidentified"],
        disabled=found["disabled"],
        password=found["password"],
        add_date=datetime.fromisoformat(found["add_date"]),
        modify_date=datetime.fromisoformat(found["modify_date"]),
        last_login=datetime.fromisoformat(found["last_login"]) if found["last_login"] else None,
    )
