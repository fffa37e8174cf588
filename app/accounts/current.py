"""Who asks, for everything that handles a request."""

from typing import cast

from flask import g

from app.accounts.model import Actor

_NAME = "dicomsearch_actor"


def actor() -> Actor:
    """Who asks in this request.

    Raises
    ------
    LookupError
        Nobody was found out yet: the request is not guarded, or nobody has signed in and the route is open to all.
    """
    found = actor_if_known()
    if found is None:
        raise LookupError("nobody has signed in for this request")
    return found


def actor_if_known() -> Actor | None:
    """Who asks in this request; None where nobody has signed in, which only open routes see."""
    return cast("Actor | None", g.get(_NAME))


def set_actor(found: Actor) -> None:
    """Say who asks in this request."""
    setattr(g, _NAME, found)
