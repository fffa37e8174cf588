"""When a folder of the watched folder counts as finished."""

import itertools
import os
from collections.abc import Callable
from contextlib import nullcontext
from itertools import chain
from pathlib import Path

import pytest

from indexer.batches import delivery_of
from indexer.files import is_finished_name
from indexer.watching import Incoming


class Clock:
    """A clock that tests turn."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def __call__(self) -> float:
        return self.seconds


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def incoming(tmp_path: Path, clock: Clock) -> Incoming:
    return Incoming(tmp_path, settle_seconds=2.0, clock=clock)


@pytest.fixture
def look(incoming: Incoming, clock: Clock) -> Callable[..., list[str]]:
    def look(*, at: float) -> list[str]:
        clock.seconds = at
        names = []
        for folder, delivery in incoming.finished():
            incoming.is_known(folder, delivery)
            names.append(folder.name)
        return names

    return look


@pytest.mark.parametrize(
    ("name", "finished"),
    [
        ("CASE-17", True),
        ("CASE-17.tmp", False),
        ("CASE-17.tmp-x", False),
        ("CASE-17.tmp123", False),
        (".tmp-upload", False),
        (".hidden", False),
        ("study.2024.01", True),
        ("tmp", True),
        ("a.tmp.b", True),
        ("CASE 17 ü", True),
    ],
)
def test_a_finished_name_has_no_extension_that_starts_with_tmp(name: str, finished: bool) -> None:
    assert is_finished_name(name) is finished


def test_a_folder_that_stands_still_is_found_exactly_once(tmp_path: Path, look: Callable[..., list[str]]) -> None:
    (tmp_path / "CASE-1").mkdir()
    (tmp_path / "CASE-1/a.dcm").write_bytes(b"1")
    assert look(at=0) == []
    assert look(at=1.9) == []
    assert look(at=2) == ["CASE-1"]
    assert look(at=100) == []


def test_a_folder_that_grows_is_not_finished(tmp_path: Path, look: Callable[..., list[str]]) -> None:
    (tmp_path / "CASE-1/deep").mkdir(parents=True)
    for second in range(10):
        (tmp_path / "CASE-1/deep" / f"{second}.dcm").write_bytes(b"1")
        assert look(at=second) == []
    with (tmp_path / "CASE-1/deep/9.dcm").open("ab") as file:
        file.write(b"more")
    assert look(at=11) == []
    assert look(at=12.9) == []
    assert look(at=13) == ["CASE-1"]


def test_a_renamed_folder_is_finished_at_once(
    tmp_path: Path, incoming: Incoming, look: Callable[..., list[str]]
) -> None:
    (tmp_path / "CASE-1.tmp-x").mkdir()
    assert look(at=0) == []
    (tmp_path / "CASE-1.tmp-x").rename(tmp_path / "CASE-1")
    incoming.renamed.add("CASE-1")
    assert look(at=0.1) == ["CASE-1"]
    assert incoming.renamed == set()


def test_a_folder_that_is_delivered_again_is_found_again(tmp_path: Path, look: Callable[..., list[str]]) -> None:
    (tmp_path / "CASE-1").mkdir()
    look(at=0)
    assert look(at=2) == ["CASE-1"]
    (tmp_path / "CASE-1").rmdir()
    assert look(at=3) == []
    (tmp_path / "CASE-1").mkdir()
    (tmp_path / "CASE-1/new.dcm").write_bytes(b"1")
    assert look(at=4) == []
    assert look(at=6) == ["CASE-1"]


def test_a_renamed_folder_is_known_by_its_likeness_where_no_event_tells(
    tmp_path: Path, look: Callable[..., list[str]]
) -> None:
    (tmp_path / "CASE-1.tmp-x").mkdir()
    assert look(at=0) == []
    (tmp_path / "CASE-1.tmp-x").rename(tmp_path / "CASE-1")
    assert look(at=0.1) == ["CASE-1"]


def test_a_folder_that_was_filled_after_it_was_seen_last_has_to_settle_whatever_its_name_was(
    tmp_path: Path, look: Callable[..., list[str]]
) -> None:
    (tmp_path / "CASE-1.tmp-x").mkdir()
    assert look(at=0) == []
    (tmp_path / "CASE-1.tmp-x/a.dcm").touch()
    (tmp_path / "CASE-1.tmp-x").rename(tmp_path / "CASE-1")
    assert look(at=0.1) == []
    assert look(at=2.1) == ["CASE-1"]


@pytest.mark.parametrize("change", ["replaced", "older", "gone", "folder", "moved"])
def test_a_change_of_any_kind_shows_that_a_folder_grows(
    change: str, tmp_path: Path, look: Callable[..., list[str]]
) -> None:
    file = tmp_path / "CASE-1/deep/a.dcm"
    file.parent.mkdir(parents=True)
    file.write_bytes(b"1")
    os.utime(file, (1, 1))
    assert look(at=0) == []
    if change == "replaced":  # same size, and a time of last change that is set back
        file.write_bytes(b"2")
        os.utime(file, (1, 1))
    elif change == "older":
        (file.parent / "b.dcm").touch()
        os.utime(file.parent / "b.dcm", (0, 0))
    elif change == "gone":
        file.unlink()
    elif change == "folder":
        (file.parent / "empty").mkdir()
    else:
        file.rename(file.parent / "b.dcm")
    assert look(at=2) == []
    assert look(at=4) == ["CASE-1"]


def test_a_large_folder_is_listed_in_pieces_and_holds_up_no_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("indexer.watching.growth._STRIDE", 10)
    (tmp_path / "A-LARGE").mkdir()
    (tmp_path / "SMALL").mkdir()
    for at in range(95):
        (tmp_path / "A-LARGE" / str(at)).touch()
    ticks = itertools.count()
    # Each time that the clock is asked 0.3 s have gone: a look ends after about four pieces.
    incoming = Incoming(tmp_path, settle_seconds=1.0, clock=lambda: next(ticks) * 0.3)
    looks: list[str] = []
    while "A-LARGE" not in looks:
        found = incoming.finished()
        looks += [folder.name for folder, _ in found] or ["-"]
        for folder, delivery in found:
            incoming.is_known(folder, delivery)
        assert len(looks) < 60
    assert looks.index("SMALL") < looks.index("A-LARGE")
    assert looks.index("A-LARGE") > 6


def test_deliveries_that_are_batches_already_are_not_looked_into(
    tmp_path: Path, incoming: Incoming, look: Callable[..., list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "OLD").mkdir()
    (tmp_path / "NEW").mkdir()
    incoming.knows({"OLD": delivery_of(tmp_path / "OLD"), "NEW": "of another time"})
    listed = []
    monkeypatch.setattr(
        "indexer.watching.growth.entries", lambda folder, folders: iter(listed.append(folder.name) or ())
    )
    assert look(at=0) == []
    assert look(at=2) == ["NEW"]
    assert set(listed) == {"NEW"}
    # What the status has lost is found again.
    incoming.knows({})
    assert look(at=3) == []
    assert look(at=5) == ["NEW", "OLD"]


def test_a_folder_that_is_not_taken_yet_is_answered_again(tmp_path: Path, incoming: Incoming, clock: Clock) -> None:
    (tmp_path / "CASE-1").mkdir()
    assert incoming.finished() == []
    clock.seconds = 2
    first = incoming.finished()
    assert [folder.name for folder, _ in first] == ["CASE-1"]
    assert incoming.waiting() == {"CASE-1"}
    assert incoming.finished() == incoming.finished({"CASE-1"}) == first


def test_a_look_at_some_names_leaves_the_others_alone(tmp_path: Path, incoming: Incoming, clock: Clock) -> None:
    for name in ("A", "B", "C.tmp"):
        (tmp_path / name).mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "A")
    names = {"A", "C.tmp", "link", "gone"}
    assert incoming.finished(names) == []
    assert incoming.due() == 2
    clock.seconds = 2
    assert [folder.name for folder, _ in incoming.finished(names)] == ["A"]


def test_a_folder_that_goes_while_it_settles_is_forgotten(tmp_path: Path, incoming: Incoming) -> None:
    (tmp_path / "CASE-1").mkdir()
    incoming.finished()
    (tmp_path / "CASE-1").rename(tmp_path / ".away")
    assert incoming.finished({"CASE-1"}) == []
    assert incoming.due() is None


def test_a_folder_that_the_system_refuses_is_told_and_stops_no_other(
    tmp_path: Path, incoming: Incoming, look: Callable[..., list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    class Refused:
        name = "BAD"

        def is_dir(self, *, follow_symlinks: bool) -> bool:
            return not follow_symlinks

        def stat(self, *, follow_symlinks: bool) -> os.stat_result:
            raise OSError(5, "Input/output error")

    (tmp_path / "GOOD").mkdir()
    real = os.scandir

    def scandir(path: Path | str) -> object:
        # A file system that is damaged is played.
        return nullcontext(chain([Refused()], real(path))) if path == tmp_path else real(path)

    monkeypatch.setattr(os, "scandir", scandir)
    assert look(at=0) == []
    assert incoming.refused == {"BAD": "input/output error"}
    assert look(at=2) == ["GOOD"]


def test_files_and_links_beside_the_folders_are_counted(tmp_path: Path, incoming: Incoming) -> None:
    (tmp_path / "loose.dcm").write_bytes(b"1")
    (tmp_path / "link").symlink_to("/")
    (tmp_path / ".hidden").write_bytes(b"1")
    assert incoming.finished() == []
    assert incoming.loose == 2
