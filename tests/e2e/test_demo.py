"""The demo as a new user types it, and what happens to a batch when Elasticsearch dies under it."""

import os
import shutil
import signal
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from pydicom.data import get_testdata_file

from tests.home import Home
from tests.images import make_images
from tests.processes import wait_for


@pytest.fixture(scope="module")
def home(services_home: Path) -> Iterator[Home]:
    folder = Path(tempfile.mkdtemp(prefix="demo-", dir=services_home))
    folder.chmod(0o755)
    home = Home(folder)
    yield home
    home.destroy()


@pytest.fixture(scope="module")
def printed(home: Home) -> str:
    ran = home.run("demo", "--detach")
    assert ran.returncode == 0, ran.stderr
    return ran.stdout


def names(found: dict[str, list[dict[str, dict[str, str]]]]) -> set[str]:
    return {result["fields"]["file.path"].rsplit("/", 1)[1] for result in found["results"]}


def test_the_demo_imports_everything_and_says_where_to_look(home: Home, printed: str) -> None:
    batches = {batch["id"]: batch for batch in home.get_json("/api/batches")["results"]}
    assert {batch["status"] for batch in batches.values()} == {"DONE"}
    assert [name for name, batch in batches.items() if batch["has_error"]] == ["BROKEN-FILES"]
    assert all(name in printed for name in batches)
    assert f"http://127.0.0.1:{home.port}/" in printed
    assert printed.count(f"http://127.0.0.1:{home.port}/search?q=") == 3
    errors = {error["path"]: error["code"] for error in home.get_json("/api/batches/BROKEN-FILES")["errors"]}
    assert errors["empty.dcm"] == "empty"
    assert errors["rtplan_truncated.dcm"] == "truncated"
    assert errors["README.txt"] == "not_dicom"


@pytest.mark.usefixtures("printed")
@pytest.mark.parametrize("query", ["Modality:CT", "CompressedSamples", "StudyDate:2004", "GEMS_IDEN_01"])
def test_the_demo_finds_a_file_of_pydicom(home: Home, query: str) -> None:
    assert "CT_small.dcm" in names(home.get_json(f"/api/search?q={query}&size=100"))


@pytest.mark.usefixtures("printed")
def test_the_demo_a_second_time_changes_nothing(home: Home) -> None:
    before = home.get_json("/api/batches")["results"]
    ran = home.run("demo", "--detach")
    assert ran.returncode == 0
    assert "is running already" in ran.stdout
    assert home.get_json("/api/batches")["results"] == before


@pytest.mark.usefixtures("printed")
def test_a_batch_waits_for_an_elasticsearch_that_was_killed_and_ends_done(home: Home) -> None:
    service = home.state.services["elasticsearch"]
    incoming = home.folder / "var" / "incoming"
    make_images(incoming / "CASE-1.tmp", 400)
    assert service.pid is not None
    os.kill(service.pid, signal.SIGKILL)
    (incoming / "CASE-1.tmp").rename(incoming / "CASE-1")
    wait_for(lambda: any(batch["id"] == "CASE-1" for batch in home.get_json("/api/batches")["results"]))
    wait_for(lambda: home.get_json("/api/batches/CASE-1")["status"] == "DONE")
    batch = home.get_json("/api/batches/CASE-1")
    assert (batch["counts"]["done"], batch["has_error"]) == (400, False)
    assert home.get_json("/api/search?q=batch:CASE-1")["total"] == 400
    assert home.state.services["elasticsearch"].restarts == 1


@pytest.mark.usefixtures("printed")
def test_commands_use_what_runs_in_the_home(home: Home) -> None:
    folder = home.folder / "study"
    folder.mkdir()
    shutil.copy(get_testdata_file("CT_small.dcm"), folder)
    imported = home.run("import", str(folder))
    assert (imported.returncode, imported.stdout) == (
        0,
        "study: 1 indexed, 0 with errors, 0 ignored, 1 duplicates\n",
    ), imported.stderr
    found = home.run("search", "batch:study Modality:CT", "--format", "json", "--fields", "file.path")
    assert found.returncode == 0, found.stderr
    assert str(folder / "CT_small.dcm") in found.stdout
    assert "study" in home.run("batches").stdout


@pytest.mark.usefixtures("printed")
def test_down_leaves_nothing_running(home: Home) -> None:
    assert home.run("down").returncode == 0
    assert home.processes() == []
