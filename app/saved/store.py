"""Saved searches in Redis: one hash, id → JSON.

Names are unique whatever their case. A change is a transaction that begins anew when another one comes between, so that
two who save under the same name at the same time do not both succeed.
"""

import json
import secrets
import unicodedata
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any, TypeVar

import redis

from app.saved.state import SavedState
from indexer.status import StatusUnavailableError

KEY = "saved-searches"
LONGEST_NAME = 100
T = TypeVar("T")


class UnusableNameError(Exception):
    """A name that is empty, too long, or cannot be shown; the message says so."""


class NameTakenError(Exception):
    """Another search has this name."""


class SavedSearchesFullError(Exception):
    """There are as many as there may be."""


class SavedSearchNotFoundError(Exception):
    """There is no saved search of this id."""


@dataclass(frozen=True, slots=True)
class SavedSearch:
    """A search with a name.

    Attributes
    ----------
    id
        Stays the same when it gets another name.
    add_date, modify_date
        When it was saved and last changed (UTC).
    """

    id: str
    name: str
    state: SavedState
    add_date: datetime
    modify_date: datetime


class SavedSearches:
    """All saved searches.

    Parameters
    ----------
    client
        Of Redis, from `indexer.status.connect`.
    most
        How many there may be.

    Raises
    ------
    StatusUnavailableError
        By every method, when Redis does not answer.
    """

    def __init__(self, client: Any, most: int) -> None:
        self._redis = client
        self._most = most

    def all(self) -> list[SavedSearch]:
        """All of them, by name."""
        with _asking():
            found = self._redis.hgetall(KEY)
        return sorted((_read(id_, text) for id_, text in found.items()), key=lambda one: (_folded(one.name), one.id))

    def get(self, id_: str) -> SavedSearch:
        """One of them.

        Raises
        ------
        SavedSearchNotFoundError
            Where there is none.
        """
        with _asking():
            return _existing(self._redis, id_)

    def add(self, name: str, state: SavedState) -> SavedSearch:
        """Save a search.

        Raises
        ------
        UnusableNameError, NameTakenError, SavedSearchesFullError
            Where it cannot be saved so.
        """
        now = datetime.now(UTC)
        wanted = SavedSearch(secrets.token_hex(8), clean_name(name), state, now, now)

        def change(transaction: Any) -> SavedSearch:
            others = transaction.hgetall(KEY)
            if len(others) >= self._most:
                raise SavedSearchesFullError(
                    f"{self._most:,} searches are saved, and no more can be: delete one first."
                )
            return _put(transaction, wanted, others)

        return self._transaction(change)

    def change(self, id_: str, name: str, state: SavedState | None = None) -> SavedSearch:
        """Give a search another name and, where one is given, another state.

        Raises
        ------
        SavedSearchNotFoundError
            Where there is none.
        UnusableNameError, NameTakenError
            Where it cannot be called so.
        """
        wanted = clean_name(name)

        def change(transaction: Any) -> SavedSearch:
            old = _existing(transaction, id_)
            new = replace(old, name=wanted, state=state or old.state, modify_date=datetime.now(UTC))
            return _put(transaction, new, transaction.hgetall(KEY))

        return self._transaction(change)

    def delete(self, id_: str) -> None:
        """Forget a search.

        Raises
        ------
        SavedSearchNotFoundError
            Where there is none.
        """
        with _asking():
            if not self._redis.hdel(KEY, id_):
                raise SavedSearchNotFoundError(id_)

    def _transaction(self, change: Callable[[Any], T]) -> T:
        with _asking():
            result: T = self._redis.transaction(change, KEY, value_from_callable=True)
        return result


def clean_name(name: str) -> str:
    """A name as it is kept: composed characters, single spaces.

    Raises
    ------
    UnusableNameError
        Where it is empty, too long, or has characters that cannot be shown.
    """
    clean = " ".join(unicodedata.normalize("NFC", name).split())
    if not clean:
        raise UnusableNameError("Give the search a name.")
    if len(clean) > LONGEST_NAME:
        raise UnusableNameError(f"A name may have {LONGEST_NAME} characters.")
    if not clean.isprintable():
        raise UnusableNameError("The name has characters that cannot be shown.")
    return clean


def _put(transaction: Any, wanted: SavedSearch, others: Mapping[str, str]) -> SavedSearch:
    names = {_folded(json.loads(text)["name"]): id_ for id_, text in others.items()}
    if names.get(_folded(wanted.name), wanted.id) != wanted.id:
        raise NameTakenError(f"There is a search with the name “{wanted.name}” already: choose another one.")
    document = {
        "name": wanted.name,
        "state": wanted.state.document(),
        "add_date": wanted.add_date.isoformat(timespec="milliseconds"),
        "modify_date": wanted.modify_date.isoformat(timespec="milliseconds"),
    }
    transaction.multi()
    transaction.hset(KEY, wanted.id, json.dumps(document))
    return _read(wanted.id, json.dumps(document))


def _existing(client: Any, id_: str) -> SavedSearch:
    text = client.hget(KEY, id_.encode("utf-8", "replace"))
    if text is None:
        raise SavedSearchNotFoundError(id_)
    return _read(id_, text)


def _read(id_: str, text: str) -> SavedSearch:
    found = json.loads(text)
    dates = (datetime.fromisoformat(found[name]) for name in ("add_date", "modify_date"))
    return SavedSearch(id_, found["name"], SavedState.read(found["state"]), *dates)


def _folded(name: str) -> str:
    return unicodedata.normalize("NFKC", name).casefold()


@contextmanager
def _asking() -> Iterator[None]:
    try:
        yield
    except (redis.ConnectionError, redis.TimeoutError) as error:
        raise StatusUnavailableError(
            f"Redis does not answer ({type(error).__name__}): is it running, and is DICOMSEARCH_REDIS_URL right?"
        ) from error
