"""Commands are recorded; and those that check the audit log and write it out."""

import json
import stat
from collections.abc import Callable, Iterator
from importlib.metadata import entry_points
from pathlib import Path

import click
import pytest
from click.testing import CliRunner, Result
from elasticsearch import Elasticsearch
from redis import Redis

from indexer.audit.commands import COMMANDS, NOT_RECORDED
from indexer.cli import GROUP, group
from indexer.settings import Settings
from local.ports import free_port
from mappings.index import ensure_index
from tests.auditing import append, documents_of, last_in, move, records_in
from tests.processes import environment_of

Run = Callable[..., Result]


@pytest.fixture
def run(audited: Settings, monkeypatch: pytest.MonkeyPatch) -> Run:
    """A command as a user types it, with the settings in its environment."""
    for name, value in environment_of(audited).items():
        if name.startswith("DICOMSEARCH_"):
            monkeypatch.setenv(name, value)
    monkeypatch.setenv("DICOMSEARCH_AUDIT", "required")
    monkeypatch.setenv("SUDO_USER", "anna")

    def run(*arguments: str, **options: str) -> Result:
        return CliRunner().invoke(group, list(arguments), **options)  # type: ignore[arg-type]

    return run


def all_commands() -> Iterator[str]:
    for point in entry_points(group=GROUP):
        command = point.load()
        if isinstance(command, click.Group) and not command.invoke_without_command:
            yield from (f"{point.name} {name}" for name in command.commands)
        else:
            yield point.name


def test_every_command_is_recorded_or_has_a_reason_not_to_be() -> None:
    known = COMMANDS.keys() | NOT_RECORDED.keys()
    assert set(all_commands()) == known, "say in indexer/audit/commands.py what it is, or why it is not recorded"


def test_a_command_is_recorded_with_the_account_of_the_system(run: Run, redis_client: Redis) -> None:
    result = run("retry", "CASE-1", "--code", "timeout")
    assert result.exit_code == 2
    event = last_in(redis_client)
    assert (event.operation, event.user, event.role, event.via) == ("batch.retry", "anna", "command", "command")
    assert (event.outcome, event.source.partition("@")[0]) == ("failure", "command")
    assert [(one.kind, one.id, one.details) for one in event.objects] == [("batch", "CASE-1", {"code": "timeout"})]


def test_a_search_is_recorded_with_its_query(
    run: Run, audited: Settings, elasticsearch: Elasticsearch, redis_client: Redis
) -> None:
    ensure_index(elasticsearch, audited.index)
    assert run("search", "PatientName:citizen", "--filter", "Modality:=MR", "--level", "study").exit_code == 0
    event = last_in(redis_client)
    assert (event.operation, event.outcome) == ("search", "success")
    assert event.objects[0].query == "PatientName:citizen Modality:=MR"
    assert event.objects[0].details["level"] == "study"
    assert run("search", "PatientNme:x").exit_code == 2
    assert last_in(redis_client).outcome == "failure"


def test_what_only_looks_is_not_recorded(run: Run, redis_client: Redis, tmp_path: Path) -> None:
    assert run("import", "--dry-run", str(tmp_path)).exit_code == 0
    assert run("batches").exit_code == 0
    assert run("settings").exit_code == 0
    assert records_in(redis_client) == []


def test_no_password_of_a_command_is_recorded(run: Run, redis_client: Redis) -> None:
    secret = "correct horse battery staple"
    assert run("users", "add", "bert", "--role", "operator", input=f"{secret}\n").exit_code == 0
    event = last_in(redis_client)
    assert (event.operation, event.objects[0].id, event.objects[0].details) == (
        "user.create", "bert", {"role": "operator"},
    )  # fmt: skip
    assert secret not in json.dumps(redis_client.xrange("audit"))


@pytest.mark.parametrize("command", [("search", "chest"), ("delete", "CASE-1", "--yes"), ("users", "list")])
def test_a_command_that_cannot_be_recorded_is_not_run(
    run: Run, monkeypatch: pytest.MonkeyPatch, command: tuple[str, ...]
) -> None:
    monkeypatch.setenv("DICOMSEARCH_REDIS_URL", f"redis://127.0.0.1:{free_port()}/0")
    result = run(*command)
    assert result.exit_code == 2
    assert "The audit log cannot be written" in result.stderr


def test_verify_tells_whether_the_chain_is_whole(
    run: Run, audited: Settings, client: Elasticsearch, redis_client: Redis
) -> None:
    append(redis_client, "a", "b", "c")
    move(audited, redis_client, client)
    result = run("audit", "verify")
    assert result.exit_code == 0
    assert "3 events, from number 1; the last is 3: " in result.stdout
    assert result.stdout.endswith("The chain is whole.\n")
    assert last_in(redis_client).operation == "audit.verify"
    document = documents_of(audited, client)[1]
    milliseconds, number = document["entry"].split("-")
    client.delete(
        index=f"{audited.audit_index}-{document['@timestamp'][:7]}", id=f"{milliseconds}-{int(number)}", refresh=True
    )
    result = run("audit", "verify")
    assert result.exit_code == 1
    assert "missing     2: " in result.stdout
    assert result.stdout.endswith("The chain is NOT whole.\n")
    report = json.loads(run("audit", "verify", "--json").stdout)
    assert (report["is_whole"], report["counts"]) == (False, {"missing": 1})
    # It found something, as it was asked to.
    assert last_in(redis_client).outcome == "success"


def test_export_writes_the_events_of_a_time_one_a_line(
    run: Run, audited: Settings, client: Elasticsearch, redis_client: Redis, tmp_path: Path
) -> None:
    append(redis_client, "a", "b")
    move(audited, redis_client, client)
    append(redis_client, "c")
    result = run("audit", "export")
    assert [json.loads(line)["chain"]["number"] for line in result.stdout.splitlines()] == [1, 2]
    assert "1 events are still in Redis" in result.stderr
    day = documents_of(audited, client)[0]["@timestamp"][:10]
    assert len(run("audit", "export", "--from", day, "--to", day).stdout.splitlines()) == 2
    assert run("audit", "export", "--to", "2020-01-01").stdout == ""
    target = tmp_path / "log.ndjson"
    assert run("audit", "export", "--output", str(target)).exit_code == 0
    assert len(target.read_text().splitlines()) == 2
    assert stat.S_IMODE(target.stat().st_mode) == 0o600
    again = run("audit", "export", "--output", str(target))
    assert again.exit_code == 2
    assert "is there already" in again.stderr
