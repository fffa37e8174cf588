"""Recording: after each request is handled, before its answer goes out.

An answer whose event cannot be recorded does not go out: 503 goes instead. What the request has changed by then stays;
but where Redis takes no event it takes no change either.
"""

from collections.abc import Callable
from http import HTTPStatus

from flask import Flask, Response, current_app, request, session

from app.accounts.current import actor_if_known
from app.accounts.model import Actor
from app.audit.noting import noted_of_request
from app.audit.routes import ROUTES, Recorded
from app.audit.things import things_of
from app.audit.unsealing import unsealer
from app.services import whole_services
from indexer.audit import AuditUnavailableError, Event, Operation, Outcome, Participant, Quiet, Thing
from indexer.settings import Settings
from indexer.status import StatusUnavailableError

_SOURCE = "web"
# Whoever has not signed in is recorded as refused, but cannot fill the log by asking again and again.
_REFUSED_SILENCE = 60
_REFUSED = (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN)
_SIGNING = (Operation.LOGIN, Operation.LOGOUT)


def record(app: Flask, settings: Settings) -> None:
    """Record all requests of an application from now on; the last thing that is added to it."""
    opened = unsealer(settings)

    def record_request(response: Response) -> Response:
        found = _event(response, opened)
        if found is None:
            return response
        event, quiet = found
        try:
            whole_services().indexer.audit.append(event, quiet=quiet)
        except AuditUnavailableError as error:
            response.close()
            if event.operation in _SIGNING:
                session.clear()  # nobody is signed in by an answer that does not go out
            return current_app.make_response(current_app.handle_user_exception(error))
        return response

    app.after_request(record_request)


def _event(response: Response, opened: Callable[[str], str]) -> tuple[Event, Quiet | None] | None:
    """What is to be recorded of this request, and for how long not again; None where nothing is.

    Parameters
    ----------
    opened
        Opens the ids in a text that are sealed for those who do not see the true ones.
    """
    if request.endpoint is None or request.method == "OPTIONS":
        return None
    route = ROUTES.get(request.endpoint)
    who = actor_if_known()
    operation, silence = _operation(route, who, response)
    if operation is None:
        return None
    noted = noted_of_request()
    outcome = _outcome(response.status_code)
    description = "" if outcome is Outcome.SUCCESS else f"{response.status_code} {_phrase(response.status_code)}"
    if who is None and operation not in _SIGNING:
        # Also where the answer leads to the page on which one signs in.
        outcome, silence, description = Outcome.SERIOUS_FAILURE, silence or _REFUSED_SILENCE, "nobody has signed in"
    participant = _participant(who, operation, noted.user)
    things = things_of(request, operation, noted)
    if who is not None and who.deidentified:
        things = tuple(_with_true_ids(thing, opened) for thing in things)
    event = Event(operation, participant, _SOURCE, things, outcome, description)
    if not silence:
        return event, None
    same = (participant.user, participant.address, operation.title, str(outcome.value), request.path)
    return event, Quiet(same, silence)


def _operation(route: object, who: Actor | None, response: Response) -> tuple[Operation | None, int]:
    """What this request is, and for how long it is not recorded again; None where it is not recorded."""
    if isinstance(route, Recorded):
        return route.operation, route.silence
    if response.status_code in _REFUSED:
        return Operation.REFUSED, 0 if who is not None else _REFUSED_SILENCE
    return None, 0


def _with_true_ids(thing: Thing, opened: Callable[[str], str]) -> Thing:
    details = {name: opened(value) if isinstance(value, str) else value for name, value in thing.details.items()}
    return Thing(thing.kind, opened(thing.id), opened(thing.query), details)


def _participant(who: Actor | None, operation: Operation, user: str | None) -> Participant:
    address = request.remote_addr or ""
    if who is None:
        if user is None and operation is Operation.LOGIN:
            user = _user_of_form()
        return Participant(user or "", address=address)
    return Participant(who.name, who.role.label, who.via, address, who.deidentified)


def _user_of_form() -> str:
    """As whom somebody signs in; only a name that a user has, since people type passwords into the wrong field."""
    try:
        user = whole_services().accounts.users.find(request.form.get("name", ""))
    except StatusUnavailableError:
        return ""
    return user.name if user is not None else ""


def _outcome(status: int) -> Outcome:
    if status < HTTPStatus.BAD_REQUEST:
        return Outcome.SUCCESS
    if status in _REFUSED or status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        return Outcome.SERIOUS_FAILURE
    return Outcome.MINOR_FAILURE


def _phrase(status: int) -> str:
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return ""
