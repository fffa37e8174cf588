"""The commands that operate on a batch, and the tasks that they queue, run one after the other in this process."""

import base64
import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from celery import Celery
from click.testing import CliRunner, Result
from redis import Redis

from indexer import operations
from indexer.cli import group
from indexer.queue import QUEUE
from indexer.status import ErrorCode
from indexer.worker import create_celery
from tests.operating import Operating
from tests.processes import environment_of

Run = Callable[..., Result]


class Worker:
    """Takes what is queued in the real queue and runs the real tasks."""

    def __init__(self, celery: Celery, redis_client: Redis) -> None:
        self._celery = celery
        self._redis = redis_client

    def run(self) -> list[str]:
        ran = []
        while message := self._redis.rpop(QUEUE):
            content = json.loads(str(message))
            arguments, _, _ = json.loads(base64.b64decode(content["body"]))
            ran.append(content["headers"]["task"].rpartition(".")[2])
            self._celery.tasks[content["headers"]["task"]](*arguments)
        return ran


@pytest.fixture
def run(operating: Operating, monkeypatch: pytest.MonkeyPatch) -> Run:
    for name, value in environment_of(operating.services.settings).items():
        if name.startswith("DICOMSEARCH_"):
            monkeypatch.setenv(name, value)

    def run(*arguments: str, **options: str) -> Result:
        return CliRunner().invoke(group, list(arguments), **options)  # type: ignore[arg-type]

    return run


@pytest.fixture
def worker(operating: Operating, redis_client: Redis, run: Run) -> Iterator[Worker]:
    celery = create_celery(operating.services.settings)
    yield Worker(celery, redis_client)
    celery.close()


def test_a_delivery_again_skips_what_is_unchanged_and_counts_what_is_not(
    run: Run, worker: Worker, operating: Operating
) -> None:
    folder = operating.make("CASE-1", "1.2.1", "1.2.2", "1.2.3")
    assert run("import", "--detach", str(folder)).stdout == "CASE-1\n"
    assert worker.run() == ["register_batch", "index_chunk"]
    before = operating.documents()
    operating.write(folder / "1.dcm", "1.2.2", StudyDescription="longer")
    operating.write(folder / "3.dcm", "1.2.4")
    run("import", "--detach", str(folder))
    worker.run()
    [listed, *_] = [event for event in operating.services.status.events("CASE-1") if event.what == "listed"]
    assert listed.details == {"added": 1, "changed": 1, "unchanged": 2}
    after = operating.documents()
    assert {uid for uid, document in before.items() if after[uid] == document} == {"1.2.1", "1.2.3"}
    assert after["1.2.2"]["StudyDescription"] == "longer"
    assert json.loads(run("batches", "--json").stdout)["counts"]["done"] == 4


def test_sync_tells_what_differs_and_applies_it_when_asked(run: Run, worker: Worker, operating: Operating) -> None:
    operating.imported("CASE-1", "1.2.1", "1.2.2")
    assert run("sync", "CASE-1").stdout == "CASE-1 is as its folder.\n"
    (operating.folder / "CASE-1" / "0.dcm").unlink()
    operating.write(operating.folder / "CASE-1" / "new.dcm", "1.2.3")
    result = run("sync", "CASE-1")
    assert result.exit_code == 1
    assert result.stdout.splitlines() == [
        "gone    0.dcm",
        "new     new.dcm",
        "CASE-1: 1 file gone, 0 changed, 1 new.",
        "Nothing was changed: `--apply` does it.",
    ]
    report = json.loads(run("sync", "CASE-1", "--json").stdout)
    assert (report["batch"], report["gone_paths"], report["applied"]) == ("CASE-1", ["0.dcm"], False)
    assert run("sync", "CASE-1", "--apply").exit_code == 0
    worker.run()
    assert set(operating.documents()) == {"1.2.2", "1.2.3"}


def test_sync_refuses_a_folder_that_has_disappeared_until_it_is_told_to(run: Run, operating: Operating) -> None:
    operating.imported("CASE-1", "1.2.1")
    (operating.folder / "CASE-1" / "0.dcm").unlink()
    result = run("sync", "CASE-1", "--apply")
    assert result.exit_code == 2
    assert "may not be mounted" in result.stderr
    assert run("sync", "CASE-1", "--apply", "--even-if-the-folder-is-gone").exit_code == 0
    assert operating.documents() == {}


