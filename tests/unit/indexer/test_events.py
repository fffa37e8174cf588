"""What the real inotify tells of a folder."""

import os
import sys
import threading
from collections.abc import Iterator
from itertools import cycle, islice
from pathlib import Path

import pytest

from indexer.watching.events import FolderEvents, Heard
from tests.processes import wait_for

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="inotify is Linux's")


@pytest.fixture
def events(tmp_path: Path) -> Iterator[FolderEvents]:
    (tmp_path / "root").mkdir()
    (tmp_path / "away").mkdir()
    events = FolderEvents(tmp_path / "root", lambda: None)
    events.open()
    yield events
    events.close()


def hear(events: FolderEvents, *names: str) -> Heard:
    """All that is heard until each of these names is among it."""
    heard = Heard()

    def complete() -> bool:
        more = events.take()
        heard.names |= more.names
        heard.renamed |= more.renamed
        heard.all |= more.all
        heard.lost |= more.lost
        return heard.names >= set(names)

    wait_for(complete, 10)
    return heard


def test_folders_that_are_made_renamed_and_moved_in_are_heard_of(tmp_path: Path, events: FolderEvents) -> None:
    root, away = tmp_path / "root", tmp_path / "away"
    (root / "made").mkdir()
    (root / "file").touch()
    (root / "one.tmp-1").mkdir()
    (root / "one.tmp-1").rename(root / "one")
    (root / ".hidden").mkdir()
    (root / ".hidden").rename(root / "two")
    (root / "made").rename(root / "made again")
    (away / "three.tmp").mkdir()
    (away / "three.tmp").rename(root / "three")
    (root / "four.tmp").mkdir()
    (root / "four.tmp").rename(away / "four")
    (away / "four").rename(root / "four")
    heard = hear(events, "made", "one", "two", "made again", "three", "four")
    assert "file" not in heard.names
    # Complete is what had the name of an unfinished folder here: where else it was nobody knows.
    assert heard.renamed == {"one", "two"}
    assert not heard.all
    assert not heard.lost


@pytest.mark.parametrize("name", [b"a b", b"caf\xe9", b"line\nbreak", b"\x1b[2J", "ü中".encode(), b"x" * 255])
def test_names_of_any_bytes_are_heard_as_they_are(name: bytes, tmp_path: Path, events: FolderEvents) -> None:
    os.mkdir(os.fsencode(tmp_path / "root") + b"/" + name)  # noqa: PTH102  # bytes
    hear(events, os.fsdecode(name))


def test_lost_events_are_said(tmp_path: Path) -> None:
    limit = int(Path("/proc/sys/fs/inotify/max_queued_events").read_text())
    if limit > 50_000:
        pytest.skip(f"the queue of this system takes {limit} events, too many to fill")
    reads, goes_on = threading.Event(), threading.Event()

    def hold() -> None:
        reads.set()
        goes_on.wait(60)

    (tmp_path / "a").touch()
    events = FolderEvents(tmp_path, hold)
    events.open()
    try:
        (tmp_path / "first").mkdir()
        reads.wait(10)
        # The reader is held in its first event, and what it does not read fills the queue: two events a time.
        for old, new in islice(cycle([("a", "b"), ("b", "a")]), limit // 2 + 2_000):
            os.rename(tmp_path / old, tmp_path / new)  # noqa: PTH104  # twice as fast
        goes_on.set()
        wait_for(lambda: events.take().lost, 20)
        (tmp_path / "after").mkdir()
        hear(events, "after")
    finally:
        goes_on.set()
        events.close()


def test_so_many_names_that_they_are_not_kept_ask_for_a_look_at_all(
    tmp_path: Path, events: FolderEvents, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("indexer.watching.events._MOST_NAMES", 3)
    for at in range(5):
        (tmp_path / "root" / str(at)).mkdir()
    (tmp_path / "root").rename(tmp_path / "gone")
    wait_for(lambda: not events.is_open, 10)
    heard = events.take()
    assert heard.all
    assert len(heard.names) == 3


@pytest.mark.parametrize("how", ["removed", "moved"])
def test_a_folder_that_goes_is_not_listened_to_any_more(how: str, tmp_path: Path, events: FolderEvents) -> None:
    if how == "removed":
        (tmp_path / "root").rmdir()
    else:
        (tmp_path / "root").rename(tmp_path / "gone")
    wait_for(lambda: not events.is_open, 10)
    assert events.take().all
    with pytest.raises(FileNotFoundError):
        events.open()
    (tmp_path / "root").mkdir()
    events.open()
    (tmp_path / "root" / "again").mkdir()
    hear(events, "again")


def test_a_file_is_no_folder_to_listen_to(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(NotADirectoryError):
        FolderEvents(tmp_path / "file", lambda: None).open()
