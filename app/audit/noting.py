"""What only the route knows of its request: how much it found, which batch came of it, who signed in."""

from dataclasses import dataclass, field
from typing import cast

from flask import g

from indexer.audit import Thing

_NAME = "dicomsearch_audit_note"


@dataclass
class Note:
    """What a route has added.

    Attributes
    ----------
    user
        Who it was, where that is found out by the request itself, as in signing in.
    query
        What was asked, where it is not in the parameters `q` and `filter`.
    things
        What else it was about.
    details
        Of what it was about first, such as the number of results.
    """

    user: str | None = None
    query: str | None = None
    things: list[Thing] = field(default_factory=list)
    details: dict[str, str | int] = field(default_factory=dict)


def note(*things: Thing, user: str | None = None, query: str | None = None, **details: str | int) -> None:
    """Add to what is recorded of this request. No password, no token, no value of a header belongs here."""
    noted = noted_of_request()
    noted.things += things
    noted.details |= details
    noted.user = user if user is not None else noted.user
    noted.query = query if query is not None else noted.query


def noted_of_request() -> Note:
    """What was added so far."""
    if _NAME not in g:
        setattr(g, _NAME, Note())
    return cast(Note, getattr(g, _NAME))
