"""Tokens in forms, which prove that a page of ours was filled in by the one whose session it is.

They go with the cookie of a session (Flask-WTF makes and checks them). Programs with a token of the API send no cookie,
and where nobody signs in there is none: then `app.same_origin` keeps other sites out alone, as it does everywhere.
"""

from flask import request, session
from flask_wtf.csrf import generate_csrf, validate_csrf
from markupsafe import Markup
from wtforms.validators import ValidationError

from app.accounts.current import actor_if_known

FIELD = "csrf_token"
HEADER = "X-CSRF-Token"
_SAFE = ("GET", "HEAD", "OPTIONS")
# A form of files is read by its view, which then checks the token itself.
_READ_BY_VIEW = ("uploads.upload",)


class ForgedRequestError(Exception):
    """A request carries no token, or one of another session."""

    def __init__(self) -> None:
        super().__init__(
            "The form is of another session, or was open for too long: go back, load the page anew and try again."
        )


def check_request() -> None:
    """Check the token of a request that changes something.

    Raises
    ------
    ForgedRequestError
        It has none, or a wrong one.
    """
    if request.method in _SAFE or request.endpoint in _READ_BY_VIEW or not _has_cookie():
        return
    given = request.headers.get(HEADER)
    if given is None and request.mimetype in ("application/x-www-form-urlencoded", "multipart/form-data"):
        given = request.form.get(FIELD)
    check(given)


def check(token: str | None) -> None:
    """Check a token, where this request needs one.

    Raises
    ------
    ForgedRequestError
        It is missing, or wrong.
    """
    if not _has_cookie():
        return
    try:
        validate_csrf(token or "", time_limit=None, token_key=FIELD)
    except ValidationError as error:
        raise ForgedRequestError from error


def field() -> Markup:
    """The field that each form needs."""
    return Markup('<input type="hidden" name="{}" value="{}">').format(FIELD, token()) if _has_cookie() else Markup()


def token() -> str:
    """The token of this session; empty where none is needed."""
    return str(generate_csrf(token_key=FIELD)) if _has_cookie() else ""


def renew() -> None:
    """Forget what was in the cookie before somebody signed in or out."""
    session.clear()


def _has_cookie() -> bool:
    """Whether a browser would send proof of who asks by itself; so it does where somebody is about to sign in."""
    found = actor_if_known()
    return found is None or found.via in ("session", "proxy")