def test_verify_lists_differences_and_repairs_them(
    run: Run, worker: Worker, operating: Operating, redis_client: Redis
) -> None:
    operating.imported("CASE-1", "1.2.1")
    assert run("verify", "CASE-1").stdout == "CASE-1: 1 images and 1 documents compared, no difference.\n"
    redis_client.hset("batch:CASE-1", "new", 2)
    result = run("verify", "CASE-1", "--files")
    assert result.exit_code == 1
    assert "counter       new: 2 instead of 0" in result.stdout
    assert "CASE-1: 1 images and 1 documents compared: 1 counter." in result.stdout
    report = json.loads(run("verify", "CASE-1", "--json", "--repair").stdout)
    assert (report["agrees"], report["counts"], report["repaired"]) == (False, {"counter": 1}, True)
    assert run("verify", "CASE-1").exit_code == 0


def test_retry_and_cancel_tell_how_many_images(run: Run, worker: Worker, operating: Operating) -> None:
    folder = operating.make("CASE-1", "1.2.1", "1.2.2")
    run("import", "--detach", str(folder))
    assert run("cancel", "CASE-1").stdout == "CASE-1: 0 images left out.\n"  # they are not listed yet
    worker.run()
    assert operating.batch("CASE-1").counts.error == 2
    assert run("retry", "CASE-1", "--code", "timeout").stdout == "CASE-1 has no such errors.\n"
    assert run("retry", "CASE-1", "--code", "cancelled").stdout == "CASE-1: 2 images queued again.\n"
    worker.run()
    assert operating.batch("CASE-1").counts.done == 2
    assert run("retry", "CASE-1").stdout == "CASE-1 has no errors.\n"
    assert run("cancel", "CASE-1").stdout == "CASE-1 is done: there is nothing to cancel.\n"
    assert run("retry", "CASE-1", "--wait").exit_code == 0


def test_tags_and_a_note_are_given_taken_away_and_shown(run: Run, operating: Operating) -> None:
    operating.imported("CASE-1", "1.2.1")
    assert run("tag", "CASE-1").stdout == "no tags\n"
    assert run("tag", "CASE-1", "trial 7", "müde").stdout == "trial 7, müde\n"
    assert run("tag", "CASE-1", "--remove", "trial 7", "--note", "first of two").stdout == "müde\nfirst of two\n"
    assert run("tag", "CASE-1", "--note", "").stdout == "müde\n"
    assert run("tag", "CASE-1", "x" * 101).exit_code == 2


def test_delete_asks_first_and_tells_what_went(run: Run, worker: Worker, operating: Operating) -> None:
    operating.imported("CASE-1", "1.2.1", "1.2.2")
    operating.imported("CASE-2", "1.2.1")
    result = run("delete", "CASE-2", "--files", input="n\n")
    assert (result.exit_code, "all their FILES ON DISK?" in result.stderr) == (1, True)
    assert operating.batch("CASE-2").deleting is False
    result = run("delete", "CASE-2", "--files", input="y\n")
    assert result.stdout.splitlines() == [
        "CASE-2 is deleted: 1 image not found any more.",
        "1 image of other batches to be indexed again.",
        "1 file and 1 empty folders deleted, 0 files kept.",
    ]
    worker.run()
    assert operating.where() == {"1.2.1": ("CASE-1", []), "1.2.2": ("CASE-1", [])}
    assert run("delete", "CASE-1", "--yes", "--detach").stdout == "CASE-1 is being deleted.\n"
    assert worker.run() == ["delete_batch"]
    assert run("batches").stdout == "No batches yet.\n"
    operating.imported("CASE-3", "1.2.1")
    assert json.loads(run("delete", "CASE-3", "--yes", "--json").stdout)["documents"] == 1


