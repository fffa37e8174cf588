"""What can be done with a batch, by forms: what does harm asks first, on a page of its own.

Each form ends in a redirect to the batch, whose history tells what was done; a comparison that was made at once ends in
its report.
"""

from flask import Blueprint, Response, redirect, render_template, request, url_for
from werkzeug.wrappers import Response as Redirect

from app.accounts.current import actor
from app.accounts.guarding import require
from app.accounts.model import Role
from app.compare import compare_folder, compare_index
from app.problems import UnusableParametersError
from app.services import services
from indexer import operations
from indexer.status import Batch, ErrorCode

blueprint = Blueprint("operations", __name__)


@blueprint.post("/batches/<batch>/describe")
def describe(batch: str) -> Redirect:
    """Change tags and note."""
    tags = request.form.get("tags", "").split(",")
    note = request.form.get("note", "").replace("\r\n", "\n")
    operations.describe(services().indexer, batch, tags=tags, note=note)
    return redirect(url_for("batches.show", batch=batch), 303)


@blueprint.post("/batches/<batch>/retry")
def retry(batch: str) -> Redirect:
    """Try errors again, all or those of one code."""
    operations.retry(services().indexer, batch, _code(request.form.get("code", "")))
    return _history(batch)


@blueprint.get("/batches/<batch>/cancel")
def ask_cancel(batch: str) -> str:
    """Ask whether a batch is to be cancelled."""
    return _ask("cancel", _found(batch))


@blueprint.post("/batches/<batch>/cancel")
def cancel(batch: str) -> Redirect:
    """Cancel a batch."""
    operations.cancel(services().indexer, batch)
    return _history(batch)


@blueprint.get("/batches/<batch>/delete")
def ask_delete(batch: str) -> str:
    """Ask whether a batch is to be deleted, and its files."""
    return _ask("delete", _found(batch))


@blueprint.post("/batches/<batch>/delete")
def delete(batch: str) -> Redirect | Response:
    """Delete a batch; its files only where its name was typed."""
    found = _found(batch)
    files = bool(request.form.get("files"))
    if files and request.form.get("name", "").strip() != found.name.strip():
        message = "To delete the files, too, type the name of the batch."
        return Response(_ask("delete", found, message), 400, mimetype="text/html")
    operations.request_delete(services().indexer, batch, files=files)
    return redirect(url_for("status.index"), 303)


@blueprint.get("/batches/<batch>/sync")
def ask_sync(batch: str) -> str:
    """Ask whether a batch is to be compared with its folder."""
    return _ask("sync", _found(batch))


@blueprint.post("/batches/<batch>/sync")
def sync(batch: str) -> Redirect | str:
    """Compare a batch with its folder, and let search follow it where that was asked."""
    apply = bool(request.form.get("apply"))
    if apply:
        require(Role.ADMIN, actor())  # what has gone from the disk is deleted
    report = compare_folder(services().indexer, batch, apply=apply)
    if report is None:
        return _history(batch, handed_over="sync")
    if apply:
        return _history(batch)
    return render_template("batch_sync.html", batch=_found(batch), report=report, listed=operations.LISTED)


@blueprint.get("/batches/<batch>/verify")
def ask_verify(batch: str) -> str:
    """Ask whether a batch is to be checked against the index."""
    return _ask("verify", _found(batch))


@blueprint.post("/batches/<batch>/verify")
def verify(batch: str) -> Redirect | str:
    """Check a batch against the index, and repair it where that was asked."""
    repair = bool(request.form.get("repair"))
    report = compare_index(services().indexer, batch, repair=repair)
    if report is None:
        return _history(batch, handed_over="verify")
    if repair:
        return _history(batch)
    return render_template("batch_verify.html", batch=_found(batch), report=report, total=sum(report.counts.values()))


def _found(batch: str) -> Batch:
    return operations.find(services().indexer, batch)


def _ask(what: str, batch: Batch, message: str = "") -> str:
    return render_template("batch_ask.html", what=what, batch=batch, message=message)


def _history(batch: str, handed_over: str | None = None) -> Redirect:
    return redirect(url_for("batches.show", batch=batch, handed_over=handed_over, _anchor="history"), 303)


def _code(text: str) -> ErrorCode | None:
    try:
        return ErrorCode(text) if text else None
    except ValueError as error:
        raise UnusableParametersError("code: there is no such error") from error
