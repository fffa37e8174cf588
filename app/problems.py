"""What went wrong, told as RFC 9457 problem documents to programs and as a page to people; never as a stack trace."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any

import redis
import structlog
from flask import Flask, Response, current_app, render_template, request
from flask.typing import ResponseReturnValue
from kombu.exceptions import OperationalError
from werkzeug.exceptions import HTTPException

from app.accounts.csrf import ForgedRequestError
from app.accounts.guarding import MaskedError, NotAllowedError, SignInNeededError, is_for_programs
from app.accounts.model import UnusableUserError
from app.accounts.store import UserConflictError, UserNotFoundError
from app.accounts.tokens import TokenNotFoundError
from app.archive import ArchiveUnavailableError, HeaderNotFoundError, ImageNotFoundError, QueryRefusedError
from app.audit.searching import UnusableEventFilterError
from app.deidentified import DeidentifiedError
from app.es.allowed import NotOfferedError
from app.export import ExportsBusyError, ExportTooLargeError
from app.logs.requests import route
from app.preview.errors import PreviewError
from app.saved import (
    NameTakenError,
    NotYourSearchError,
    SavedSearchesFullError,
    SavedSearchNotFoundError,
    UnusableNameError,
    UnusableStateError,
)
from app.search.columns import UnusableColumnError
from app.search.errors import MaskedQueryError, QuerySyntaxError
from app.search.facets import UnusableFacetError
from app.search.filters import UnusableFilterError
from app.search.sorting import UnusableCursorError, UnusableSortError
from app.search.views import MaskedFieldError
from app.uploads import UploadError
from indexer import traces
from indexer.audit import AuditUnavailableError
from indexer.logs.lines import places_of
from indexer.operations import BatchBusyError, OperationRefusedError, UnknownBatchError
from indexer.sink import ElasticsearchUnavailableError
from indexer.status import StatusUnavailableError

_log = structlog.get_logger(__name__)
_PREFIX = "urn:dicomsearch:problem:"
CONTENT_TYPE = "application/problem+json"
_RETRY_SECONDS = 5


@dataclass(frozen=True, slots=True)
class Problem:
    """One problem document.

    Attributes
    ----------
    kind
        Names the sort of problem for programs; empty where the HTTP status says it all.
    more
        Further members, such as the position in a query.
    """

    status: int
    title: str
    detail: str
    kind: str = ""
    more: Mapping[str, Any] = field(default_factory=dict)

    def document(self) -> dict[str, Any]:
        """As JSON."""
        type_ = _PREFIX + self.kind if self.kind else "about:blank"
        return {"type": type_, "title": self.title, "status": self.status, "detail": self.detail, **self.more}


class BatchNotFoundError(Exception):
    """There is no batch of this id."""


class UnusableParametersError(Exception):
    """Parameters of a request do not fit; the message names each."""


def problem_of(error: Exception) -> Problem:
    """Put an error into words."""
    match error:
        case MaskedQueryError():
            where = {"position": error.position, "length": error.length}
            return Problem(403, "The query asks for what is masked", error.detail, "deidentified", where)
        case DeidentifiedError() | MaskedFieldError():
            return Problem(403, "Identifying attributes are masked", str(error), "deidentified")
        case QuerySyntaxError():
            more = {"position": error.position, "length": error.length, "suggestions": list(error.suggestions)}
            return Problem(400, "The query cannot be understood", error.detail, "query-syntax", more)
        case QueryRefusedError():
            return Problem(400, "The query cannot be run", str(error), "query-refused")
        case UnusableSortError():
            return Problem(400, "The results cannot be sorted so", str(error), "sort")
        case UnusableColumnError():
            return Problem(400, "A field cannot be shown", str(error), "fields")
        case UnusableFilterError():
            return Problem(400, "A filter cannot be used", str(error), "filter")
        case UnusableFacetError():
            return Problem(400, "A facet cannot be counted", str(error), "facets")
        case ExportTooLargeError():
            return Problem(400, "There is too much to export", str(error), "export-too-large")
        case ExportsBusyError():
            return Problem(429, "Too many exports at a time", str(error), "exports-busy")
        case UnusableStateError() | UnusableNameError():
            return Problem(400, "The search cannot be saved", str(error), "saved-search")
        case NameTakenError():
            return Problem(409, "The name is taken", str(error), "name-taken")
        case SavedSearchesFullError():
            return Problem(409, "There are too many saved searches", str(error), "saved-searches-full")
        case SavedSearchNotFoundError():
            text = "There is no saved search with this id: it may have been deleted."
            return Problem(404, "Saved search not found", text, "saved-search-not-found")
        case UnusableCursorError():
            return Problem(400, "This is no page of this search", str(error), "after")
        case UnusableParametersError():
            return Problem(400, "The parameters do not fit", str(error), "parameters")
        case PreviewError() | UploadError():
            return Problem(error.status, error.title, str(error), error.kind)
        case ImageNotFoundError():
            return Problem(404, "Image not found", "There is no image with this id in the archive.", "image-not-found")
        case HeaderNotFoundError():
            return Problem(404, "Field not found", str(error), "field-not-found")
        case BatchNotFoundError() | UnknownBatchError():
            return Problem(404, "Batch not found", "There is no batch with this id.", "batch-not-found")
        case BatchBusyError():
            return Problem(409, "The batch is busy", str(error), "batch-busy")
        case OperationRefusedError():
            return Problem(409, "This cannot be done with the batch", str(error), "operation-refused")
        case ArchiveUnavailableError() | ElasticsearchUnavailableError():
            return Problem(503, "The archive cannot be searched", str(error), "archive-unavailable")
        case UnusableEventFilterError():
            return Problem(400, "The audit log cannot be searched so", str(error), "audit-filter")
        case AuditUnavailableError():
            return Problem(503, "This cannot be recorded", str(error), "audit-unavailable")
        case StatusUnavailableError():
            return Problem(503, "The status cannot be read", str(error), "status-unavailable")
        case redis.ConnectionError() | redis.TimeoutError() | OperationalError():
            text = "Redis does not answer: nothing was changed, or only in part. Try again when it is back."
            return Problem(503, "The status cannot be changed", text, "status-unavailable")
        case SignInNeededError():
            return Problem(401, "You have not signed in", str(error), "sign-in")
        case NotOfferedError():
            return Problem(403, "This is not offered", str(error), "not-offered")
        case NotAllowedError() | NotYourSearchError():
            return Problem(403, "You may not do this", str(error), "not-allowed")
        case MaskedError():
            return Problem(403, "This is masked for you", str(error), "masked")
        case ForgedRequestError():
            return Problem(403, "This form cannot be taken", str(error), "forged")
        case UnusableUserError():
            return Problem(400, "This cannot be an account", str(error), "user")
        case UserConflictError():
            return Problem(409, "The user cannot be changed so", str(error), "user-conflict")
        case UserNotFoundError():
            return Problem(404, "User not found", str(error), "user-not-found")
        case TokenNotFoundError():
            return Problem(404, "Token not found", str(error), "token-not-found")
        case HTTPException(code=int(code)):
            return Problem(code, HTTPStatus(code).phrase, error.description or "")
    return Problem(500, "Internal error", "Something unexpected happened; the log of the server tells more.")


def handle_problems(app: Flask) -> None:
    """Answer every error with its problem."""
    app.register_error_handler(Exception, _answer)


def problem_response(problem: Problem) -> Response:
    """Answer a program."""
    return Response(current_app.json.dumps(problem.document()), problem.status, content_type=CONTENT_TYPE)


def _answer(error: Exception) -> ResponseReturnValue:
    if isinstance(error, HTTPException) and error.response is not None:
        return error.response  # made by whoever raised it
    problem = problem_of(error)
    if problem.status >= 500:
        # Which kind of error and where, without its message, which could quote a header.
        where = {"at": places_of(error)} if problem.status == 500 else {}
        _log.error("request failed", route=route(), error=type(error).__name__, **where)
        if problem.status == 500:
            traces.report(error)
    if is_for_programs() or request.path in ("/healthz", "/readyz"):
        response = problem_response(problem)
    else:
        response = Response(render_template("problem.html", problem=problem), problem.status, mimetype="text/html")
    if isinstance(error, HTTPException):
        for name, value in error.get_headers():
            if name.lower() in ("allow", "retry-after", "location", "content-range"):
                response.headers[name] = value
    if problem.status == 401:
        response.headers["WWW-Authenticate"] = "Bearer"
    if problem.status in (429, 503):
        response.headers["Retry-After"] = str(_RETRY_SECONDS)
    return response
