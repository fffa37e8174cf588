"""Which files a batch has, from real folders on disk."""

import os
import subprocess
from contextlib import suppress
from pathlib import Path

import pytest

from indexer.files import Entry, Unlistable, entries, is_no_image, leaves, mtime_text, printable, shown, walk
from indexer.status.ledger import FoundFile


def fill(folder: Path, *names: str | bytes) -> None:
    for name in names:
        path = Path(os.fsdecode(os.fsencode(folder) + b"/" + os.fsencode(name)))
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"x" * 7)


def paths(folder: Path) -> list[str]:
    return [found.path for found in walk(folder)]


def test_all_files_at_any_depth_are_listed_once_in_order(tmp_path: Path) -> None:
    fill(tmp_path, "b/2.dcm", "b/1.dcm", "a.dcm", "b/c/d/e.dcm", "z z/ü\n.dcm")
    assert paths(tmp_path) == ["a.dcm", "b/1.dcm", "b/2.dcm", "b/c/d/e.dcm", "z z/ü\n.dcm"]


def test_size_and_time_of_a_file_are_those_of_the_disk(tmp_path: Path) -> None:
    fill(tmp_path, "a.dcm")
    os.utime(tmp_path / "a.dcm", ns=(0, 1_700_000_000_123_456_789))
    assert list(walk(tmp_path)) == [FoundFile("a.dcm", 7, "1700000000.123456789")]
    assert mtime_text((tmp_path / "a.dcm").stat()) == "1700000000.123456789"


def test_a_tree_deeper_than_the_recursion_limit_is_listed(tmp_path: Path) -> None:
    path = tmp_path / "top"
    subprocess.run(["mkdir", "-p", str(path) + "/d" * 1_200], check=True)  # short names: a path may have 4,096 bytes
    path = path / "/".join("d" * 1_200)
    (path / "x").write_bytes(b"1")
    try:
        assert [found.count("/") for found in paths(tmp_path / "top")] == [1_200]
    finally:
        # Python's own removal is recursive, and so would be that of the tests' folders.
        subprocess.run(["rm", "-rf", str(tmp_path / "top")], check=True)


def test_a_folder_with_more_files_than_are_held_at_a_time_is_listed_in_slices(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("indexer.files._SLICE", 3)
    fill(tmp_path, *(f"{at}.dcm" for at in range(10)), *(f"{at}/a.dcm" for at in range(7)))
    found = paths(tmp_path)
    assert sorted(found[:10]) == [f"{at}.dcm" for at in range(10)]
    assert found[10:] == [f"{at}/a.dcm" for at in range(7)]


def test_a_listing_that_is_left_closes_what_it_has_open(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("indexer.files._SLICE", 3)
    fill(tmp_path, *(f"{at}.dcm" for at in range(10)))
    listing = walk(tmp_path)
    next(listing)
    assert opened(tmp_path)
    listing.close()
    assert not opened(tmp_path)


def opened(folder: Path) -> bool:
    targets = []
    for descriptor in Path("/proc/self/fd").iterdir():
        with suppress(FileNotFoundError):
            targets.append(descriptor.readlink())
    return folder in targets


def test_folders_are_listed_where_they_are_asked_for(tmp_path: Path) -> None:
    fill(tmp_path, "b/2.dcm", "a.dcm")
    found = [entry.path for entry in entries(tmp_path, folders=True) if isinstance(entry, Entry)]
    assert found == ["a.dcm", "b", "b/2.dcm"]


def test_a_name_commands_a_terminal_nothing() -> None:
    assert shown("a\x1b[2Jb\n\u2028ü\udce9") == r"a\x1b[2Jb\n\u2028ü\xe9"


def test_names_that_are_not_utf_8_are_listed_and_can_be_printed(tmp_path: Path) -> None:
    fill(tmp_path, b"caf\xe9.dcm")
    [path] = paths(tmp_path)
    assert os.fsencode(path) == b"caf\xe9.dcm"
    assert printable(path) == r"caf\xe9.dcm"


def test_links_are_listed_but_not_followed_and_pipes_left_out(tmp_path: Path) -> None:
    fill(tmp_path, "in/a.dcm", "out/b.dcm")
    folder = tmp_path / "in"
    (folder / "loop").symlink_to(folder)
    (folder / "link.dcm").symlink_to(folder / "a.dcm")
    (folder / "away.dcm").symlink_to(tmp_path / "out/b.dcm")
    os.mkfifo(folder / "pipe")
    assert paths(folder) == ["a.dcm", "away.dcm", "link.dcm", "loop"]
    assert [leaves(folder.resolve(), path) for path in paths(folder)] == [False, True, False, False]


def test_a_folder_that_cannot_be_listed_is_named_with_the_reason(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(tmp_path, "a/1.dcm", "b/2.dcm")
    real = os.scandir

    def scandir(path: Path) -> object:
        # Root may list everything, so the refusal of the system is played.
        if Path(path).name == "a":
            raise PermissionError(13, "Permission denied")
        return real(path)

    monkeypatch.setattr(os, "scandir", scandir)
    assert list(walk(tmp_path))[-1].path == "b/2.dcm"
    assert next(found for found in walk(tmp_path) if isinstance(found, Unlistable)) == Unlistable(
        "a/", "the folder cannot be listed: permission denied"
    )


def test_a_missing_folder_is_an_error_of_the_system(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        list(walk(tmp_path / "missing"))


@pytest.mark.parametrize(
    ("path", "ignored"),
    [
        ("a.dcm", False),
        ("IM0001", False),
        ("notes.txt", False),
        (".DS_Store", True),
        (".git/objects/12", True),
        ("a/.hidden/b.dcm", True),
        ("a/Thumbs.db", True),
        ("DICOMDIR", True),
        ("DICOM/DICOMDIR", True),
        ("DICOMDIR/a.dcm", False),
        ("MYDICOMDIR", False),
    ],
)
def test_files_that_are_no_images_are_known_by_name(path: str, ignored: bool) -> None:
    assert is_no_image(path) is ignored
