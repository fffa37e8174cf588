"""Retrying, cancelling, describing and deleting batches, with a real Elasticsearch and Redis."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest
from elasticsearch import Elasticsearch
from redis import Redis

from indexer import operations
from indexer.batches import delivery_of
from indexer.migration import Migration
from indexer.operations import BatchBusyError, Deleted, OperationRefusedError, UnknownBatchError, deleting
from indexer.queue import new_lease
from indexer.recovery import Recovery
from indexer.registering import register_batch
from indexer.services import build_services
from indexer.settings import Settings
from indexer.status import BatchStatus, ErrorCode, Lease
from mappings.index import create_next
from tests.operating import Operating

UIDS = ("1.2.1", "1.2.2", "1.2.3")


def delete(operating: Operating, batch: str, *, files: bool = False) -> Deleted:
    operations.request_delete(operating.services, batch, files=files)
    operating.queued.clear()
    return operations.delete_batch(operating.services, batch)


class TestRetry:
    """`retry`."""

    def test_what_failed_is_indexed_again_all_or_of_one_code(self, operating: Operating) -> None:
        folder = operating.make("CASE-1", *UIDS)
        whole = (folder / "0.dcm").read_bytes()
        (folder / "0.dcm").write_bytes(b"")
        (folder / "1.dcm").write_bytes(whole[:1_000])
        batch = operating.deliver(folder)
        assert (batch.counts.error, batch.has_error) == (2, True)
        assert operations.retry(operating.services, "CASE-1", ErrorCode.TIMEOUT) == 0
        assert operating.batch("CASE-1").status is BatchStatus.DONE
        for name in ("0.dcm", "1.dcm"):
            (folder / name).write_bytes(whole)
        assert operations.retry(operating.services, "CASE-1", ErrorCode.EMPTY) == 1
        operating.run()
        assert operating.batch("CASE-1").counts.error == 1
        assert operations.retry(operating.services, "CASE-1") == 1
        operating.run()
        assert operating.batch("CASE-1").counts.done == 3
        assert operating.events("CASE-1")[:4] == ["done", "retried", "done", "retried"]
        assert operations.verify(operating.services, "CASE-1", repair=False, files=True).agrees

    def test_an_error_of_a_folder_has_the_batch_listed_again(self, operating: Operating, tmp_path: Path) -> None:
        batch = operating.deliver(tmp_path / "LATER", "1")
        assert [error.path for error in operating.services.status.errors("LATER").results] == ["./"]
        operating.write(tmp_path / "LATER" / "a.dcm", "1.2.1")
        assert operations.retry(operating.services, batch.id) == 1
        operating.run()
        batch = operating.batch("LATER")
        assert (batch.status, batch.has_error, batch.counts.done, batch.counts.total) == ("DONE", False, 1, 1)
        # The watcher does not take this for a delivery.
        assert (
            operating.services.ledger.add("LATER", "LATER", batch.path, "w", delivery_of(Path(batch.path))) == "known"
        )


class TestCancel:
    """`cancel`."""

    def test_a_cancelled_batch_is_finished_and_can_be_retried(self, operating: Operating) -> None:
        folder = operating.make("CASE-1", *UIDS)
        operating.services.ledger.add("CASE-1", "CASE-1", str(folder), "watcher", "1")
        register_batch(operating.services, "CASE-1")
        assert operations.cancel(operating.services, "CASE-1") == 3
        batch = operating.batch("CASE-1")
        assert (batch.status, batch.cancelled, batch.counts.error) == (BatchStatus.DONE, True, 3)
        operating.run()
        assert operating.documents() == {}
        assert operations.cancel(operating.services, "CASE-1") == 0
        assert operations.retry(operating.services, "CASE-1", ErrorCode.CANCELLED) == 3
        operating.run()
        batch = operating.batch("CASE-1")
        assert (batch.status, batch.cancelled, batch.counts.done) == (BatchStatus.DONE, False, 3)


def test_tags_and_notes_are_kept_tidy_and_bounded(operating: Operating) -> None:
    operating.imported("CASE-1", "1.2.1")
    assert operations.describe(operating.services, "CASE-1", tags=[" trial  7 ", "müde", "müde", " "]) == [
        "trial 7",
        "müde",
    ]
    operations.describe(operating.services, "CASE-1", note="first\nof two")
    assert (operating.batch("CASE-1").tags, operating.batch("CASE-1").note) == (["trial 7", "müde"], "first\nof two")
    for wrong in ({"tags": ["x" * 101]}, {"tags": [str(at) for at in range(51)]}, {"note": "x" * 10_001}):
        with pytest.raises(OperationRefusedError, match="at most"):
            operations.describe(operating.services, "CASE-1", **wrong)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "operation",
    [
        operations.retry,
        operations.cancel,
        operations.describe,
        operations.clean,
        lambda services, batch: operations.request_delete(services, batch, files=False),
        lambda services, batch: operations.request_sync(services, batch, apply=False),
        lambda services, batch: operations.request_verify(services, batch, repair=False),
        lambda services, batch: operations.sync(services, batch, apply=False),
        lambda services, batch: operations.verify(services, batch, repair=False),
    ],
)
def test_an_unknown_batch_is_said_to_be_unknown(operating: Operating, operation: Callable[..., object]) -> None:
    with pytest.raises(UnknownBatchError, match=r"There is no batch NO-SUCH: see `dicomsearch batches`\."):
        operation(operating.services, "NO-SUCH")


class TestDelete:
    """`delete_batch` and what asks for it."""

    def test_documents_and_status_go_and_files_stay_unless_asked(self, operating: Operating) -> None:
        operating.imported("CASE-1", *UIDS)
        operating.imported("CASE-2", "1.3.1")
        assert delete(operating, "CASE-1") == Deleted(documents=3)
        assert operating.services.status.batch("CASE-1") is None
        assert set(operating.documents()) == {"1.3.1"}
        assert len(list((operating.folder / "CASE-1").iterdir())) == 3
        assert operations.delete_batch(operating.services, "CASE-1") == Deleted()

    def test_an_image_that_is_in_another_batch_too_is_found_from_there(self, operating: Operating) -> None:
        operating.imported("CASE-1", "1.2.1", "1.2.2")
        operating.imported("CASE-2", "1.2.1", PatientID="OTHER")
        operating.imported("CASE-3", "1.2.1", "1.2.3")
        assert operating.where()["1.2.1"] == ("CASE-3", ["CASE-2", "CASE-1"])
        deleted = delete(operating, "CASE-3")
        assert (deleted.documents, deleted.reopened) == (2, 2)
        assert operating.batch("CASE-1").status is BatchStatus.PROCESSING
        operating.run()
        batch, others = operating.where()["1.2.1"]
        assert {batch, *others} == {"CASE-1", "CASE-2"}
        assert set(operating.documents()) == {"1.2.1", "1.2.2"}
        assert operating.batch("CASE-1").status is BatchStatus.DONE

    def test_other_documents_forget_the_files_of_a_deleted_batch(self, operating: Operating) -> None:
        operating.imported("CASE-1", "1.2.1")
        operating.imported("CASE-2", "1.2.1", PatientID="OTHER")
        before = operating.documents()["1.2.1"]
        assert delete(operating, "CASE-1") == Deleted()
        after = operating.documents()["1.2.1"]
        assert before.pop("duplicates")[0]["conflict"] is True
        assert after == before

    def test_a_file_whose_own_batch_was_cleaned_up_takes_the_document_over(self, operating: Operating) -> None:
        operating.configure(cleanup="delete")
        operating.imported("CASE-1", "1.2.1")
        assert operating.batch("CASE-1").cleaned == "delete"
        operating.configure(cleanup="keep")
        operating.imported("CASE-2", "1.2.1")
        deleted = delete(operating, "CASE-2")
        assert (deleted.documents, deleted.reopened) == (1, 0)
        document = operating.documents()["1.2.1"]
        assert (document["batch"], "duplicates" in document) == ("CASE-1", False)
        assert document["file"]["path"] == str(operating.folder / "CASE-1" / "0.dcm")
        assert operations.verify(operating.services, "CASE-1", repair=False).agrees

    def test_a_batch_of_which_only_the_counts_are_kept_is_indexed_again(self, operating: Operating) -> None:
        operating.imported("CASE-1", "1.2.1", "1.2.2")
        operating.imported("CASE-2", "1.2.1", PatientID="OTHER")
        operating.services.ledger.shrink("CASE-1")
        delete(operating, "CASE-2")
        operating.run()
        assert operating.where() == {"1.2.1": ("CASE-1", []), "1.2.2": ("CASE-1", [])}
        assert (operating.batch("CASE-1").shrunk, operating.batch("CASE-1").counts.done) == (False, 2)

    def test_only_listed_regular_files_and_empty_folders_are_deleted(
        self, operating: Operating, tmp_path: Path
    ) -> None:
        outside = tmp_path / "outside"
        operating.write(outside / "kept.dcm", "1.9.9")
        folder = operating.make("CASE-1", *UIDS, name="study/series {at}/it's \\xff\n.dcm")
        operating.write(Path(os.fsdecode(os.fsencode(folder) + b"/\xff.dcm")), "1.2.4")
        (folder / "link.dcm").symlink_to(outside / "kept.dcm")
        (folder / "linked").symlink_to(outside)
        (folder / "empty" / "too").mkdir(parents=True)
        operating.deliver(folder)
        later = folder / "study" / "series 0" / "came later.dcm"
        operating.write(later, "1.2.5")
        # A listed folder becomes a link to another one with a file of the same name.
        moved = outside / "series 1"
        (folder / "study" / "series 1").rename(moved)
        (folder / "study" / "series 1").symlink_to(moved)
        deleted = delete(operating, "CASE-1", files=True)
        assert (deleted.files, deleted.files_kept) == (3, 3)
        assert sorted(str(path.relative_to(folder)) for path in folder.rglob("*")) == [
            "link.dcm",
            "linked",
            "study",
            "study/series 0",
            "study/series 0/came later.dcm",
            "study/series 1",
        ]
        assert len(list(outside.rglob("*.dcm"))) == 2

    def test_the_whole_folder_goes_when_nothing_is_left_in_it(self, operating: Operating) -> None:
        operating.imported("CASE-1", *UIDS)
        operating.imported("CASE-2", *UIDS)
        operating.services.ledger.shrink("CASE-2")
        for batch in ("CASE-2", "CASE-1"):
            deleted = delete(operating, batch, files=True)
            assert (deleted.files, deleted.folders, deleted.files_kept) == (3, 1, 0)
            assert not (operating.folder / batch).exists()
        assert operating.documents() == {}

    def test_files_are_not_deleted_where_that_could_harm_others(self, operating: Operating, tmp_path: Path) -> None:
        operating.configure(incoming=str(operating.folder), archive_folder=tmp_path / "in" / "ARCHIVE" / "a")
        operating.imported("OUTER/INNER", "1.2.1")
        operating.deliver(operating.folder / "OUTER")
        operating.deliver(operating.folder)
        operating.deliver(operating.make("ARCHIVE", "1.2.2"))
        (tmp_path / "in" / "link").symlink_to(operating.make("CASE-1", "1.2.3"))
        operating.deliver(tmp_path / "in" / "link")
        for batch, why in {
            "in": "is, or contains, a watched folder",
            "OUTER": "the batch .* has files there, too",
            "INNER": "the batch .* has files there, too",
            "ARCHIVE": "the archive folder is in it",
            "link": "its folder is a symbolic link",
        }.items():
            with pytest.raises(OperationRefusedError, match=why):
                operations.request_delete(operating.services, batch, files=True)
            assert not operating.batch(batch).deleting

    def test_a_batch_is_deleted_once_and_only_when_it_was_asked_for(self, operating: Operating) -> None:
        operating.imported("CASE-1", "1.2.1")
        with pytest.raises(OperationRefusedError, match="Nobody has asked"):
            operations.delete_batch(operating.services, "CASE-1")
        operations.request_delete(operating.services, "CASE-1", files=False)
        with pytest.raises(BatchBusyError, match="deleted already"):
            operations.request_delete(operating.services, "CASE-1", files=True)
        for operation in (operations.retry, operations.cancel, operations.clean):
            with pytest.raises(BatchBusyError, match="being deleted"):
                operation(operating.services, "CASE-1")

    def test_it_waits_for_tasks_that_have_taken_images(self, operating: Operating) -> None:
        operating.imported("CASE-1", "1.2.1")
        lease = new_lease("CASE-1", ["0.dcm"])
        operating.services.leases.start(lease, "worker")
        operations.request_delete(operating.services, "CASE-1", files=False)
        operating.queued.pop()[1]()
        assert operating.names == ["delete"]  # it has queued itself again
        assert set(operating.documents()) == {"1.2.1"}
        operating.services.leases.end(lease)
        operating.run()
        assert operating.services.status.batch("CASE-1") is None

    def test_it_waits_while_elasticsearch_is_away(self, operating: Operating, monkeypatch: pytest.MonkeyPatch) -> None:
        operating.imported("CASE-1", "1.2.1")
        operations.request_delete(operating.services, "CASE-1", files=True)
        with monkeypatch.context() as patch:
            away = Elasticsearch("http://127.0.0.1:1", max_retries=0)
            patch.setattr(operating.services.sink, "client", away)
            operating.queued.pop()[1]()
        assert operating.names == ["delete"]
        assert (operating.folder / "CASE-1" / "0.dcm").exists()
        operating.run()
        assert operating.services.status.batch("CASE-1") is None
        away.close()

    @pytest.mark.parametrize("step", ["withdraw", "_delete_file", "delete"])
    def test_interrupted_anywhere_it_goes_on_when_it_runs_again(
        self, operating: Operating, monkeypatch: pytest.MonkeyPatch, step: str
    ) -> None:
        monkeypatch.setattr("indexer.operations.documents.PAGE", 2)
        operating.imported("CASE-1", *UIDS)
        operating.imported("CASE-2", "1.2.1", "1.2.2")
        place = {"withdraw": deleting.Withdrawal, "_delete_file": deleting, "delete": operating.services.ledger}[step]
        real, calls = getattr(place, step), [0]

        def interrupted(*arguments: object) -> object:
            calls[0] += 1
            if calls[0] == (1 if step == "delete" else 2):
                raise KeyboardInterrupt
            return real(*arguments)

        operations.request_delete(operating.services, "CASE-2", files=True)
        operations.request_delete(operating.services, "CASE-1", files=True)
        operating.queued.clear()
        with monkeypatch.context() as patch:
            patch.setattr(place, step, interrupted)
            with pytest.raises(KeyboardInterrupt):
                operations.delete_batch(operating.services, "CASE-1")
        now = [0.0]
        recovery = Recovery(operating.services, clock=lambda: now[0])
        recovery.check()
        now[0] = 1_000.0
        recovery.check()
        assert sorted(operating.names) == ["delete", "delete"]
        operating.run()
        assert operating.services.status.batches().count == 0
        assert operating.documents() == {}
        assert list(operating.folder.iterdir()) == []

    def test_a_deletion_whose_worker_died_is_taken_up_again(self, operating: Operating, redis_client: Redis) -> None:
        operating.imported("CASE-1", "1.2.1")
        operations.request_delete(operating.services, "CASE-1", files=False)
        operating.queued.clear()
        leases = operating.services.leases
        assert leases.take(Lease("operation:CASE-1", "CASE-1", (), "delete"), "dead") == ""
        with pytest.raises(BatchBusyError, match=r"is under way \(delete\)"):
            operations.delete_batch(operating.services, "CASE-1")
        redis_client.zadd("leases", {"operation:CASE-1": 1})
        Recovery(operating.services).check()
        assert operating.names == ["delete"]
        operating.run()
        assert operating.services.status.batch("CASE-1") is None
        assert redis_client.keys("lease*") == []


def test_an_operation_of_a_person_that_died_is_over(operating: Operating, redis_client: Redis) -> None:
    operating.imported("CASE-1", "1.2.1")
    operating.services.leases.take(Lease("operation:CASE-1", "CASE-1", (), "sync"), "command")
    with pytest.raises(BatchBusyError, match=r"\(sync\)"):
        operations.verify(operating.services, "CASE-1", repair=False)
    redis_client.zadd("leases", {"operation:CASE-1": 1})
    Recovery(operating.services).check()
    assert operating.names == []
    assert operations.verify(operating.services, "CASE-1", repair=False).agrees


def test_what_is_deleted_or_rewritten_during_a_migration_is_so_in_the_new_index(
    settings: Settings, elasticsearch: Elasticsearch, redis_client: Redis, tmp_path: Path
) -> None:
    services = build_services(settings)
    operating = Operating(services, tmp_path / "in")
    operating.imported("CASE-1", *UIDS)
    operating.imported("CASE-2", "1.2.1", "1.2.4")
    operating.imported("CASE-3", "1.2.2", PatientID="OTHER")
    create_next(elasticsearch, settings.index, shards=1, replicas=0)
    delete(operating, "CASE-2")
    delete(operating, "CASE-1")
    operating.run()
    expected = operating.documents()
    assert operating.where() == {"1.2.2": ("CASE-3", [])}
    Migration(services).run()
    assert operating.documents() == expected
    services.elasticsearch.close()
