"""Every request: who asks is found out, and compared with what the route asks."""

import re
from urllib.parse import urlsplit

from flask import Flask, redirect, request, session, url_for
from flask.typing import ResponseReturnValue

from app.accounts import csrf
from app.accounts.accounts import Accounts
from app.accounts.current import actor, actor_if_known, set_actor
from app.accounts.model import LOCAL, Actor, Role
from app.accounts.rules import RULES
from app.metrics.meter import count_sign_in_failure

SESSION = "session"
_BEARER = re.compile(r"(?i)bearer +(\S+) *")
_FOR_PROGRAMS = ("/api/", "/es/")


class SignInNeededError(Exception):
    """Nobody has signed in, or the token proves nothing."""


class NotAllowedError(Exception):
    """The user may not do this; the message says who may."""


class MaskedError(Exception):
    """It would show identifying attributes to one for whom they are masked."""

    def __init__(self) -> None:
        super().__init__(
            "This shows who patients are, and for you that is masked. Ask an administrator if you need it."
        )


def guard(app: Flask, accounts: Accounts) -> None:
    """Guard all requests of an application."""
    app.config.update(
        SECRET_KEY=accounts.secret_key,
        SESSION_COOKIE_NAME="__Host-dicomsearch" if accounts.secure_cookies else "dicomsearch",
        SESSION_COOKIE_SECURE=accounts.secure_cookies,
        SESSION_COOKIE_HTTPONLY=True,
        SESSION_COOKIE_SAMESITE="Lax",
        SESSION_REFRESH_EACH_REQUEST=False,
        WTF_CSRF_ENABLED=True,
    )

    def check() -> ResponseReturnValue | None:
        rule = RULES.get(request.endpoint or "")
        if request.endpoint is not None and rule is not None and rule.role is None and _shows_nobody():
            return None
        actor = find_actor(accounts)
        if actor is not None:
            set_actor(actor)
        if request.routing_exception is not None or request.endpoint is None:
            return None
        if rule is None:
            raise NotAllowedError("Nobody may use this: the route has no rule.")
        if rule.role is not None:
            if actor is None:
                return _sign_in()
            require(rule.role, actor)
            if actor.deidentified and not rule.deidentified:
                raise MaskedError
        csrf.check_request()
        return None

    app.before_request(check)
    app.jinja_env.globals.update(
        actor=actor, actor_if_known=actor_if_known, csrf_field=csrf.field, csrf_token=csrf.token, may_use=may_use
    )


def find_actor(accounts: Accounts) -> Actor | None:
    """Who asks in this request; None where nobody has signed in.

    Raises
    ------
    SignInNeededError
        A token was sent that proves nothing.
    """
    if not accounts.needed:
        return LOCAL
    if is_for_programs() and "Authorization" in request.headers:
        match = _BEARER.fullmatch(request.headers["Authorization"])
        actor = accounts.by_token(match.group(1)) if match else None
        if actor is None:
            count_sign_in_failure("token")
            raise SignInNeededError("The token is unknown, revoked or has expired.")
        return actor
    proxy = accounts.proxy
    named = request.headers.get(proxy.header) if proxy else None
    if proxy and named and proxy.is_trusted(peer()):
        found = accounts.by_proxy(named)
        if found is None:
            count_sign_in_failure("proxy")
        return found
    id_ = session.get(SESSION)
    return accounts.by_session(id_) if isinstance(id_, str) else None


def peer() -> str:
    """The address from which the connection of this request comes, whatever a header says."""
    original = request.environ.get("werkzeug.proxy_fix.orig", request.environ)
    return str(original.get("REMOTE_ADDR") or "")


def is_for_programs() -> bool:
    """Whether this request is to an API, whose errors are problem documents."""
    return request.path.startswith(_FOR_PROGRAMS)


def may_use(endpoint: str) -> bool:
    """Whether the one who asks may use a route, so that pages offer nobody what would be refused."""
    rule, found = RULES[endpoint], actor_if_known()
    if rule.role is None:
        return True
    return found is not None and found.role >= rule.role and (rule.deidentified or not found.deidentified)


def require(role: Role, actor: Actor) -> None:
    """Ask for more than the rule of the route.

    Raises
    ------
    NotAllowedError
        The role is not enough.
    """
    if actor.role < role:
        raise NotAllowedError(_who_may(role))


def local_address(text: str | None) -> str | None:
    """An address of ours that one may be sent back to; None where it is none."""
    if not text or not text.startswith("/") or not text.isprintable() or "\\" in text:
        return None
    parts = urlsplit(text)
    return None if parts.scheme or parts.netloc or text.startswith("//") else text


def _sign_in() -> ResponseReturnValue:
    if is_for_programs() or request.method not in ("GET", "HEAD"):
        raise SignInNeededError("Sign in, or send a token: Authorization: Bearer dst_…")
    there = request.full_path.rstrip("?")
    return redirect(url_for("sessions.login", next=None if there == "/" else there), 302)


def _shows_nobody() -> bool:
    """Whether the route is open and does not show who has signed in, so that nobody needs to be found out."""
    return bool(request.endpoint) and not str(request.endpoint).startswith("sessions.")


def _who_may(role: Role) -> str:
    who = "Administrators" if role is Role.ADMIN else f"Users with the role {role.label} or more"
    return f"{who} may do this. Ask an administrator if you need it."
