"""`/batches/<id>`: one batch, its errors and its files."""

from flask import Blueprint, abort, render_template, request, url_for

from app.archive import ArchiveUnavailableError
from app.archive.receipts import BatchReceipt
from app.history import sentence
from app.problems import BatchNotFoundError
from app.services import services
from app.web.paging import Pages, page_number
from indexer.status import ImageStatus

blueprint = Blueprint("batches", __name__)
_FILES = 50
_ERRORS = 25
_EVENTS = 100
_HANDED_OVER = ("sync", "verify")


@blueprint.get("/batches/<batch>")
def show(batch: str) -> str:
    """Show a batch."""
    status = services().status
    found = status.batch(batch)
    if found is None:
        raise BatchNotFoundError(batch)
    wanted = _status(request.args.get("status"))
    handed_over = request.args.get("handed_over", "")
    number, errors_number = page_number(request.args.get("page")), page_number(request.args.get("errors"))
    files = status.images(found.id, (number - 1) * _FILES, _FILES, wanted)
    errors = status.errors(found.id, (errors_number - 1) * _ERRORS, _ERRORS) if found.counts.error else None
    return render_template(
        "batch.html",
        batch=found,
        files=files,
        pages=Pages(number, _FILES, files.count).checked(),
        errors=errors,
        error_pages=Pages(errors_number, _ERRORS, errors.count if errors else 0).checked(),
        wanted=wanted,
        page_link=lambda page: url_for("batches.show", batch=found.id, status=wanted, page=page),
        errors_link=lambda page: url_for("batches.show", batch=found.id, errors=page),
        waiting=status.waiting(),
        receipt=_receipt(found.id),
        events=[(event, sentence(event)) for event in status.events(found.id)[:_EVENTS]],
        codes=sorted({error.code for error in errors.results}) if errors else [],
        handed_over=handed_over if handed_over in _HANDED_OVER else "",
        moving=found.status != "DONE" or found.deleting or bool(handed_over),
    )


def _receipt(batch: str) -> BatchReceipt | None:
    """The receipt, as long as Elasticsearch answers: the rest of the page does not need it."""
    try:
        return services().receipts.of(batch)
    except ArchiveUnavailableError:
        return None


def _status(text: str | None) -> ImageStatus | None:
    if not text:
        return None
    if text not in ImageStatus.__members__:
        abort(404, f"Files have no status “{text[:30]}”: there are {', '.join(ImageStatus)}.")
    return ImageStatus(text)
