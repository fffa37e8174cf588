"""Comparing a batch with its folder, and letting search and status follow the disk."""

import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from indexer import operations
from indexer.batches import delivery_of
from indexer.operations import BatchBusyError, OperationRefusedError, SyncReport, syncing
from indexer.status import BatchStatus
from tests.operating import Operating

UIDS = ("1.2.1", "1.2.2", "1.2.3")


def sync(operating: Operating, *, apply: bool = True, **options: Any) -> SyncReport:
    return operations.sync(operating.services, "CASE-1", apply=apply, **options)


def counts(report: SyncReport) -> tuple[int, int, int]:
    return report.gone, report.changed, report.new


def disturb(operating: Operating) -> None:
    """One file goes, one changes, one comes."""
    folder = operating.folder / "CASE-1"
    (folder / "0.dcm").unlink()
    operating.write(folder / "1.dcm", "1.2.2", PatientID="CHANGED", StudyDescription="longer")
    operating.write(folder / "later" / "3.dcm", "1.2.4")


def test_what_differs_is_shown_and_nothing_is_changed(operating: Operating) -> None:
    operating.imported("CASE-1", *UIDS)
    assert counts(sync(operating, apply=False)) == (0, 0, 0)
    disturb(operating)
    report = sync(operating, apply=False)
    assert (report.gone_paths, report.changed_paths, report.new_paths) == (["0.dcm"], ["1.dcm"], ["later/3.dcm"])
    assert not report.applied
    assert set(operating.documents()) == set(UIDS)
    assert operating.batch("CASE-1").status is BatchStatus.DONE
    assert operating.events("CASE-1")[:2] == ["compared", "compared"]


def test_search_and_status_follow_the_disk(operating: Operating) -> None:
    operating.imported("CASE-1", *UIDS)
    disturb(operating)
    assert counts(sync(operating)) == (1, 1, 1)
    operating.run()
    documents = operating.documents()
    assert set(documents) == {"1.2.2", "1.2.3", "1.2.4"}
    assert documents["1.2.2"]["PatientID"] == "CHANGED"
    batch = operating.batch("CASE-1")
    assert (batch.status, batch.counts.done, batch.counts.total) == (BatchStatus.DONE, 3, 3)
    assert counts(sync(operating, apply=False)) == (0, 0, 0)
    assert operations.verify(operating.services, "CASE-1", repair=False, files=True).agrees
    # The watcher has nothing to do for what was seen to here.
    folder = operating.folder / "CASE-1"
    assert operating.services.ledger.add("CASE-1", "CASE-1", str(folder), "watcher", delivery_of(folder)) == "known"


def test_a_file_that_has_gone_leaves_the_image_to_its_other_files(operating: Operating) -> None:
    operating.imported("CASE-2", "1.2.1")
    operating.imported("CASE-1", "1.2.1", "1.2.2")
    operating.imported("CASE-3", "1.2.2")
    assert operating.where() == {"1.2.1": ("CASE-1", ["CASE-2"]), "1.2.2": ("CASE-3", ["CASE-1"])}
    shutil.rmtree(operating.folder / "CASE-1")
    assert counts(sync(operating, folder_may_be_gone=True)) == (2, 0, 0)
    operating.run()
    assert operating.where() == {"1.2.1": ("CASE-2", []), "1.2.2": ("CASE-3", [])}
    assert operating.batch("CASE-1").counts.total == 0
    for batch in ("CASE-1", "CASE-2", "CASE-3"):
        assert operations.verify(operating.services, batch, repair=False).agrees


def unmounted(folder: Path) -> None:
    shutil.rmtree(folder)
    folder.mkdir()


def replaced_by_a_file(folder: Path) -> None:
    shutil.rmtree(folder)
    folder.write_text("")


def another_disk(folder: Path) -> None:
    unmounted(folder)
    (folder / "lost+found").write_text("not ours")


@pytest.mark.parametrize("happens", [shutil.rmtree, unmounted, replaced_by_a_file, another_disk])
@pytest.mark.parametrize("apply", [False, True])
def test_a_folder_that_has_disappeared_is_no_reason_to_forget_its_images(
    operating: Operating, happens: Callable[[Path], object], apply: bool
) -> None:
    operating.imported("CASE-1", "1.2.1")
    happens(operating.folder / "CASE-1")
    with pytest.raises(OperationRefusedError, match=r"its disk may not be mounted.*--even-if-the-folder-is-gone"):
        sync(operating, apply=apply)
    assert set(operating.documents()) == {"1.2.1"}
    assert operating.batch("CASE-1").counts.done == 1


