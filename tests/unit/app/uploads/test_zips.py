"""Hostile, damaged and unusual zip files: each is unpacked whole into its folder, or refused with a reason."""

import io
import os
import stat
import struct
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from app.uploads.errors import RefusedZipError, TooMuchError, UploadError
from app.uploads.zips import unpack

ENTRIES = 50


def packed(*entries: tuple[str | zipfile.ZipInfo, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", method) as file:
        for name, data in entries:
            file.writestr(name, data)
    return target.getvalue()


def special(name: str, kind: int) -> zipfile.ZipInfo:
    info = zipfile.ZipInfo(name)
    info.external_attr = (kind | 0o777) << 16
    return info


def renamed(data: bytes, old: bytes, new: bytes) -> bytes:
    """Names that the library would not write; of the same length."""
    assert len(old) == len(new)
    return data.replace(old, new)


def encrypted() -> bytes:
    data = bytearray(packed(("a", b"secret")))
    for signature, flags in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        data[data.index(signature) + flags] |= 1
    return bytes(data)


def lying_about_size() -> bytes:
    """Says that an entry has 10 bytes where it has a million."""
    data = packed(("a", b"x" * 1_000_000))
    return data.replace(struct.pack("<L", 1_000_000), struct.pack("<L", 10))


def overlapping() -> bytes:
    """Forty entries that are one and the same compressed megabyte, as in a bomb without nesting."""
    single = packed(("a", bytes(1_000_000)))
    start, end = single.index(b"PK\x01\x02"), single.rindex(b"PK\x05\x06")
    directory = b"".join(single[start:end].replace(b"a", bytes([65 + at]), 1) for at in range(40))
    tail = struct.pack("<4s4H2LH", b"PK\x05\x06", 0, 0, 40, 40, len(directory), start, 0)
    return single[:start] + directory + tail


def unpacked(tmp_path: Path, data: bytes, grows: Callable[[int], None] = lambda size: None) -> dict[str, bytes]:
    source, target = tmp_path / "x.zip", tmp_path / "x"
    source.write_bytes(data)
    announced: list[int] = []
    count = unpack(source, target, entries=ENTRIES, begins=announced.append, grows=grows)
    found = {str(path.relative_to(target)): path.read_bytes() for path in target.rglob("*") if path.is_file()}
    assert announced == [count] == [len(found)]
    return found


@pytest.mark.parametrize(
    ("data", "files"),
    [
        (packed(("a/b.dcm", b"1"), ("c", b"")), {"a/b.dcm": b"1", "c": b""}),
        (packed(("a/", b""), ("a/b", b"1")), {"a/b": b"1"}),
        (packed(("a", b"1"), method=zipfile.ZIP_STORED), {"a": b"1"}),
        (packed((special("a", stat.S_IFREG), b"1")), {"a": b"1"}),
        (packed(("é/山", b"1")), {"é/山": b"1"}),
        (renamed(packed(("aXb", b"1")), b"aXb", b"a\\b"), {"a/b": b"1"}),
        (renamed(packed(("XX.d", b"1")), b"XX.d", "é.d".encode()), {"é.d": b"1"}),
        (renamed(packed(("X.d", b"1")), b"X.d", b"\x82.d"), {"é.d": b"1"}),
        (packed(("inner.zip", packed(("x", b"1")))), {"inner.zip": packed(("x", b"1"))}),
        (b"self-extracting" + packed(("a", b"1")), {"a": b"1"}),
    ],
)
def test_files_are_unpacked_under_their_names(tmp_path: Path, data: bytes, files: dict[str, bytes]) -> None:
    assert unpacked(tmp_path, data) == files


HOSTILE = {
    "absolute": (packed(("/etc/x", b"1")), "absolute"),
    "parent": (packed(("../x", b"1")), "“..”"),
    "parent inside": (packed(("a/../../x", b"1")), "“..”"),
    "parent by backslashes": (renamed(packed(("aXbbXx", b"1")), b"aXbbXx", b"a\\..\\x"), "“..”"),
    "drive": (packed(("C:/x", b"1")), "absolute"),
    "network drive": (renamed(packed(("XXa", b"1")), b"XXa", b"\\\\a"), "absolute"),
    "link": (packed((special("a", stat.S_IFLNK), b"/etc/passwd")), "link or a device"),
    "device": (packed((special("a", stat.S_IFCHR), b"")), "link or a device"),
    "pipe": (packed((special("a", stat.S_IFIFO), b"")), "link or a device"),
    "encrypted": (encrypted(), "password"),
    "NUL": (renamed(packed(("aXb", b"1")), b"aXb", b"a\0b"), "control"),
    "line feed": (renamed(packed(("aXb", b"1")), b"aXb", b"a\nb"), "control"),
    "the same twice": (renamed(packed(("a", b"1"), ("b", b"2")), b"b", b"a"), "twice"),
    "the same twice by another spelling": (packed(("x/a", b"1"), ("./x/a", b"2")), "twice"),
    "a file as a folder": (packed(("a", b"1"), ("a/b", b"2")), "a file and a folder"),
    "a folder as a file": (packed(("a/b", b"1"), ("a", b"2")), "a file and a folder"),
    "another method": (packed(("a", b"1"), method=zipfile.ZIP_LZMA), "deflate"),
    "no zip file": (b"DICM" * 100, "damaged, or no zip"),
    "nothing": (b"", "damaged, or no zip"),
    "empty": (packed(), "no file"),
    "only folders": (packed(("a/", b"")), "no file"),
    "cut": (packed(("a", b"x" * 1_000))[:-30], "damaged"),
    "changed": (renamed(packed(("a", b"xyz" * 9), method=zipfile.ZIP_STORED), b"xyzxyz", b"xyzxyy"), "damaged"),
    "lying about its size": (lying_about_size(), "damaged"),
    "names that are not UTF-8": (renamed(packed(("é", b"1")), "é".encode(), b"\xff\xfe"), "damaged"),
}


@pytest.mark.parametrize(("data", "reason"), HOSTILE.values(), ids=HOSTILE)
def test_what_is_hostile_or_damaged_is_refused_and_writes_nowhere_else(
    tmp_path: Path, data: bytes, reason: str
) -> None:
    with pytest.raises(RefusedZipError, match=reason) as caught:
        unpacked(tmp_path, data)
    assert str(caught.value).isprintable()
    assert {path.name for path in tmp_path.iterdir()} <= {"x", "x.zip"}
    assert not any(path.is_symlink() for path in (tmp_path / "x").rglob("*"))


@pytest.mark.parametrize("data", [packed(("a", bytes(60_000_000))), overlapping() * 1], ids=["zeros", "overlapping"])
def test_a_bomb_is_refused_by_what_comes_out_of_it(
    tmp_path: Path, data: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.uploads.zips.FREE_BYTES", 3_000_000)
    written = 0

    def count(size: int) -> None:
        nonlocal written
        written += size

    with pytest.raises((TooMuchError, RefusedZipError)):
        unpacked(tmp_path, data, count)
    assert written < 16_000_000


def test_a_zip_file_of_too_many_files_is_refused(tmp_path: Path) -> None:
    with pytest.raises(TooMuchError, match="50 files"):
        unpacked(tmp_path, packed(*((str(number), b"") for number in range(51))))


def test_a_directory_that_would_fill_the_memory_is_not_read(tmp_path: Path) -> None:
    with pytest.raises(TooMuchError, match="50 entries"):
        unpacked(tmp_path, packed(*((str(number), b"") for number in range(2_000))))


def test_unpacking_stops_where_the_upload_has_no_room_left(tmp_path: Path) -> None:
    def refuse(size: int) -> None:
        raise TooMuchError("full")

    with pytest.raises(UploadError, match="full"):
        unpacked(tmp_path, packed(("a", os.urandom(100))), refuse)
