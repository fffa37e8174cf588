"""What a request is about, as far as its address, parameters and form say: never a password, a token or a file."""

from collections.abc import Iterator, Mapping
from contextlib import suppress
from typing import Any

from flask import Request
from werkzeug.exceptions import HTTPException

from app.audit.noting import Note
from indexer.audit import Kind, Operation, Thing
from indexer.audit.operations import LOG_USED, QUERY

# Parts of addresses that name something.
_NAMED: Mapping[str, Kind] = {
    "image": Kind.IMAGE,
    "batch": Kind.BATCH,
    "upload": Kind.UPLOAD,
    "search": Kind.SAVED_SEARCH,
    "keyword": Kind.FIELD,
    "user": Kind.USER,
    "name": Kind.USER,
    "token": Kind.TOKEN,
}
_ASK = frozenset({Operation.EXPORTED, Operation.SAVED_CREATE, Operation.SAVED_CHANGE})
# Parameters that are told beside what is named or asked. Others are left out, whatever they hold.
_TOLD = (
    "level",
    "format",
    "fields",
    "facets",
    "sort",
    "frame",
    "code",
    "files",
    "apply",
    "repair",
    "status",
    "role",
    "masked",
    "deidentified",
    "disabled",
    "days",
    "tags",
    "note",
    "name",
)
# What people look for in the audit log.
_AUDIT = ("user", "operation", "outcome", "object", "since", "until", "text")


def things_of(request: Request, operation: Operation, noted: Note) -> tuple[Thing, ...]:
    """List what a request is about: what its address names, what it asks, and what its route has added."""
    given = _given(request)
    details: dict[str, str | int] = {
        name: text
        for name in _TOLD
        if (text := _text(given.get(name))) and (name != "name" or _has_safe_name(operation))
    }
    if operation.event == LOG_USED:
        details |= {name: text for name in _AUDIT if (text := _text(given.get(name)))}
    details |= noted.details
    things = [
        Thing(kind, str(value))
        for name, value in (request.view_args or {}).items()
        if (kind := _NAMED.get(name)) is not None
    ]
    if operation is Operation.USER_CREATE and (user := _text(given.get("name"))):
        things.append(Thing(Kind.USER, user))
    if operation.event == LOG_USED:
        things.append(Thing(Kind.LOG, "Security Audit Log"))
    query = noted.query if noted.query is not None else " ".join(_asked(given))
    if operation in _ASK or operation.event == QUERY:
        things.append(Thing(Kind.QUERY, query=query))
    things += noted.things
    if not things:
        things.append(Thing(Kind.ADDRESS, request.path))
    first = things[0] if operation.event != QUERY else next(one for one in things if one.kind is Kind.QUERY)
    return tuple(
        Thing(one.kind, one.id, one.query, {**details, **one.details}) if one is first else one for one in things
    )


def _has_safe_name(operation: Operation) -> bool:
    """Whether the field `name` is a name for something, and not that of somebody who signs in."""
    return operation not in (Operation.LOGIN, Operation.REFUSED)


def _asked(given: Mapping[str, Any]) -> Iterator[str]:
    if query := _text(given.get("q")):
        yield query
    filters = given.get("filter", [])
    yield from (str(one) for one in (filters if isinstance(filters, list) else [filters]))


def _given(request: Request) -> dict[str, Any]:
    """Parameters of the address and of a form or of JSON; a name that comes several times has a list."""
    given: dict[str, Any] = {}
    with suppress(HTTPException):  # a body that is too large was refused, and is not read for this either
        if request.mimetype == "application/json" and isinstance(body := request.get_json(silent=True), dict):
            given |= body
        elif request.mimetype == "application/x-www-form-urlencoded":
            given |= {name: some if len(some) > 1 else some[0] for name, some in request.form.lists()}
    given |= {name: some if len(some) > 1 else some[0] for name, some in request.args.lists()}
    return given


def _text(value: Any) -> str:
    if value is None or value is False or value == "":
        return ""
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)
