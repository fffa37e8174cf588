"""Settings: read from the environment and from secrets, wrong ones named, all of them documented."""

from pathlib import Path

import pytest
from click.testing import CliRunner

from indexer.cli import group
from indexer.cli.settings import settings_table
from indexer.settings import SettingsError, load_settings

DOCUMENT = Path(__file__).parents[3] / "docs" / "settings.md"


def test_the_document_has_the_table_of_the_settings() -> None:
    assert settings_table() in DOCUMENT.read_text()
    assert CliRunner().invoke(group, ["settings"]).stdout == settings_table()


def test_settings_come_from_the_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("DICOMSEARCH_HOME", str(tmp_path))
    monkeypatch.setenv("DICOMSEARCH_CHUNK_FILES", "50")
    monkeypatch.setenv("DICOMSEARCH_LIMIT_KEY_DEPTH", "4")
    settings = load_settings()
    assert (settings.chunk_files, settings.limits.key_depth) == (50, 4)
    assert settings.incoming_folder == tmp_path / "incoming"


def test_a_secret_is_read_from_a_file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "dicomsearch_redis_url").write_text("redis://:secret@redis:6379/0\n")
    monkeypatch.setenv("DICOMSEARCH_SECRETS_DIR", str(tmp_path))
    assert load_settings().redis_url == "redis://:secret@redis:6379/0"


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("DICOMSEARCH_PORT", "99999"),
        ("DICOMSEARCH_LOG_LEVEL", "LOUD"),
        ("DICOMSEARCH_INDEX", "Bad Name"),
        ("DICOMSEARCH_LIMIT_KEY_DEPTH", "deep"),
    ],
)
def test_a_wrong_value_is_reported_with_its_variable(
    variable: str, value: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(variable, value)
    with pytest.raises(SettingsError, match=rf"^{variable}: .*{value}"):
        load_settings()


def test_several_folders_can_be_watched(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("DICOMSEARCH_INCOMING", f"{tmp_path}/pacs:{tmp_path}/scanner")
    settings = load_settings()
    assert settings.incoming_folders == (tmp_path / "pacs", tmp_path / "scanner")
    assert settings.incoming_folder == tmp_path / "pacs"


@pytest.mark.parametrize("folders", ["/data:/data/new", "/data/new:/data", "/data:/other:/data/"])
def test_a_watched_folder_does_not_lie_in_another(folders: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DICOMSEARCH_INCOMING", folders)
    with pytest.raises(SettingsError, match=r"^DICOMSEARCH_INCOMING: .*lies in another one"):
        load_settings()


def test_the_port_of_the_metrics_is_not_that_of_the_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DICOMSEARCH_PORT", "9464")
    monkeypatch.setenv("DICOMSEARCH_METRICS_PORT", "9464")
    with pytest.raises(SettingsError, match="DICOMSEARCH_METRICS_PORT must not be DICOMSEARCH_PORT"):
        load_settings()
