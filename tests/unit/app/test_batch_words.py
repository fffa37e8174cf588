"""Batches that are looked for, their history in words, and figures as people write them."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from app.batch_filter import BatchFilter
from app.history import sentence
from app.web.disks import disks_of
from app.web.formats import duration, rate
from indexer.status import Batch, BatchStatus, Counts, Event

NOW = datetime(2026, 3, 2, tzinfo=UTC)


@pytest.mark.parametrize(
    ("what", "details", "words"),
    [
        ("created", {"source": "watcher"}, "Found in the watched folder."),
        ("created", {"source": "upload"}, "Uploaded."),
        ("created", {"source": "other"}, "Came by other."),
        ("delivered", {"source": "watcher"}, "Delivered again."),
        ("listed", {"added": 1_234}, "All files are listed: 1,234 files."),
        ("listed", {"added": 1, "changed": 2, "unchanged": 3}, "All files are listed: 1 new, 2 changed, 3 as before."),
        ("done", {"done": 1, "error": 0, "ignored": 0}, "Done: 1 image is found by search."),
        (
            "done",
            {"done": 2, "error": 3, "ignored": 4},
            "Done: 2 images are found by search, 3 could not be indexed, 4 ignored.",
        ),
        ("retried", {"images": 2, "folders": 1, "code": None}, "Tried again: 2 files and 1 folder."),
        ("retried", {"images": 1, "folders": 0, "code": "timeout"}, "Tried again: 1 file with the error timeout."),
        ("compared", {"gone": 0, "changed": 0, "new": 0}, "Compared with its folder: they agree."),
        ("compared", {"gone": 1, "new": 2}, "Compared with its folder: 1 gone, 2 new. Nothing was changed."),
        ("synchronised", {"changed": 5}, "Follows its folder: 5 changed."),
        ("synchronised", {}, "Follows its folder: no difference."),
        ("verified", {"images": 9, "differences": 0}, "Checked against the index: 9 images, no difference."),
        (
            "verified",
            {"differences": 1, "repaired": 0},
            "Checked against the index: 1 difference, nothing was changed.",
        ),
        ("verified", {"differences": 2, "repaired": 1}, "Checked against the index: 2 differences, repaired."),
        ("cleaned", {"how": "delete", "files": 3, "kept": 0}, "Cleaned up: 3 files deleted."),
        (
            "cleaned",
            {"how": "archive", "files": 3, "kept": 1, "because": "1: it changed"},
            "Cleaned up: 3 files archived; 1 file kept (1: it changed).",
        ),
        ("not cleaned", {"reason": "it has errors"}, "Not cleaned up: it has errors."),
        ("failed", {"operation": "sync", "reason": "Busy."}, "The comparison with the folder was not done: Busy."),
        ("something", {"new": 1, "none": None}, "Something: new 1."),
        ("something", {}, "Something."),
    ],
)
def test_the_history_is_told_in_sentences(what: str, details: dict[str, Any], words: str) -> None:
    assert sentence(Event(NOW, what, details)) == words


def batch(**values: Any) -> Batch:
    usual = {"id": "A", "name": "A", "path": "/a", "source": "watcher", "status": BatchStatus.DONE, "has_error": False}
    more = {
        "counts": Counts(),
        "add_date": NOW,
        "modify_date": NOW,
        "finished_at": None,
        "tags": [],
        "registered": True,
    }
    return Batch(**{**usual, **more, **values})


@pytest.mark.parametrize(
    ("wanted", "values", "is_wanted"),
    [
        (BatchFilter(), {}, True),
        (BatchFilter("  "), {}, True),
        (BatchFilter("straße"), {"name": "STRASSE 1"}, True),
        (BatchFilter("one two"), {"name": "one", "note": "Two"}, True),
        (BatchFilter("one two"), {"name": "one"}, False),
        (BatchFilter(tag="Trial"), {"tags": ["trial"]}, True),
        (BatchFilter(tag="tri"), {"tags": ["trial"]}, False),
        (BatchFilter(status=BatchStatus.NEW), {}, False),
        (BatchFilter(has_error=False), {}, True),
        (BatchFilter(has_error=True), {}, False),
    ],
)
def test_a_filter_wants_what_fits_all_of_it(wanted: BatchFilter, values: dict[str, Any], is_wanted: bool) -> None:
    assert wanted.wants(batch(**values)) is is_wanted


@pytest.mark.parametrize(
    ("seconds", "words"), [(0.2, "1 s"), (59, "59 s"), (61, "2 min"), (3_599, "1 h 0 min"), (12_000, "3 h 20 min")]
)
def test_a_time_that_is_left_is_told_in_few_words(seconds: float, words: str) -> None:
    assert duration(seconds) == words


@pytest.mark.parametrize(("images", "words"), [(0.004, "0.004/s"), (2.5, "2.5/s"), (9.99, "10/s"), (1234.5, "1,234/s")])
def test_a_rate_has_as_many_digits_as_matter(images: float, words: str) -> None:
    assert rate(images) == words


def test_a_disk_that_several_folders_share_is_told_once(tmp_path: Path) -> None:
    (disk,) = disks_of({"data": tmp_path, "images": tmp_path / "not" / "yet"})
    assert disk.holds == "data and images"
    assert 0 < disk.free < disk.size
