"""Cleaning up after success: each file goes only when it is safe; old batches keep their counts."""

import shutil
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from redis import Redis

from indexer import operations
from indexer.batches import delivery_of
from indexer.operations import Cleaned, cleaning
from indexer.recovery import Recovery
from indexer.sink import Removal
from tests.operating import Operating

UIDS = ("1.2.1", "1.2.2", "1.2.3")


def files_in(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if not path.is_dir() or path.is_symlink())


def why(operating: Operating) -> Any:
    return operating.services.status.events("CASE-1")[0].details


class TestDelete:
    """`delete`."""

    def test_indexed_files_go_and_ignored_ones_stay(self, operating: Operating) -> None:
        operating.configure(cleanup="delete")
        folder = operating.make("CASE-1", *UIDS, name="a/{at}.dcm")
        (folder / ".hidden").touch()
        (folder / "empty").mkdir()
        batch = operating.deliver(folder)
        assert files_in(folder) == [".hidden"]
        assert not (folder / "a").exists()
        assert (batch.counts.done, batch.cleaned) == (3, "delete")
        assert set(operating.documents()) == set(UIDS)
        assert operating.events("CASE-1")[:2] == ["cleaned", "done"]
        # It is no delivery, and nothing to synchronise.
        assert operating.services.ledger.add("CASE-1", "CASE-1", str(folder), "w", delivery_of(folder)) == "known"
        report = operations.sync(operating.services, "CASE-1", apply=True)
        assert (report.gone, report.cleaned) == (0, 3)
        assert operations.verify(operating.services, "CASE-1", repair=False, files=True).agrees
        assert set(operating.documents()) == set(UIDS)
        assert operations.clean(operating.services, "CASE-1") == Cleaned("delete")

    def test_files_are_kept_unless_the_setting_says_otherwise(self, operating: Operating) -> None:
        operating.imported("CASE-1", "1.2.1")
        assert operations.clean(operating.services, "CASE-1").refused == "files are kept (DICOMSEARCH_CLEANUP)"
        assert files_in(operating.folder / "CASE-1") == ["0.dcm"]

    def test_a_batch_with_errors_is_not_touched_until_they_are_mended(self, operating: Operating) -> None:
        operating.configure(cleanup="delete")
        folder = operating.make("CASE-1", "1.2.1")
        (folder / "broken.dcm").touch()
        operating.deliver(folder)
        assert files_in(folder) == ["0.dcm", "broken.dcm"]
        assert (operating.events("CASE-1")[0], why(operating)) == ("not cleaned", {"reason": "it has errors"})
        operating.write(folder / "broken.dcm", "1.2.2")
        operations.retry(operating.services, "CASE-1")
        operating.run()
        assert not folder.exists()
        assert set(operating.documents()) == {"1.2.1", "1.2.2"}

    def test_what_is_not_certain_stays_with_its_reason(self, operating: Operating, tmp_path: Path) -> None:
        operating.imported("CASE-1", *UIDS, "1.2.4", "1.2.5")
        folder = operating.folder / "CASE-1"
        operating.imported("CASE-2", "1.2.1")
        operating.write(folder / "1.dcm", "1.2.2", StudyDescription="longer")
        shutil.move(folder / "2.dcm", tmp_path / "2.dcm")
        (folder / "2.dcm").symlink_to(tmp_path / "2.dcm")
        found = operating.services.sink.existing(["1.2.4"])["1.2.4"]
        operating.services.sink.write([Removal("1.2.4", found.version)])
        operating.configure(cleanup="delete")
        cleaned = operations.clean(operating.services, "CASE-1")
        assert (cleaned.files, dict(cleaned.kept)) == (
            1,
            {
                "the image was found again in another file, which is the one in the index": 1,
                "it has changed on disk": 1,
                "it is a link": 1,
                "the index does not have the image": 1,
            },
        )
        assert files_in(folder) == ["0.dcm", "1.dcm", "2.dcm", "3.dcm"]
        assert (tmp_path / "2.dcm").exists()
        assert "it is a link" in why(operating)["because"]

    def test_what_came_meanwhile_is_left_to_the_watcher(
        self, operating: Operating, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        folder = operating.make("CASE-1", *UIDS)
        operating.configure(cleanup="delete")
        real = cleaning.delete_empty

        def delivered_meanwhile(path: Path) -> int:
            operating.write(path / "new.dcm", "1.2.9")
            return real(path)

        monkeypatch.setattr(cleaning, "delete_empty", delivered_meanwhile)
        operating.deliver(folder)
        assert files_in(folder) == ["new.dcm"]
        batch = operating.deliver(folder)
        assert batch.counts.done == 4


@pytest.mark.parametrize(
    ("folders", "reason"),
    [
        ({"archive_folder": None}, "there is no archive folder"),
        ({"archive_folder": "in/CASE-1/archive"}, "the archive folder is in it"),
        ({"archive_folder": "in", "incoming": "in/incoming"}, "the archive folder and a watched folder"),
        ({"archive_folder": "archive", "incoming": "in/CASE-1"}, "its folder is, or contains, a watched folder"),
    ],
)
def test_a_setting_that_would_do_harm_is_refused(
    operating: Operating, tmp_path: Path, folders: dict[str, str | None], reason: str
) -> None:
    operating.imported("CASE-1", "1.2.1")
    absolute: dict[str, Any] = {name: path and tmp_path / path for name, path in folders.items()}
    absolute["incoming"] = str(absolute.get("incoming", tmp_path / "incoming"))
    operating.configure(cleanup="archive", **absolute)
    assert reason in str(operations.clean(operating.services, "CASE-1").refused)
    assert files_in(operating.folder / "CASE-1") == ["0.dcm"]


@pytest.mark.parametrize("change", [lambda o: o.services.ledger.shrink("CASE-1"), lambda o: cancelled(o)])
def test_a_cancelled_or_shrunk_batch_is_refused(operating: Operating, change: Callable[[Operating], object]) -> None:
    operating.imported("CASE-1", "1.2.1")
    change(operating)
    operating.configure(cleanup="delete")
    assert operations.clean(operating.services, "CASE-1").refused is not None
    assert files_in(operating.folder / "CASE-1") == ["0.dcm"]


def cancelled(operating: Operating) -> None:
    operating.services.ledger.add("CASE-1", "CASE-1", str(operating.folder / "CASE-1"), "import", "again")
    operations.cancel(operating.services, "CASE-1")
    operating.services.queue.register("CASE-1")
    operating.run()


def test_batches_that_have_been_done_for_long_shrink(operating: Operating, redis_client: Redis) -> None:
    for batch in ("OLD", "NEW", "BAD"):
        folder = operating.make(batch, f"1.2.{len(batch)}{ord(batch[0])}")
        if batch == "BAD":
            (folder / "empty.dcm").touch()
        operating.deliver(folder)
    long_ago = operating.batch("OLD").add_date - timedelta(days=31)
    for batch in ("OLD", "BAD"):
        redis_client.hset(f"batch:{batch}", "finished_at", long_ago.timestamp())
    operating.configure(shrink_days=0)
    assert operations.shrink_old(operating.services) == 0
    operating.configure(shrink_days=30)
    now = [0.0]
    recovery = Recovery(operating.services, clock=lambda: now[0])
    recovery.check()
    assert [operating.batch(batch).shrunk for batch in ("OLD", "NEW", "BAD")] == [True, False, False]
    redis_client.hset("batch:NEW", "finished_at", long_ago.timestamp())
    now[0] = 3_599.0
    recovery.check()
    assert not operating.batch("NEW").shrunk
    now[0] = 3_600.0
    recovery.check()
    assert operating.batch("NEW").shrunk