def test_clean_does_what_the_setting_says(
    run: Run, operating: Operating, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    operating.imported("CASE-1", "1.2.1")
    operating.imported("CASE-2", "1.2.2")
    result = run("clean", "CASE-1")
    assert (result.exit_code, result.stdout) == (
        1,
        "CASE-1 is not cleaned up: files are kept (DICOMSEARCH_CLEANUP).\n",
    )
    monkeypatch.setenv("DICOMSEARCH_CLEANUP", "delete")
    assert run("clean", "CASE-1").stdout == "CASE-1: 1 file deleted, 1 empty folders deleted.\n"
    monkeypatch.setenv("DICOMSEARCH_CLEANUP", "archive")
    monkeypatch.setenv("DICOMSEARCH_ARCHIVE_FOLDER", str(tmp_path / "archive"))
    report = json.loads(run("clean", "CASE-2", "--json").stdout)
    assert (report["how"], report["files"]) == ("archive", 1)


def test_a_finished_batch_is_cleaned_up_by_a_worker(
    run: Run, operating: Operating, monkeypatch: pytest.MonkeyPatch, redis_client: Redis
) -> None:
    operating.configure(cleanup="delete")
    celery = create_celery(operating.services.settings)
    run("import", "--detach", str(operating.make("CASE-1", "1.2.1")))
    assert Worker(celery, redis_client).run() == ["register_batch", "index_chunk", "clean_batch"]
    assert not (operating.folder / "CASE-1").exists()
    celery.close()


def test_comparisons_by_a_worker_leave_their_result_in_the_history(
    worker: Worker, operating: Operating, redis_client: Redis
) -> None:
    operating.imported("CASE-1", "1.2.1", "1.2.2")
    (operating.folder / "CASE-1" / "0.dcm").unlink()
    real = type(operating.services.queue)(worker._celery, redis_client)
    operating.services.queue.sync = real.sync  # type: ignore[method-assign]
    operating.services.queue.verify = real.verify  # type: ignore[method-assign]
    operations.request_sync(operating.services, "CASE-1", apply=True)
    operations.request_verify(operating.services, "CASE-1", repair=True)
    assert worker.run() == ["sync_batch", "verify_batch"]
    verified, synchronised, *_ = operating.services.status.events("CASE-1")
    assert (synchronised.what, synchronised.details) == ("synchronised", {"gone": 1, "changed": 0, "new": 0})
    assert (verified.what, verified.details) == ("verified", {"images": 1, "differences": 0, "repaired": 1})
    (operating.folder / "CASE-1" / "1.dcm").unlink()
    operations.request_sync(operating.services, "CASE-1", apply=True)
    worker.run()
    failed, *_ = operating.services.status.events("CASE-1")
    assert (failed.what, failed.details["operation"]) == ("failed", "sync")
    assert "may not be mounted" in failed.details["reason"]


@pytest.mark.parametrize("command", ["retry", "cancel", "tag", "delete", "sync", "verify", "clean"])
def test_an_unknown_batch_and_missing_services_are_one_clear_line(
    run: Run, command: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    result = run(command, "NO-SUCH")
    assert (result.exit_code, result.stderr) == (2, "Error: There is no batch NO-SUCH: see `dicomsearch batches`.\n")
    monkeypatch.setenv("DICOMSEARCH_REDIS_URL", "redis://127.0.0.1:1/0")
    result = run(command, "NO-SUCH")
    assert (result.exit_code, result.stderr.startswith("Error: Redis does not answer")) == (2, True)


def test_a_missing_elasticsearch_is_one_clear_line(
    run: Run, operating: Operating, monkeypatch: pytest.MonkeyPatch
) -> None:
    operating.imported("CASE-1", "1.2.1")
    monkeypatch.setenv("DICOMSEARCH_ELASTICSEARCH_URL", "http://127.0.0.1:1")
    result = run("verify", "CASE-1")
    assert result.exit_code == 2
    assert "Elasticsearch cannot be reached: is it running" in result.stderr


def test_the_manual_explains_every_command_error_and_difference() -> None:
    manual = (Path(__file__).parents[3] / "docs" / "operations.md").read_text("utf-8")
    commands = ["retry", "cancel", "tag", "delete", "sync", "verify", "clean"]
    assert [name for name in commands if f"./run {name} CASE-17" not in manual] == []
    assert [word for word in (*ErrorCode, *operations.DIFFERENCES) if f"`{word}`" not in manual] == []
