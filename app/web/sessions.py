"""`/login`: signing in and out; and whether somebody has signed in, for nginx in front of Kibana."""

from flask import Blueprint, Response, redirect, render_template, request, session, url_for
from flask.typing import ResponseReturnValue
from werkzeug.wrappers import Response as Redirect

from app.accounts import csrf
from app.accounts.accounts import WrongPasswordError
from app.accounts.current import actor, actor_if_known
from app.accounts.guarding import SESSION, local_address
from app.accounts.model import Role
from app.accounts.throttle import TooManyLoginsError
from app.metrics.meter import count_sign_in_failure
from app.services import services

blueprint = Blueprint("sessions", __name__)

# What is behind nginx beside the application, and the least role that may use it. Flower can end workers and tasks.
_BEHIND = {"kibana": Role.VIEWER, "flower": Role.ADMIN}


@blueprint.get("/login")
def login() -> ResponseReturnValue:
    """Show the form, but to those who have signed in."""
    there = local_address(request.args.get("next"))
    if actor_if_known() is not None:
        return redirect(there or url_for("search.index"))
    return _page("", there)


@blueprint.post("/login")
def log_in() -> ResponseReturnValue:
    """Sign in, and go where one wanted to."""
    name, there = request.form.get("name", ""), local_address(request.form.get("next"))
    if not services().accounts.needed:
        return redirect(there or url_for("search.index"), 303)
    try:
        id_ = services().accounts.log_in(name, request.form.get("password", ""), request.remote_addr or "")
    except WrongPasswordError as error:
        count_sign_in_failure("password")
        return Response(_page(str(error), there, name), 401, mimetype="text/html")
    except TooManyLoginsError as error:
        count_sign_in_failure("password")
        response = Response(_page(str(error), there, name), 429, mimetype="text/html")
        response.headers["Retry-After"] = str(error.seconds)
        return response
    # Nothing of the cookie from before: whoever may have put it there must not know this session.
    csrf.renew()
    session[SESSION] = id_
    return redirect(there or url_for("search.index"), 303)


@blueprint.post("/logout")
def log_out() -> Redirect:
    """End this session."""
    id_ = session.get(SESSION)
    if isinstance(id_, str):
        services().accounts.sessions.end(id_)
    csrf.renew()
    return redirect(url_for("sessions.login"), 303)


@blueprint.get("/-/auth")
def allowed() -> Response:
    """Say whether the one who asks may use what is behind nginx: 204, 401 or 403."""
    if actor_if_known() is None:
        return Response(status=401)
    found, least = actor(), _BEHIND.get(request.args.get("for", ""))
    if found.deidentified or least is None or found.role < least:
        return Response(status=403)
    return Response(status=204, headers={"X-Dicomsearch-User": found.name})


def _page(message: str, there: str | None, name: str = "") -> str:
    return render_template("login.html", message=message, next=there, name=name)
