"""`/users`: who has an account, for administrators."""

from flask import Blueprint, Response, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from app.accounts.model import Role, UnusableUserError
from app.accounts.store import UserConflictError
from app.services import services

blueprint = Blueprint("users", __name__)


@blueprint.get("/users")
def index() -> str:
    """List all users."""
    return _page()


@blueprint.post("/users")
def add() -> ResponseReturnValue:
    """Add a user."""
    form = request.form
    try:
        services().accounts.users.add(
            form.get("name", ""),
            Role.read(form.get("role", "")),
            form.get("password") or None,
            deidentified=bool(form.get("masked")),
        )
    except (UnusableUserError, UserConflictError) as error:
        return Response(_page(str(error)), 400, mimetype="text/html")
    return redirect(url_for("users.index"), 303)


@blueprint.post("/users/<name>")
def change(name: str) -> ResponseReturnValue:
    """Change role, mask or password of a user, or whether the user may come in."""
    accounts, form = services().accounts, request.form
    try:
        accounts.change(
            name,
            role=Role.read(form["role"]) if "role" in form else None,
            deidentified=bool(form.get("masked")),
            disabled=bool(form.get("disabled")),
            password=form.get("password") or None,
        )
    except (UnusableUserError, UserConflictError) as error:
        return Response(_page(str(error)), 400, mimetype="text/html")
    return redirect(url_for("users.index"), 303)


@blueprint.post("/users/<name>/delete")
def delete(name: str) -> ResponseReturnValue:
    """Delete a user."""
    try:
        services().accounts.delete(name)
    except UserConflictError as error:
        return Response(_page(str(error)), 400, mimetype="text/html")
    return redirect(url_for("users.index"), 303)


def _page(message: str = "") -> str:
    accounts = services().accounts
    return render_template(
        "users.html", users=accounts.users.all(), message=message, roles=list(Role), needed=accounts.needed
    )
