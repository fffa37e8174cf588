"""Saved searches in Redis: one hash, id → JSON.

Each has an owner, who alone sees it unless it is shared. Names of an owner are unique whatever their case. A change is
a transaction that begins anew when another one comes between, so that two requests that save under the same name at
the same time do not both succeed.
"""

import json
import secrets
import unicodedata
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any, TypeVar

from app.accounts.model import LOCAL
from app.saved.state import SavedState
from indexer.status import asking_redis

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
    owner
        Name of the user who saved it.
    shared
        Whether all users see it.
    add_date, modify_date
        When it was saved and last changed (UTC).
    """

    id: str
    name: str
    owner: str
    shared: bool
    state: SavedState
    add_date: datetime
    modify_date: datetime


class NotYourSearchError(Exception):
    """A shared search is changed by its owner and by administrators alone."""

    def __init__(self, owner: str) -> None:
        super().__init__(f"The search is {owner}'s: only they and administrators can change it.")


class SavedSearches:
    """All saved searches, as one user sees them.

    Parameters
    ----------
    client
        Of Redis, from `indexer.status.connect`.
    most
        How many there may be, of all users together.
    user
        Name of the user.
    manages
        Whether the user may change those that others share.

    Raises
    ------
    StatusUnavailableError
        By every method, when Redis does not answer.
    """

    def __init__(self, client: Any, most: int, user: str = LOCAL.name, *, manages: bool = True) -> None:
        self._redis = client
        self._most = most
        self._user = user
        self._manages = manages

    def seen_by(self, user: str, *, manages: bool) -> "SavedSearches":
        """The same, as another user sees them."""
        return SavedSearches(self._redis, self._most, user, manages=manages)

    def all(self) -> list[SavedSearch]:
        """The user's own and those that are shared, by name."""
        with asking_redis():
            found = self._redis.hgetall(KEY)
        seen = [one for one in (_read(id_, text) for id_, text in found.items()) if self._sees(one)]
        return sorted(seen, key=lambda one: (_folded(one.name), one.id))

    def get(self, id_: str) -> SavedSearch:
        """One of them.

        Raises
        ------
        SavedSearchNotFoundError
            Where there is none.
        """
        with asking_redis():
            return self._existing(self._redis, id_)

    def add(self, name: str, state: SavedState, *, shared: bool = False) -> SavedSearch:
        """Save a search; where nobody signs in, it is shared in any case.

        Raises
        ------
        UnusableNameError, NameTakenError, SavedSearchesFullError
            Where it cannot be saved so.
        """
        now = datetime.now(UTC)
        everybodys = shared or self._user == LOCAL.name
        wanted = SavedSearch(secrets.token_hex(8), clean_name(name), self._user, everybodys, state, now, now)

        def change(transaction: Any) -> SavedSearch:
            others = transaction.hgetall(KEY)
            if len(others) >= self._most:
                raise SavedSearchesFullError(
                    f"{self._most:,} searches are saved, and no more can be: delete one first."
                )
            return _put(transaction, wanted, others)

        return self._transaction(change)

    def change(
        self, id_: str, name: str, state: SavedState | None = None, *, shared: bool | None = None
    ) -> SavedSearch:
        """Give a search another name and, where they are given, another state, or other readers.

        Raises
        ------
        SavedSearchNotFoundError
            Where there is none.
        NotYourSearchError
            Where it is another user's.
        UnusableNameError, NameTakenError
            Where it cannot be called so.
        """
        wanted = clean_name(name)

        def change(transaction: Any) -> SavedSearch:
            old = self._own(transaction, id_)
            new = replace(
                old,
                name=wanted,
                state=state or old.state,
                shared=old.shared if shared is None else shared or old.owner == LOCAL.name,
                modify_date=datetime.now(UTC),
            )
            return _put(transaction, new, transaction.hgetall(KEY))

        return self._transaction(change)

    def delete(self, id_: str) -> None:
        """Forget a search.

        Raises
        ------
        SavedSearchNotFoundError
            Where there is none.
        NotYourSearchError
            Where it is another user's.
        """
        with asking_redis():
            self._own(self._redis, id_)
            if not self._redis.hdel(KEY, id_):
                raise SavedSearchNotFoundError(id_)

    def _sees(self, search: SavedSearch) -> bool:
        return search.shared or search.owner == self._user

    def _existing(self, client: Any, id_: str) -> SavedSearch:
        text = client.hget(KEY, id_.encode("utf-8", "replace"))
        found = _read(id_, text) if text is not None else None
        if found is None or not self._sees(found):
            raise SavedSearchNotFoundError(id_)
        return found

    def _own(self, client: Any, id_: str) -> SavedSearch:
        found = self._existing(client, id_)
        if found.owner != self._user and not self._manages:
            raise NotYourSearchError(found.owner)
        return found

    def _transaction(self, change: Callable[[Any], T]) -> T:
        with asking_redis():
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
    theirs = [one for one in (_read(id_, text) for id_, text in others.items()) if one.owner == wanted.owner]
    names = {_folded(one.name): one.id for one in theirs}
    if names.get(_folded(wanted.name), wanted.id) != wanted.id:
        raise NameTakenError(f"There is a search with the name “{wanted.name}” already: choose another one.")
    document = {
        "name": wanted.name,
        "owner": wanted.owner,
        "shared": wanted.shared,
        "state": wanted.state.document(),
        "add_date": wanted.add_date.isoformat(timespec="milliseconds"),
        "modify_date": wanted.modify_date.isoformat(timespec="milliseconds"),
    }
    transaction.multi()
    transaction.hset(KEY, wanted.id, json.dumps(document))
    return _read(wanted.id, json.dumps(document))


def _read(id_: str, text: str) -> SavedSearch:
    found = json.loads(text)
    dates = (datetime.fromisoformat(found[name]) for name in ("add_date", "modify_date"))
    # Those that were saved before there were accounts are everybody's.
    owner, shared = found.get("owner", LOCAL.name), found.get("shared", True)
    return SavedSearch(id_, found["name"], owner, shared, SavedState.read(found["state"]), *dates)


def _folded(name: str) -> str:
    return unicodedata.normalize("NFKC", name).casefold()
