"""Commands in the audit log: who ran them on which machine, with what, and how they ended."""

import getpass
import os
import socket
from collections.abc import Mapping, Sequence
from typing import Any

from indexer.audit.event import Event, Kind, Outcome, Participant, Thing
from indexer.audit.operations import LOG_USED, Operation

# What each command is; the others touch nothing of the archive.
COMMANDS: Mapping[str, Operation] = {
    "backup": Operation.BACKUP,
    "cancel": Operation.BATCH_CANCEL,
    "clean": Operation.BATCH_CLEAN,
    "delete": Operation.BATCH_DELETE,
    "import": Operation.IMPORT,
    "migrate": Operation.MIGRATE,
    "restore": Operation.RESTORE,
    "retry": Operation.BATCH_RETRY,
    "search": Operation.SEARCH,
    "sync": Operation.BATCH_SYNC,
    "tag": Operation.BATCH_DESCRIBE,
    "verify": Operation.BATCH_VERIFY,
    "audit verify": Operation.AUDIT_VERIFY,
    "audit export": Operation.AUDIT_EXPORT,
    "users add": Operation.USER_CREATE,
    "users bootstrap": Operation.USER_CREATE,
    "users change": Operation.USER_CHANGE,
    "users delete": Operation.USER_DELETE,
    "users list": Operation.USER_VIEW,
    "users password": Operation.PASSWORD_CHANGE,
}
NOT_RECORDED: Mapping[str, str] = {
    "alive": "a health check",
    "batches": "names of folders and counts",
    "demo": "starts what records",
    "down": "the services alone",
    "explain": "a file that its user can read anyway; the archive is not asked",
    "settings": "no patient data",
    "setup": "runs before there are services to record with",
    "status": "the services alone",
    "up": "the services alone",
    "watch": "a service; what it does is recorded by batch",
}
_NAMED = (("batch", Kind.BATCH), ("folder", Kind.FOLDER), ("name", Kind.USER))
# Parameters that are told; others are none of the log's business, or might be secrets.
_TOLD = (
    "code",
    "level",
    "form",
    "everything",
    "size",
    "fields",
    "with_files",
    "detach",
    "apply",
    "folder_may_be_gone",
    "repair",
    "each_subfolder",
    "depth",
    "only_new",
    "drop_old",
    "since",
    "until",
    "role",
    "masked",
    "disabled",
    "no_password",
    "keep",
    "replace",
    "snapshot",
)
# With these nothing is done.
_ONLY_LOOKS = ("dry_run", "only_list")


def does_nothing(parameters: Mapping[str, Any]) -> bool:
    """Whether a command was only asked what there is, or what it would do."""
    return any(parameters.get(name) for name in _ONLY_LOOKS)


def event_of(operation: Operation, parameters: Mapping[str, Any], outcome: Outcome, description: str) -> Event:
    """Describe a command that was run.

    Parameters
    ----------
    parameters
        Of the command, by name.
    description
        How it ended, where it did not end well.
    """
    things = tuple(_things(operation, parameters))
    return Event(operation, _who(), "command", things, outcome, description)


def _who() -> Participant:
    """The account of the operating system; the one that became another by sudo."""
    return Participant(
        os.environ.get("SUDO_USER") or _account(), role="command", via="command", address=socket.gethostname()
    )


def _account() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return f"uid {os.getuid()}"  # containers run as users without a name


def _things(operation: Operation, parameters: Mapping[str, Any]) -> list[Thing]:
    told = {name: _text(value) for name in _TOLD if (value := parameters.get(name)) not in (None, "", False, ())}
    things = []
    if "query" in parameters:
        query = " ".join([*_words(parameters["query"]), *_words(parameters.get("filters") or ())])
        things.append(Thing(Kind.QUERY, query=query, details=told))
    for name, kind in _NAMED:
        if parameters.get(name):
            things.append(Thing(kind, str(parameters[name]), details=told if not things else {}))
    of_log = operation.event == LOG_USED
    return things or [Thing(Kind.LOG if of_log else Kind.COMMAND, operation.title, details=told)]


def _words(value: str | Sequence[str]) -> list[str]:
    return [value] if isinstance(value, str) else list(value)


def _text(value: Any) -> str:
    return ", ".join(map(str, value)) if isinstance(value, (list, tuple)) else str(value)