def test_a_folder_that_disappears_in_the_middle_is_noticed(
    operating: Operating, monkeypatch: pytest.MonkeyPatch
) -> None:
    operating.imported("CASE-1", *UIDS)
    real = syncing._believe

    def believe(*arguments: Any, **options: Any) -> None:
        real(*arguments, **options)
        unmounted(operating.folder / "CASE-1")

    monkeypatch.setattr(syncing, "_believe", believe)
    # The test's own folder has the inode that was freed, as a disk that is mounted would not.
    monkeypatch.setattr(syncing, "_identity", lambda folder: len(list(folder.iterdir())))
    with pytest.raises(OperationRefusedError, match="has disappeared meanwhile"):
        sync(operating)
    assert set(operating.documents()) == set(UIDS)


def test_hostile_names_and_links_are_compared_as_they_are(operating: Operating, tmp_path: Path) -> None:
    folder = operating.make("CASE-1", "1.2.1")
    hostile = [b"\xff\xfe.dcm", b"new\nline.dcm", b"\\xff.dcm", b"--apply", b"a b\x1b[2J.dcm"]
    for at, name in enumerate(hostile):
        operating.write(Path(os.fsdecode(os.fsencode(folder) + b"/" + name)), f"1.3.{at}")
    (folder / "link.dcm").symlink_to("0.dcm")
    (folder / "away").symlink_to(tmp_path)
    operating.deliver(folder)
    assert counts(sync(operating, apply=False)) == (0, 0, 0)
    for name in hostile:
        Path(os.fsdecode(os.fsencode(folder) + b"/" + name)).unlink()
    (folder / "link.dcm").unlink()
    report = sync(operating)
    assert counts(report) == (6, 0, 0)
    assert "\\xff\\xfe.dcm" in report.gone_paths
    operating.run()
    assert set(operating.documents()) == {"1.2.1"}


def test_long_lists_of_paths_are_cut_and_their_counts_are_not(operating: Operating) -> None:
    operating.imported("CASE-1", "1.2.1")
    for at in range(130):
        (operating.folder / "CASE-1" / f"{at:03}.txt").write_text("x")
    report = sync(operating, apply=False)
    assert (report.new, len(report.new_paths)) == (130, 100)


def test_an_error_of_a_folder_ends_when_it_can_be_listed(operating: Operating, tmp_path: Path) -> None:
    operating.services.ledger.add("CASE-1", "CASE-1", str(operating.folder / "CASE-1"), "import", "1")
    operating.services.queue.register("CASE-1")
    operating.run()
    assert operating.batch("CASE-1").has_error
    operating.make("CASE-1", "1.2.1")
    assert counts(sync(operating)) == (1, 0, 1)
    operating.run()
    assert (operating.batch("CASE-1").has_error, operating.batch("CASE-1").counts.total) == (False, 1)


def test_interrupted_it_goes_on_when_it_is_called_again(operating: Operating, monkeypatch: pytest.MonkeyPatch) -> None:
    operating.imported("CASE-1", *UIDS)
    disturb(operating)
    (operating.folder / "CASE-1" / "2.dcm").unlink()
    for step in ("forget", "add", "register"):
        place = operating.services.queue if step == "register" else operating.services.ledger
        with monkeypatch.context() as patch:
            patch.setattr(place, step, lambda *_, **__: (_ for _ in ()).throw(KeyboardInterrupt))
            with pytest.raises(KeyboardInterrupt):
                sync(operating)
    # Open, and not listed: the periodic check has it listed.
    batch = operating.batch("CASE-1")
    assert (batch.status, batch.registered) == (BatchStatus.PROCESSING, False)
    assert operating.services.status.active_batches() == ["CASE-1"]
    operating.services.queue.register("CASE-1")
    operating.run()
    assert set(operating.documents()) == {"1.2.2", "1.2.4"}
    assert counts(sync(operating, apply=False)) == (0, 0, 0)


def test_a_batch_that_is_not_at_rest_or_is_shrunk_is_left_alone(operating: Operating) -> None:
    folder = operating.make("CASE-1", *UIDS)
    operating.services.ledger.add("CASE-1", "CASE-1", str(folder), "watcher", "1")
    for request in (sync, lambda o: operations.request_sync(o.services, "CASE-1", apply=True)):
        with pytest.raises(BatchBusyError, match="is being indexed: wait until it is done, or cancel it"):
            request(operating)
    operating.services.queue.register("CASE-1")
    operating.run()
    operating.services.ledger.shrink("CASE-1")
    with pytest.raises(OperationRefusedError, match="import its folder again"):
        sync(operating)
