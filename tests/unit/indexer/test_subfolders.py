"""Which folders of an archive become batches, from real folders on disk."""

import os
from pathlib import Path

import pytest

from indexer.subfolders import LeftOut, subfolders


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    for name in ("P2/S1", "P1/S2/deep", "P1/S1", "P1/.hidden", "P3.tmp", ".snapshot", "EMPTY"):
        (tmp_path / name).mkdir(parents=True)
    for name in ("notes.txt", "DICOMDIR", ".DS_Store", "P1/loose.dcm", "P1/S1/a.dcm", "P1/S2/deep/b.dcm"):
        (tmp_path / name).touch()
    (tmp_path / "P1/link").symlink_to(tmp_path / "P2")
    return tmp_path


@pytest.mark.parametrize(
    ("depth", "names", "files", "unfinished"),
    [
        (1, ["EMPTY", "P1", "P2"], 1, 2),
        (2, ["P1/S1", "P1/S2", "P2/S1"], 3, 3),
        (3, ["P1/S2/deep"], 4, 3),
        (4, [], 5, 3),
    ],
)
def test_folders_at_a_depth_are_listed_in_order_and_what_is_above_is_counted(
    depth: int, names: list[str], files: int, unfinished: int, archive: Path
) -> None:
    left_out = LeftOut()
    assert [str(found.relative_to(archive)) for found in subfolders(archive, depth, left_out)] == names
    assert (left_out.files, left_out.unfinished, left_out.refused_count) == (files, unfinished, 0)


def test_a_folder_that_cannot_be_listed_is_told_and_stops_no_other(
    archive: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = os.scandir

    def scandir(path: Path) -> object:
        # Root may list everything, so the refusal of the system is played.
        if Path(path).name == "P1":
            raise PermissionError(13, "Permission denied")
        return real(path)

    monkeypatch.setattr(os, "scandir", scandir)
    left_out = LeftOut()
    assert list(subfolders(archive, 2, left_out)) == [archive / "P2/S1"]
    assert (left_out.refused, left_out.refused_count) == ({archive / "P1": "permission denied"}, 1)


def test_an_archive_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        list(subfolders(tmp_path / "missing", 1, LeftOut()))
