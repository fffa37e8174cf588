"""`/upload`: choosing files and folders that become a batch.

With scripts the page puts the files one by one through the API and shows how far they are. Without, a form sends them
all in one request, whose files go to disk as they come.
"""

import io
from typing import IO, Any

from flask import Blueprint, Response, redirect, render_template, request, url_for
from werkzeug.exceptions import HTTPException
from werkzeug.formparser import FormDataParser
from werkzeug.wrappers import Response as Redirect

from app.accounts import csrf
from app.accounts.csrf import ForgedRequestError
from app.audit import note
from app.bodies import drain, endless_body
from app.problems import problem_of
from app.services import services
from app.uploads import IncompleteFileError, Receiver, UploadError, UploadsOffError
from app.uploads.announcing import announce
from indexer.audit import Kind, Thing

blueprint = Blueprint("uploads", __name__)

_FIELD_BYTES = 100_000
# Fields of the form that are no files, or files that nobody chose.
_OTHER_PARTS = 10


@blueprint.get("/upload")
def index() -> str:
    """Show the form."""
    return _page()


@blueprint.post("/upload")
def upload() -> Redirect | Response:
    """Take all files of the form, and show their batch."""
    uploads = services().uploads
    try:
        begun = uploads.begin()
        try:
            name = _receive(begun.id)
            folder = uploads.complete(begun.id, name, unique=True)
        except BaseException:
            uploads.discard(begun.id)
            raise
    except (UploadError, ForgedRequestError, HTTPException) as error:
        drain()
        problem = problem_of(error)
        return Response(_page(problem.detail), problem.status, mimetype="text/html")
    batch = announce(services().indexer, folder)
    note(Thing(Kind.BATCH, batch))
    return redirect(url_for("batches.show", batch=batch, uploaded=1), 303)


def _receive(id_: str) -> str:
    """Write the files of the form to disk as they come; answer the name of the batch."""
    body = endless_body()
    open_files: list[_FormFile] = []

    def file_for(
        total_content_length: int | None,
        content_type: str | None,
        filename: str | None,
        content_length: int | None = None,
    ) -> IO[bytes]:
        if not filename:
            return _Nothing()  # a field in which nothing was chosen
        open_files[:] = [_FormFile(services().uploads.form_receiver(id_, filename))]
        return open_files[0]

    parser = FormDataParser(
        stream_factory=file_for,
        max_form_memory_size=_FIELD_BYTES,
        max_form_parts=services().uploads.bounds.files + _OTHER_PARTS,
        silent=False,
    )
    try:
        _, form, _ = parser.parse(body, request.mimetype, request.content_length, request.mimetype_params)
    except (OSError, ValueError) as error:
        raise IncompleteFileError("The connection ended before the last file did: send them again.") from error
    finally:
        for file in open_files:
            file.discard()
    csrf.check(form.get(csrf.FIELD))
    return form.get("name", "")


class _FormFile(io.BytesIO):
    """A file of a form, as the parser writes it; when it is whole, the parser goes back to its beginning."""

    def __init__(self, receiver: Receiver) -> None:
        super().__init__()
        self._receiver = receiver

    def write(self, data: Any, /) -> int:
        return self._receiver.write(data)

    def seek(self, offset: int, whence: int = 0, /) -> int:
        self._receiver.finish()
        self._receiver.close()
        return 0

    def discard(self) -> None:
        """Throw away what is not whole."""
        self._receiver.close()


class _Nothing(io.BytesIO):
    """Keeps nothing of what is written."""

    def write(self, data: Any, /) -> int:
        return len(data)


def _page(message: str = "") -> str:
    bounds = services().uploads.bounds
    if not bounds.allowed and not message:
        message = str(UploadsOffError())
    return render_template("upload.html", bounds=bounds, message=message)
