"""Who uses dicomsearch, and what they may do."""

import re
from dataclasses import dataclass
from datetime import datetime
from enum import IntEnum
from typing import Literal

_NAME = re.compile(r"[a-z0-9][a-z0-9._@+-]{0,63}")
RoleName = Literal["viewer", "operator", "admin"]
Via = Literal["local", "session", "token", "proxy"]


class UnusableUserError(Exception):
    """A name, role or password that a user cannot have; the message says what is expected."""


class Role(IntEnum):
    """What a user may do; each may also do what those before it may."""

    VIEWER = 1
    """Search, see and export what is in the archive."""
    OPERATOR = 2
    """Bring images in: upload, retry, cancel, describe, compare with the disk."""
    ADMIN = 3
    """Delete, manage users, read the audit log."""

    @property
    def label(self) -> str:
        """The role as it is written everywhere."""
        return self.name.lower()

    @classmethod
    def read(cls, text: str) -> "Role":
        """Read a role.

        Raises
        ------
        UnusableUserError
            There is no such role.
        """
        try:
            return cls[text.strip().upper()]
        except KeyError as error:
            known = ", ".join(role.label for role in cls)
            raise UnusableUserError(f"There is no role “{text[:30]}”: there are {known}.") from error


@dataclass(frozen=True, slots=True)
class Actor:
    """Who asks, in one request.

    Attributes
    ----------
    name
        Of the user; `local` where no accounts are needed.
    role
        What this request may do: of the user, or less where a token is for less.
    deidentified
        Whether identifying attributes are masked.
    via
        How it is known: no accounts are needed (`local`), by signing in on the page (`session`), by a token of the API,
        or from a trusted proxy.
    """

    name: str
    role: Role
    deidentified: bool
    via: Via


LOCAL = Actor("local", Role.ADMIN, False, "local")


@dataclass(frozen=True, slots=True)
class User:
    """A user who has an account.

    Attributes
    ----------
    deidentified
        Whether identifying attributes are masked for this user, whatever the role.
    disabled
        Whether signing in is refused, and tokens with it.
    password
        Its argon2 hash; None for those whom only a trusted proxy signs in.
    last_login
        When the user last signed in with the password (UTC).
    """

    name: str
    role: Role
    deidentified: bool
    disabled: bool
    password: str | None
    add_date: datetime
    modify_date: datetime
    last_login: datetime | None


def clean_user_name(text: str) -> str:
    """A user's name as it is kept: in small letters.

    Raises
    ------
    UnusableUserError
        Where it is none.
    """
    name = text.strip().lower()
    if not _NAME.fullmatch(name):
        raise UnusableUserError(
            "A user's name has up to 64 letters (a to z), digits or . _ @ + -, and begins with a letter or digit."
        )
    return name
