"""What the stack consists of, and with which commands; nothing is started here."""

from pathlib import Path

import pytest

from indexer.home import running_services
from indexer.settings import load_settings
from local.stack import Stack, build_stack
from local.state import StackState, write_state


@pytest.fixture
def stack(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Stack:
    """The stack of a user who has an Elasticsearch and a Redis already."""
    monkeypatch.setenv("DICOMSEARCH_ELASTICSEARCH_URL", "http://archive:9200")
    monkeypatch.setenv("DICOMSEARCH_REDIS_URL", "redis://archive:6379/1")
    monkeypatch.setenv("DICOMSEARCH_WORKER_PROCESSES", "3")
    return build_stack(load_settings(home=tmp_path, port=8181, running=False))


def test_services_that_the_settings_name_are_not_embedded(stack: Stack) -> None:
    assert [spec.name for spec in stack.specs] == ["watcher", "worker", "web"]
    assert stack.addresses == {
        "host": "127.0.0.1",
        "port": 8181,
        "elasticsearch_url": "http://archive:9200",
        "redis_url": "redis://archive:6379/1",
    }


def test_addresses_of_an_earlier_start_are_no_services_of_others(tmp_path: Path) -> None:
    write_state(tmp_path, StackState(phase="running", addresses={"redis_url": "redis://127.0.0.1:20002/0"}))
    assert running_services(tmp_path)
    settings = load_settings(home=tmp_path, running=False)
    assert settings.model_fields_set.isdisjoint({"redis_url", "elasticsearch_url"})


def test_the_commands_are_those_of_any_deployment(stack: Stack) -> None:
    watcher, worker, web = (spec.command for spec in stack.specs)
    assert [Path(command[0]).name for command in (watcher, worker, web)] == ["dicomsearch", "celery", "gunicorn"]
    assert watcher[1:] == ("watch",)
    assert worker[1:6] == ("-A", "indexer.worker", "worker", "--concurrency", "3")
    assert web[1:3] == ("--bind", "127.0.0.1:8181")
    assert web[-1] == "app:create_app()"


def test_all_processes_get_their_settings_from_the_environment(stack: Stack, tmp_path: Path) -> None:
    for spec in stack.specs:
        given = {name: value for name, value in spec.environment.items() if name.startswith("DICOMSEARCH_")}
        assert (
            given.items()
            >= {
                "DICOMSEARCH_HOME": str(tmp_path),
                "DICOMSEARCH_INCOMING": str(tmp_path / "incoming"),
                "DICOMSEARCH_HOST": "127.0.0.1",
                "DICOMSEARCH_PORT": "8181",
                "DICOMSEARCH_ELASTICSEARCH_URL": "http://archive:9200",
                "DICOMSEARCH_REDIS_URL": "redis://archive:6379/1",
                "DICOMSEARCH_WORKER_PROCESSES": "3",
            }.items()
        )
    assert (tmp_path / "incoming").is_dir()


def test_all_watched_folders_are_made_and_handed_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DICOMSEARCH_INCOMING", f"{tmp_path}/pacs:{tmp_path}/scanner")
    monkeypatch.setenv("DICOMSEARCH_ELASTICSEARCH_URL", "http://archive:9200")
    monkeypatch.setenv("DICOMSEARCH_REDIS_URL", "redis://archive:6379/1")
    watcher = build_stack(load_settings(home=tmp_path, port=8181, running=False)).specs[0]
    assert watcher.environment["DICOMSEARCH_INCOMING"] == f"{tmp_path}/pacs:{tmp_path}/scanner"
    assert (tmp_path / "pacs").is_dir()
    assert (tmp_path / "scanner").is_dir()


def test_metrics_have_an_address_of_their_own_where_they_are_wanted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DICOMSEARCH_ELASTICSEARCH_URL", "http://archive:9200")
    monkeypatch.setenv("DICOMSEARCH_REDIS_URL", "redis://archive:6379/1")
    monkeypatch.setenv("DICOMSEARCH_METRICS_PORT", "9464")
    web = build_stack(load_settings(home=tmp_path, port=8181, running=False)).specs[2]
    assert web.command[1:5] == ("--bind", "127.0.0.1:8181", "--bind", "127.0.0.1:9464")
