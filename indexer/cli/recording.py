"""Commands are recorded in the audit log, as requests are: those that could not be are not run."""

import functools
from collections.abc import Callable, Mapping
from typing import Any

import click

from indexer.audit import AuditLog, AuditUnavailableError, Operation, Outcome
from indexer.audit.commands import COMMANDS, does_nothing, event_of
from indexer.cli import UserError
from indexer.settings import load_settings
from indexer.status import connect

_RECORDED = "dicomsearch_recorded"


def recorded(title: str, command: click.Command) -> click.Command:
    """Have a command recorded when it has ended, and the commands of a group each.

    Parameters
    ----------
    title
        As it is typed: `audit verify`.
    """
    if isinstance(command, click.Group):
        for name, one in command.commands.items():
            recorded(f"{title} {name}", one)
    operation, run = COMMANDS.get(title), command.callback
    if operation is not None and run is not None and not hasattr(run, _RECORDED):
        command.callback = _recording(operation, run)
    return command


def _recording(operation: Operation, run: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(run)
    def callback(*arguments: Any, **parameters: Any) -> Any:
        if does_nothing(parameters):
            return run(*arguments, **parameters)
        settings = load_settings(home=parameters.get("home"))
        audit = AuditLog(connect(settings.redis_url), records=settings.records, required=settings.must_record)
        _or_refuse(audit.check)
        outcome, description = Outcome.SERIOUS_FAILURE, ""
        try:
            answer = run(*arguments, **parameters)
        except BaseException as error:
            outcome, description = _ended(error)
            raise
        else:
            outcome = Outcome.SUCCESS
            return answer
        finally:
            _record(audit, operation, parameters, outcome, description)

    setattr(callback, _RECORDED, True)
    return callback


def _record(
    audit: AuditLog, operation: Operation, parameters: Mapping[str, Any], outcome: Outcome, description: str
) -> None:
    _or_refuse(lambda: audit.append(event_of(operation, parameters, outcome, description)))


def _or_refuse(use: Callable[[], None]) -> None:
    try:
        use()
    except AuditUnavailableError as error:
        raise UserError(str(error)) from error


def _ended(error: BaseException) -> tuple[Outcome, str]:
    """How a command ended that raised something; its message, which may quote a header, is not told."""
    match error:
        case click.exceptions.Exit(exit_code=0 | 1 as code):
            # It did what it was asked for; 1 says that it found something.
            return Outcome.SUCCESS, "" if code == 0 else "exit code 1"
        case click.exceptions.Exit(exit_code=code):
            return Outcome.MINOR_FAILURE, f"exit code {code}"
        case click.Abort() | KeyboardInterrupt():
            return Outcome.MINOR_FAILURE, "given up"
        case click.ClickException():
            return Outcome.MINOR_FAILURE, "refused, or it did not work"
    return Outcome.SERIOUS_FAILURE, type(error).__name__
