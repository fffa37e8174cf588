"""The commands that work on batches, with a real worker behind them."""

import json
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from elasticsearch import Elasticsearch
from redis import Redis

from indexer.cli import group
from indexer.settings import Settings
from indexer.status import Ledger
from tests.images import make_images
from tests.processes import WORKER, environment_of, processes, wait_for

Run = Callable[..., Result]


@pytest.fixture
def run(settings: Settings, monkeypatch: pytest.MonkeyPatch, redis_client: Redis) -> Run:
    for name, value in environment_of(settings).items():
        if name.startswith("DICOMSEARCH_"):
            monkeypatch.setenv(name, value)

    def run(*arguments: str) -> Result:
        return CliRunner().invoke(group, list(arguments))

    return run


@pytest.fixture
def worker(settings: Settings, elasticsearch: Elasticsearch, redis_client: Redis, tmp_path: Path) -> Iterator[None]:
    with processes(settings, tmp_path / "logs") as running:
        running.start(*WORKER)
        wait_for(lambda: redis_client.hlen("workers"))
        yield


@pytest.mark.usefixtures("worker")
def test_import_indexes_a_folder_where_it_lies_and_tells_what_became_of_it(run: Run, tmp_path: Path) -> None:
    folder = tmp_path / "STUDY-1"
    make_images(folder, 5)
    (folder / ".hidden").touch()
    result = run("import", str(folder))
    assert (result.exit_code, result.stdout) == (0, "STUDY-1: 5 indexed, 0 with errors, 1 ignored\n")
    (folder / "notes.txt").write_text("no image")
    (folder / "empty.dcm").touch()
    result = run("import", str(folder))
    assert result.exit_code == 1
    assert result.stdout == "STUDY-1: 5 indexed, 2 with errors, 1 ignored\n"
    assert "empty.dcm: empty:" in result.stderr
    assert "notes.txt: not_dicom:" in result.stderr
    listed = json.loads(run("batches", "--json").stdout)
    assert (listed["id"], listed["status"], listed["has_error"], listed["counts"]["done"]) == (
        "STUDY-1",
        "DONE",
        True,
        5,
    )
    table = run("batches").stdout
    assert "STUDY-1" in table
    assert "DONE" in table


@pytest.mark.usefixtures("worker")
def test_an_archive_is_imported_a_batch_for_each_folder_and_again_without_indexing_again(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, redis_client: Redis
) -> None:
    # So few at a time that the back-pressure is felt.
    monkeypatch.setattr("indexer.cli.importing_each._UNLISTED", 2)
    monkeypatch.setattr("indexer.cli.importing_each._LOOK_SECONDS", 0.05)
    archive = tmp_path / "ARCHIVE"
    for patient in ("P1", "P2", "P3"):
        make_images(archive / patient / "CT", 3)
    (archive / "P3/MR").mkdir()
    (archive / "P3/MR/notes.txt").write_text("no image")
    (archive / "loose.dcm").touch()
    (archive / "P4.tmp").mkdir()
    dry = run("import", "--each-subfolder", "--depth", "2", "--dry-run", str(archive))
    assert dry.stdout.splitlines()[0].startswith("4 folders with 10 files (")
    assert "1 files or links lie outside" in dry.stdout
    assert redis_client.zcard("batches") == 0
    result = run("import", "--each-subfolder", "--depth", "2", str(archive))
    assert result.exit_code == 1
    assert result.stdout.startswith("4 batches: 9 indexed, 1 with errors, 0 ignored")
    assert "  MR: 1 with errors" in result.stderr
    assert "1 files or links lie outside of these folders and are left out" in result.stderr
    assert "1 folders are hidden or unfinished (.tmp) and are left out" in result.stderr
    (archive / "P3/MR/notes.txt").unlink()
    make_images(archive / "P5/CT", 1)
    result = run("import", "--each-subfolder", "--depth", "2", "--only-new", str(archive))
    assert result.exit_code == 0
    assert result.stdout.startswith("1 batches: 1 indexed, 0 with errors, 0 ignored")
    (archive / "P2/CT/more").mkdir()
    make_images(archive / "P2/CT/more", 1)
    result = run("import", "--each-subfolder", "--depth", "2", str(archive))
    assert result.stdout.startswith("5 batches: 11 indexed, 1 with errors")
    ids = [json.loads(line)["id"] for line in run("batches", "--json").stdout.splitlines()]
    assert len(ids) == 5
    assert len([id_ for id_ in ids if id_.startswith("CT")]) == 4


