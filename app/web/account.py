"""`/account`: one's own password, sessions and tokens."""

from flask import Blueprint, Response, redirect, render_template, request, session, url_for
from flask.typing import ResponseReturnValue

from app.accounts.accounts import WrongPasswordError
from app.accounts.current import actor
from app.accounts.guarding import SESSION, NotAllowedError
from app.accounts.making_tokens import make_token
from app.accounts.model import Role, UnusableUserError
from app.accounts.throttle import TooManyLoginsError
from app.services import services

blueprint = Blueprint("account", __name__)


@blueprint.get("/account")
def show() -> str:
    """Show who one is."""
    return _page()


@blueprint.post("/account/password")
def change_password() -> ResponseReturnValue:
    """Change one's own password, which ends all other sessions."""
    accounts = services().accounts
    new = request.form.get("new", "")
    try:
        if new != request.form.get("again", ""):
            raise UnusableUserError("The new password was typed in two ways.")
        accounts.check_password(actor().name, request.form.get("old", ""), request.remote_addr or "")
        accounts.change(actor().name, password=new, keep=session.get(SESSION))
    except (UnusableUserError, WrongPasswordError, TooManyLoginsError) as error:
        text = "The present password is another one." if isinstance(error, WrongPasswordError) else str(error)
        return Response(_page(text), 400, mimetype="text/html")
    return redirect(url_for("account.show", done="password"), 303)


@blueprint.post("/account/sessions")
def end_sessions() -> ResponseReturnValue:
    """End all sessions of one's own but this one."""
    services().accounts.sessions.end_all(actor().name, but=session.get(SESSION))
    return redirect(url_for("account.show", done="sessions"), 303)


@blueprint.post("/account/tokens")
def create_token() -> ResponseReturnValue:
    """Make a token, and show it this once."""
    try:
        role = Role.read(request.form.get("role", ""))
        days = float(request.form["days"]) if request.form.get("days") else None
        _, text = make_token(
            services().accounts, actor(), request.form.get("name", ""), role, days, bool(request.form.get("masked"))
        )
    except (UnusableUserError, NotAllowedError, ValueError) as error:
        text = "The days are no number." if type(error) is ValueError else str(error)
        return Response(_page(text), 400, mimetype="text/html")
    return Response(_page(made=text), 201, mimetype="text/html")


@blueprint.post("/account/tokens/<token>/revoke")
def revoke_token(token: str) -> ResponseReturnValue:
    """Revoke a token of one's own."""
    services().accounts.tokens.revoke(actor().name, token)
    return redirect(url_for("account.show", done="token"), 303)


def _page(message: str = "", made: str = "") -> str:
    accounts = services().accounts
    return render_template(
        "account.html",
        message=message,
        made=made,
        user=accounts.users.find(actor().name),
        tokens=accounts.tokens.of(actor().name),
        sessions=accounts.sessions.count(actor().name),
        roles=[role for role in Role if role <= actor().role],
        done=request.args.get("done", ""),
    )
