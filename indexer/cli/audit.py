"""`dicomsearch audit`: checking the audit log, and writing it out."""

import json
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, BinaryIO

import click
import orjson
from elasticsearch import ApiError, Elasticsearch, TransportError

from indexer.audit import AuditLog
from indexer.audit.reading import documents
from indexer.audit.verifying import LISTED, ChainReport
from indexer.audit.verifying import verify as verify_chain
from indexer.cli import UserError, home_option
from indexer.cli.reaching import reaching_redis
from indexer.connecting import connect_elasticsearch, explain
from indexer.settings import Settings, load_settings
from indexer.status import connect

_DAYS = click.DateTime(formats=["%Y-%m-%d", "%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S"])


@click.group()
def audit() -> None:
    """Check the audit log, and write it out."""


@audit.command()
@home_option
@click.option("--json", "as_json", is_flag=True, help="Answer as one JSON object.")
@click.pass_context
def verify(ctx: click.Context, home: Path | None, as_json: bool) -> None:
    """Follow the chain of the audit log: tell whether an event was changed, taken out or put in.

    Note the number and hash of its end where nobody of this system can change them: they show, too, when the whole
    chain was made anew. Exit code: 0 when it is whole, 1 when it is not.
    """
    settings = load_settings(home=home)
    with _elasticsearch(settings) as client, reaching_redis():
        report = verify_chain(client, connect(settings.redis_url), settings.audit_index)
    if as_json:
        click.echo(json.dumps({"is_whole": report.is_whole, **asdict(report)}, ensure_ascii=False))
    else:
        _tell(report)
    ctx.exit(0 if report.is_whole else 1)


def _tell(report: ChainReport) -> None:
    for finding in report.findings:
        click.echo(f"{finding.kind:12}{finding.what}: {finding.detail}")
    total = sum(report.counts.values())
    if total > LISTED:
        click.echo(f"… and {total - LISTED:,} more")
    if not report.events:
        click.echo("There are no events.")
    else:
        click.echo(
            f"{report.events:,} events, from number {report.begins:,}; the last is {report.number:,}: {report.hash}"
        )
    click.echo("The chain is whole." if report.is_whole else "The chain is NOT whole.")


@audit.command()
@home_option
@click.option("--from", "since", type=_DAYS, help="First day, or moment (UTC).")
@click.option("--to", "until", type=_DAYS, help="Last day, which is meant as a whole, or moment (UTC).")
@click.option(
    "--output", type=click.Path(dir_okay=False, path_type=Path), help="File to write [default: standard output]."
)
def export(home: Path | None, since: datetime | None, until: datetime | None, output: Path | None) -> None:
    """Write the audit log as JSON, one event a line, the oldest first.

    Events of the last seconds, which are still in Redis, are not in it.
    """
    settings = load_settings(home=home)
    limits = {
        **({"gte": since.replace(tzinfo=UTC).isoformat()} if since else {}),
        **({"lt": _end(until).isoformat()} if until else {}),
    }
    query: dict[str, Any] = {"range": {"@timestamp": limits}} if limits else {"match_all": {}}
    with _elasticsearch(settings) as client:
        events = documents(client, settings.audit_index, query)
        if output is None:
            count = _write(events, sys.stdout.buffer)
        else:
            with _private(output) as file:
                count = _write(events, file)
    click.echo(f"{count:,} events", err=True)
    with reaching_redis():
        waiting = AuditLog(connect(settings.redis_url)).backlog().events
    if waiting:
        click.echo(f"{waiting:,} events are still in Redis, and not in this file.", err=True)


def _write(events: Iterator[dict[str, Any]], file: BinaryIO) -> int:
    count = 0
    for count, event in enumerate(events, 1):  # noqa: B007 the last one is how many there were
        file.write(orjson.dumps(event) + b"\n")
    # Here, so that a reader that has gone away is noticed while click can still end silently.
    file.flush()
    return count


@contextmanager
def _private(path: Path) -> Iterator[BinaryIO]:
    """A new file that only its owner reads: it names patients."""
    try:
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            yield file
    except FileExistsError as error:
        raise UserError(f"{path} is there already: give another name.") from error
    except OSError as error:
        raise UserError(f"{path} cannot be written: {error.strerror}") from error


def _end(until: datetime) -> datetime:
    """A day is meant as a whole."""
    moment = until.replace(tzinfo=UTC)
    return moment + timedelta(days=1) if moment == moment.replace(hour=0, minute=0, second=0) else moment


@contextmanager
def _elasticsearch(settings: Settings) -> Iterator[Elasticsearch]:
    options = {"request_timeout": settings.request_seconds, "max_retries": 0, "retry_on_timeout": False}
    with connect_elasticsearch(settings, **options) as client:
        try:
            yield client
        except (ApiError, TransportError) as error:
            raise UserError(explain(error)) from error