def test_an_archive_is_handed_over_no_faster_than_the_workers_are_and_goes_on_after_ctrl_c(
    run: Run, settings: Settings, tmp_path: Path, redis_client: Redis
) -> None:
    for at in range(12):
        make_images(tmp_path / "ARCHIVE" / f"STUDY-{at:02}", 1)
    redis_client.hset("workers", "slow", "1")
    redis_client.set("workers:alive:slow", 1)
    program = [
        str(Path(sys.executable).parent / "dicomsearch"),
        "import",
        "--each-subfolder",
        str(tmp_path / "ARCHIVE"),
    ]
    process = subprocess.Popen(
        program,
        env=environment_of(settings),
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
    try:
        wait_for(lambda: redis_client.llen("dicomsearch") == 8)
        time.sleep(0.5)  # no worker lists any, so no more are handed over
        assert redis_client.llen("dicomsearch") == 8
        process.send_signal(signal.SIGINT)
        _, said = process.communicate(timeout=30)
    finally:
        process.kill()
        process.wait()
    assert process.returncode == 130
    assert "8 of 12 folders are handed over and go on" in said.replace("\n", " ")
    # What is not done goes on by itself: begun again, it is queued no second time.
    ledger = Ledger(redis_client)
    for at in range(8):
        ledger.registered(f"STUDY-{at:02}")
        ledger.finish(f"STUDY-{at:02}")
    redis_client.delete("dicomsearch")
    result = run("import", "--each-subfolder", "--only-new", "--detach", str(tmp_path / "ARCHIVE"))
    assert (result.exit_code, result.stdout) == (0, "4 batches handed over\n")
    assert redis_client.llen("dicomsearch") == 4
    result = run("import", "--each-subfolder", "--only-new", "--detach", str(tmp_path / "ARCHIVE"))
    assert result.stdout == "0 batches handed over\n"


def test_a_folder_whose_batch_is_being_deleted_is_not_imported(run: Run, tmp_path: Path, redis_client: Redis) -> None:
    (tmp_path / "ARCHIVE/STUDY-1").mkdir(parents=True)
    folder = str(tmp_path / "ARCHIVE/STUDY-1")
    run("import", "--detach", folder)
    Ledger(redis_client).mark_deleting("STUDY-1", files=False)
    result = run("import", "--detach", folder)
    assert result.exit_code == 2
    assert "The batch STUDY-1 of this folder is being deleted" in result.stderr
    redis_client.hset("workers", "slow", "1")
    redis_client.set("workers:alive:slow", 1)
    result = run("import", "--each-subfolder", "--detach", str(tmp_path / "ARCHIVE"))
    assert (result.exit_code, result.stdout) == (1, "0 batches handed over\n")
    assert "its batch is being deleted: import it again later" in result.stderr


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("--depth", "2"), "belong to --each-subfolder"),
        (("--only-new",), "belong to --each-subfolder"),
        (("--each-subfolder", "--depth", "0"), "Invalid value for '--depth'"),
        (("--each-subfolder",), "No worker is running"),
    ],
)
def test_a_wrong_use_of_import_is_one_clear_line(
    options: tuple[str, ...], words: str, run: Run, tmp_path: Path
) -> None:
    result = run("import", *options, str(tmp_path))
    assert result.exit_code == 2
    assert words in result.stderr


def test_an_archive_without_folders_is_said(run: Run, tmp_path: Path, redis_client: Redis) -> None:
    redis_client.hset("workers", "slow", "1")
    redis_client.set("workers:alive:slow", 1)
    (tmp_path / "EMPTY").mkdir()
    result = run("import", "--each-subfolder", str(tmp_path / "EMPTY"))
    assert (result.exit_code, "EMPTY has no folders at depth 1" in result.stderr) == (2, True)
    assert run("import", "--dry-run", str(tmp_path / "EMPTY")).stdout.startswith(
        "0 files (0 bytes) would be imported as one batch"
    )


