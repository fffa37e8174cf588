"""Deleting batches: nothing of others goes with them, and interrupted anywhere it goes on."""

import os
from pathlib import Path

import pytest
from elasticsearch import Elasticsearch
from redis import Redis

from indexer import operations
from indexer.migration import Migration
from indexer.operations import BatchBusyError, Deleted, OperationRefusedError, deleting
from indexer.queue import new_lease
from indexer.recovery import Recovery
from indexer.services import build_services
from indexer.settings import Settings
from indexer.status import BatchStatus, Lease
from mappings.index import create_next
from tests.operating import Operating

UIDS = ("1.2.1", "1.2.2", "1.2.3")


def delete(operating: Operating, batch: str, *, files: bool = False) -> Deleted:
    operations.request_delete(operating.services, batch, files=files)
    operating.queued.clear()
    return operations.delete_batch(operating.services, batch)


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
