"""The state file: read by commands of all rooms, never half-written."""

import os
from pathlib import Path

import pytest
from pydantic import SecretStr

from indexer.home import STATE_FILE, running_services
from indexer.settings import load_settings
from local.processes import ProcessIdentity
from local.state import HomeLock, ServiceState, StackState, read_state, write_state

ADDRESSES: dict[str, str | int] = {
    "host": "127.0.0.1",
    "port": 8081,
    "elasticsearch_url": "http://127.0.0.1:20001",
    "redis_url": "redis://:secret@127.0.0.1:20002/0",
}


def test_a_state_is_read_as_it_was_written(tmp_path: Path) -> None:
    state = StackState(
        phase="running",
        pid=17,
        created=1.5,
        addresses=ADDRESSES,
        services={"worker": ServiceState(condition="restarting", restarts=2, last_exit="killed by SIGKILL")},
    )
    write_state(tmp_path, state)
    assert read_state(tmp_path) == state
    assert [path.name for path in tmp_path.iterdir()] == [STATE_FILE]
    assert (tmp_path / STATE_FILE).stat().st_mode & 0o777 == 0o600


def test_a_write_that_fails_leaves_the_old_state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_state(tmp_path, StackState(phase="running"))

    def no_space(*_arguments: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "replace", no_space)
    with pytest.raises(OSError, match="No space"):
        write_state(tmp_path, StackState(phase="stopped"))
    assert read_state(tmp_path) == StackState(phase="running")
    assert [path.name for path in tmp_path.iterdir()] == [STATE_FILE]


@pytest.mark.parametrize(
    ("phase", "found"), [("starting", ADDRESSES), ("running", ADDRESSES), ("stopped", {}), ("failed", {})]
)
def test_addresses_are_those_of_a_stack_that_runs(tmp_path: Path, phase: str, found: dict[str, object]) -> None:
    write_state(tmp_path, StackState.model_validate({"phase": phase, "addresses": ADDRESSES}))
    assert running_services(tmp_path) == found


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{",
        b"[]",
        b"\xff",
        b'"running"',
        b'{"phase": "running"}',
        b'{"phase": "running", "addresses": []}',
        b'{"phase": "running", "addresses": {"port": "8080", "redis_url": 1, "other": "x"}}',
    ],
)
def test_a_damaged_state_file_names_no_addresses(tmp_path: Path, content: bytes) -> None:
    (tmp_path / STATE_FILE).write_bytes(content)
    assert running_services(tmp_path) == {}


def test_a_running_home_gives_only_the_settings_that_nobody_gave(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_state(tmp_path, StackState(phase="running", addresses=ADDRESSES))
    monkeypatch.setenv("DICOMSEARCH_ELASTICSEARCH_URL", "http://archive:9200")
    settings = load_settings(home=tmp_path)
    assert settings.elasticsearch_url == "http://archive:9200"
    assert settings.redis_url == ADDRESSES["redis_url"]
    assert settings.port == 8081
    assert load_settings(home=tmp_path, port=9000).port == 9000
    assert load_settings(home=tmp_path, running=False).redis_url == "redis://127.0.0.1:6379/0"


def test_a_running_home_gives_its_passwords_but_not_to_another_elasticsearch(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    secured: dict[str, str | int] = {
        "elasticsearch_url": "https://127.0.0.1:20001",
        "elasticsearch_ca": "/home/data/secured/trust/ca.crt",
        "elasticsearch_username": "dicomsearch",
        "elasticsearch_password": "of the home",
        "elasticsearch_query_password": "of queries",
    }
    write_state(tmp_path, StackState(phase="running", addresses=ADDRESSES | secured))
    settings = load_settings(home=tmp_path)
    assert settings.elasticsearch_ca == Path("/home/data/secured/trust/ca.crt")
    assert settings.elasticsearch_password == SecretStr("of the home")
    assert settings.elasticsearch_query_password == SecretStr("of queries")
    monkeypatch.setenv("DICOMSEARCH_ELASTICSEARCH_URL", "http://archive:9200")
    settings = load_settings(home=tmp_path)
    assert (settings.elasticsearch_password, settings.elasticsearch_ca) == (None, None)
    assert settings.redis_url == ADDRESSES["redis_url"]


@pytest.mark.parametrize(
    ("addresses", "url"),
    [
        ({"host": "127.0.0.1", "port": 8080}, "http://127.0.0.1:8080/"),
        ({"host": "::1", "port": 8080}, "http://[::1]:8080/"),
        ({}, None),
    ],
)
def test_the_address_for_a_browser(addresses: dict[str, str | int], url: str | None) -> None:
    assert StackState(addresses=addresses).url == url


def test_a_lock_is_held_by_one_and_names_who_has_it(tmp_path: Path) -> None:
    first, second = HomeLock(tmp_path), HomeLock(tmp_path)
    assert not second.held()
    assert first.acquire()
    assert second.held()
    assert not second.acquire()
    assert second.holder() == ProcessIdentity.of(os.getpid())
    first.release()
    assert not second.held()
    assert second.acquire()
    second.release()


def test_a_lock_file_that_is_damaged_names_nobody(tmp_path: Path) -> None:
    (tmp_path / ".lock").write_text('{"pid": "x"}')
    assert HomeLock(tmp_path).holder() is None