def test_import_without_a_worker_says_what_to_do(run: Run, tmp_path: Path) -> None:
    result = run("import", str(tmp_path))
    assert (result.exit_code, result.stderr) == (
        2,
        "Error: No worker is running: start everything with `dicomsearch up`.\n",
    )


def test_a_detached_import_answers_the_batch_at_once(run: Run, tmp_path: Path, redis_client: Redis) -> None:
    make_images(tmp_path / "STUDY-2", 1)
    result = run("import", "--detach", str(tmp_path / "STUDY-2"))
    assert (result.exit_code, result.stdout) == (0, "STUDY-2\n")
    assert redis_client.llen("dicomsearch") == 1
    assert "NEW" in run("batches").stdout


def test_leaving_an_import_with_ctrl_c_leaves_the_batch_alone(
    run: Run, settings: Settings, tmp_path: Path, redis_client: Redis
) -> None:
    make_images(tmp_path / "STUDY-3", 1)
    redis_client.hset("workers", "slow", "1")
    redis_client.set("workers:alive:slow", 1)
    program = [str(Path(sys.executable).parent / "dicomsearch"), "import", str(tmp_path / "STUDY-3")]
    process = subprocess.Popen(
        program,
        env=environment_of(settings),
        stderr=subprocess.PIPE,
        text=True,
        # A terminal never ignores Ctrl-C, but whatever started these tests in the background may.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
    try:
        wait_for(lambda: redis_client.llen("dicomsearch"))
        time.sleep(1.0)  # it shows the progress now, as when a person presses the keys
        process.send_signal(signal.SIGINT)
        _, said = process.communicate(timeout=30)
    finally:
        process.kill()
        process.wait()
    assert process.returncode == 130
    assert "the batch goes on" in said.replace("\n", " ")
    assert redis_client.hget("batch:STUDY-3", "status") == "NEW"


@pytest.mark.parametrize("command", [("import", "."), ("batches",)])
def test_a_missing_redis_is_one_clear_line(command: tuple[str, ...], run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DICOMSEARCH_REDIS_URL", "redis://127.0.0.1:1/0")
    result = run(*command)
    assert result.exit_code == 2
    assert result.stderr.startswith("Error: Redis does not answer")
    assert result.stderr.count("\n") == 1


def test_batches_says_when_there_are_none_and_when_there_are_more(run: Run, tmp_path: Path) -> None:
    assert run("batches").stdout == "No batches yet.\n"
    for at in range(3):
        (tmp_path / f"STUDY-{at}").mkdir()
        run("import", "--detach", str(tmp_path / f"STUDY-{at}"))
    assert "… and 2 older ones" in run("batches", "--limit", "1").stdout


def test_an_unknown_folder_is_a_wrong_use(run: Run) -> None:
    assert run("import", "/no/such/folder").exit_code == 2


def test_a_wrong_setting_is_named_with_its_variable(settings: Settings) -> None:
    program = Path(sys.executable).parent / "dicomsearch"
    environment = environment_of(settings) | {"DICOMSEARCH_PORT": "99999", "DICOMSEARCH_LIMIT_ELEMENTS": "few"}
    result = subprocess.run([program, "batches"], env=environment, capture_output=True, text=True, check=False)
    assert result.returncode == 2
    assert result.stderr.startswith("Error: DICOMSEARCH_")
    assert "Traceback" not in result.stderr


def test_a_watched_folder_that_cannot_be_made_is_one_clear_line(settings: Settings, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    environment = environment_of(settings) | {"DICOMSEARCH_INCOMING": str(tmp_path / "file" / "incoming")}
    program = Path(sys.executable).parent / "dicomsearch"
    result = subprocess.run([program, "watch"], env=environment, capture_output=True, text=True, check=False)
    assert result.returncode == 2
    assert "cannot be watched: not a directory. Set DICOMSEARCH_INCOMING" in result.stderr
