"""`/saved-searches`: the searches that have a name, and the forms that save, rename and delete them.

Each form ends in a redirect, so that reloading a page changes nothing.
"""

from flask import Blueprint, Flask, Response, redirect, render_template, request, url_for
from werkzeug.datastructures import MultiDict
from werkzeug.wrappers import Response as Redirect

from app.problems import problem_of
from app.saved import NameTakenError, SavedSearch, SavedSearchesFullError, SavedState, UnusableNameError
from app.services import query_limits, saved_of_actor, services
from indexer.status import StatusUnavailableError

blueprint = Blueprint("saved_searches", __name__)
_LISTED = 12


def register(app: Flask) -> None:
    """Make the saved searches known to the templates."""
    app.jinja_env.globals.update(saved_searches=_listed)


def _listed() -> tuple[list[SavedSearch], int] | None:
    """Those that the search page lists, and how many there are; None while Redis is away: searching goes on."""
    try:
        found = saved_of_actor().all()
    except StatusUnavailableError:
        return None
    return found[:_LISTED], len(found)


@blueprint.get("/saved-searches")
def index() -> str:
    """List all of them."""
    return _page()


@blueprint.post("/saved-searches")
def add() -> Redirect | Response:
    """Save the search that the form describes, and show it."""
    state = _state(request.form)
    state.check(query_limits(services().settings))
    name = request.form.get("name", "")
    try:
        saved_of_actor().add(name, state, shared=bool(request.form.get("shared")))
    except (UnusableNameError, NameTakenError, SavedSearchesFullError) as error:
        return _refused(error, new=(name, state))
    return redirect(url_for("search.index", **state.parameters()), 303)


@blueprint.post("/saved-searches/<search>/name")
def rename(search: str) -> Redirect | Response:
    """Give one another name."""
    try:
        saved_of_actor().change(search, request.form.get("name", ""))
    except (UnusableNameError, NameTakenError) as error:
        return _refused(error)
    return redirect(url_for("saved_searches.index"), 303)


@blueprint.post("/saved-searches/<search>/delete")
def delete(search: str) -> Redirect:
    """Forget one."""
    saved_of_actor().delete(search)
    return redirect(url_for("saved_searches.index"), 303)


def _state(form: MultiDict[str, str]) -> SavedState:
    usual = SavedState()
    single = {name: form.get(name) or getattr(usual, name) for name in ("q", "level", "sort", "fields", "facets")}
    return SavedState(**single, filter=tuple(form.getlist("filter")))


def _refused(error: Exception, new: tuple[str, SavedState] | None = None) -> Response:
    return Response(_page(str(error), new), problem_of(error).status, mimetype="text/html")


def _page(message: str = "", new: tuple[str, SavedState] | None = None) -> str:
    return render_template("saved_searches.html", saved=saved_of_actor().all(), message=message, new=new)
