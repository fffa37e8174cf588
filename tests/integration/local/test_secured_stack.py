"""The whole stack with an Elasticsearch that asks for passwords: nobody has to know them, and nobody else can."""

import stat
import tempfile
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from indexer.connecting import connect_elasticsearch, connect_query_user
from indexer.home import STATE_FILE
from indexer.settings import load_settings
from tests.home import Home
from tests.images import make_images


@pytest.fixture
def home(services_home: Path) -> Iterator[Home]:
    folder = Path(tempfile.mkdtemp(prefix="secured stack ", dir=services_home))
    folder.chmod(0o755)
    home = Home(folder, DICOMSEARCH_SECURED="true", DICOMSEARCH_SNAPSHOTS=str(folder / "snapshots"))
    yield home
    home.destroy()


def test_commands_know_the_passwords_of_the_home_and_nobody_else_does(home: Home, tmp_path: Path) -> None:
    began = home.run("up", "--detach")
    assert began.returncode == 0, began
    make_images(tmp_path / "CASE-17", 3)
    imported = home.run("import", str(tmp_path / "CASE-17"))
    assert (imported.returncode, imported.stdout) == (0, "CASE-17: 3 indexed, 0 with errors, 0 ignored\n"), imported
    assert home.get_json("/api/search?q=Modality:MR")["total"] == 3
    assert home.run("search", "Modality:MR", "--all", "--format", "paths").stdout.count("\n") == 3
    assert home.run("setup").returncode == 0
    assert home.run("backup").returncode == 0

    var = home.folder / "var"
    settings = load_settings(home=var)
    assert settings.elasticsearch_url.startswith("https://127.0.0.1:")
    with connect_elasticsearch(settings) as client, connect_query_user(settings) as query:
        assert client.count(index=settings.index)["count"] == query.count(index=settings.index)["count"] == 3
    with pytest.raises((urllib.error.URLError, ConnectionError)):
        urllib.request.urlopen(settings.elasticsearch_url.replace("https", "http"), timeout=10)

    passwords = [settings.elasticsearch_password, settings.elasticsearch_query_password]
    known = [password.get_secret_value() for password in passwords if password is not None]
    assert len(set(known)) == 2
    assert stat.S_IMODE((var / STATE_FILE).stat().st_mode) == 0o600
    logs = "".join(log.read_text(errors="replace") for log in (var / "logs").iterdir())
    said = began.stdout + began.stderr + home.run("status").stdout + logs
    assert not [password for password in known if password in said]
    for file in (var / "data" / "secured").rglob("*.key"):
        assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert home.run("down").returncode == 0
