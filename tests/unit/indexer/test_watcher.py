"""When a folder of the watched folder counts as finished."""

from collections.abc import Callable
from pathlib import Path

import pytest

from indexer.watcher import Incoming, is_finished_name


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


def test_files_and_links_beside_the_folders_are_counted(tmp_path: Path, incoming: Incoming) -> None:
    (tmp_path / "loose.dcm").write_bytes(b"1")
    (tmp_path / "link").symlink_to("/")
    (tmp_path / ".hidden").write_bytes(b"1")
    assert incoming.finished() == []
    assert incoming.loose == 2
