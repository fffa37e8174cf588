"""Whole files as they are in the world: what is read, what is refused with which code, and how quickly."""

import gzip
import os
import time
import zlib
from pathlib import Path

import pydicom
import pytest
from pydicom.data import get_charset_files, get_testdata_file

from indexer.reader import NotAnImage, ReadError, instance_uid, read_header
from indexer.settings import Limits
from tests.dicom_bytes import (
    EXPLICIT_LITTLE,
    MODALITY,
    ROWS,
    UID,
    explicit,
    implicit,
    meta,
    text,
    write,
)
from tests.header_oracle import read_with_pydicom

LIMITS = Limits()
DEFLATED = "1.2.840.10008.1.2.1.99"
BIG_ENDIAN = "1.2.840.10008.1.2.2"


def test_file(name: str) -> Path:
    found = get_testdata_file(name, download=False)
    assert isinstance(found, str)
    return Path(found)


test_file.__test__ = False  # type: ignore[attr-defined]


def deflated(content: bytes) -> bytes:
    packer = zlib.compressobj(wbits=-15)
    return packer.compress(content) + packer.flush()


@pytest.mark.parametrize(
    ("name", "forgiven"),
    [
        ("CT_small.dcm", ()),
        ("ExplVR_BigEnd.dcm", ()),
        ("image_dfl.dcm", ()),
        ("rtplan.dcm", ()),
        ("meta_missing_tsyntax.dcm", ()),
        ("ExplVR_BigEndNoMeta.dcm", ("no preamble", "no meta header")),
        ("ExplVR_LitEndNoMeta.dcm", ("no preamble", "no meta header")),
        ("rtstruct.dcm", ("no preamble", "no meta header")),
        ("SC_rgb_jpeg.dcm", ("another encoding than the meta header tells",)),
        ("MR_truncated.dcm", ("pixel data that is cut off",)),
        ("zipMR.gz", ("gzip-compressed",)),
    ],
)
def test_a_file_is_read_and_what_had_to_be_forgiven_is_noted(name: str, forgiven: tuple[str, ...]) -> None:
    path = test_file(name)
    header = read_header(path, LIMITS)
    assert header.forgiven == forgiven
    expected = read_with_pydicom(path)
    assert instance_uid(header.elements) == expected.get("SOPInstanceUID")
    assert {f"{int(tag):08X}" for tag in expected.keys()} <= header.elements.keys()  # noqa: SIM118 - a data set


@pytest.mark.parametrize(
    ("content", "code"),
    [
        pytest.param(b"", "empty", id="empty"),
        pytest.param(b"x", "not_dicom", id="one byte"),
        pytest.param(b"<html><body>Not found</body></html>" * 20, "not_dicom", id="HTML"),
        pytest.param(b"\x89PNG\r\n\x1a\n" + bytes(200), "not_dicom", id="PNG"),
        pytest.param(bytes(5_000), "not_dicom", id="zeros"),
        pytest.param(b"\xff" * 5_000, "not_dicom", id="ones"),
        pytest.param(b"\x08\x00" * 500, "not_dicom", id="something like a group"),
        pytest.param(gzip.compress(b"just a log file\n" * 100), "not_dicom", id="gzip of something else"),
        pytest.param(b"\x1f\x8b\x08" + b"\xff" * 100, "unreadable", id="damaged gzip"),
        pytest.param(bytes(128) + b"DICM", "truncated", id="nothing but the prefix"),
        pytest.param(meta(DEFLATED) + b"\xff" * 50, "unreadable", id="damaged deflated data set"),
        pytest.param(b"Subject: DICM\n" + b"DICM" * 100, "not_dicom", id="text about DICM"),
    ],
)
def test_what_gives_no_header_has_an_error_code(tmp_path: Path, content: bytes, code: str) -> None:
    with pytest.raises(ReadError) as caught:
        read_header(write(tmp_path, content), LIMITS)
    assert caught.value.code == code
    assert caught.value.reason


def test_a_file_without_permission_says_so(tmp_path: Path) -> None:
    path = write(tmp_path, meta() + UID)
    path.chmod(0)
    if os.access(path, os.R_OK):
        pytest.skip("this user may read every file")
    with pytest.raises(ReadError) as caught:
        read_header(path, LIMITS)
    assert caught.value.code == "no_permission"


def test_permission_errors_have_their_code(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def deny(*_: object, **__: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "open", deny)
    with pytest.raises(ReadError) as caught:
        read_header(tmp_path / "image.dcm", LIMITS)
    assert caught.value.code == "no_permission"


def test_what_is_no_file_or_gone_is_unreadable(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    pipe.mkdir()
    for path in (pipe, tmp_path / "gone.dcm"):
        with pytest.raises(ReadError) as caught:
            read_header(path, LIMITS)
        assert caught.value.code == "unreadable"


@pytest.mark.parametrize("name", ["DICOMDIR", "DICOMDIR-bigEnd", "DICOMDIR-implicit", "DICOMDIR-nooffset"])
def test_a_dicomdir_is_no_image(name: str) -> None:
    with pytest.raises(NotAnImage):
        read_header(test_file("DICOMDIR").parent / name, LIMITS)


def test_a_file_of_10_gigabytes_that_is_not_dicom_is_refused_at_once(tmp_path: Path) -> None:
    path = tmp_path / "disk.img"
    with path.open("wb") as file:
        file.truncate(10 << 30)
    start = time.monotonic()
    with pytest.raises(ReadError) as caught:
        read_header(path, LIMITS)
    assert caught.value.code == "not_dicom"
    assert time.monotonic() - start < 1


def test_the_pixels_of_a_file_of_10_gigabytes_are_not_read(tmp_path: Path) -> None:
    path = write(tmp_path, meta() + UID + MODALITY + explicit(0x7FE00010, "OW", b"", 4_000_000_000))
    with path.open("r+b") as file:
        file.truncate(10 << 30)
    start = time.monotonic()
    header = read_header(path, LIMITS)
    assert header.elements["00080060"]["Value"] == ["CT"]
    assert time.monotonic() - start < 1


def test_a_compressed_bomb_is_too_large(tmp_path: Path) -> None:
    limits = Limits(unpacked_bytes=1_000_000)
    bomb = gzip.compress(meta() + UID + explicit(0x00090010, "OB", bytes(50_000_000)) + ROWS)
    with pytest.raises(ReadError) as caught:
        read_header(write(tmp_path, bomb), limits)
    assert caught.value.code == "too_large"


def test_a_deflated_data_set_is_read_up_to_its_pixels_only(tmp_path: Path) -> None:
    limits = Limits(unpacked_bytes=1_000_000)
    pixels = explicit(0x7FE00010, "OW", bytes(20_000_000))
    header = read_header(write(tmp_path, meta(DEFLATED) + deflated(UID + ROWS + pixels)), limits)
    assert header.elements["00280010"]["Value"] == [16]
    assert header.elements["7FE00010"]["BulkDataURI"] == "?length=20000000"


@pytest.mark.parametrize(
    ("syntax", "data_set"),
    [
        pytest.param("1.2.840.10008.1.2", UID + ROWS, id="told implicit, is explicit"),
        pytest.param(
            EXPLICIT_LITTLE,
            implicit(0x00080018, b"1.2.3 ") + implicit(0x00280010, b"\x10\x00"),
            id="told explicit, is implicit",
        ),
        pytest.param(BIG_ENDIAN, UID + ROWS, id="told big endian, is little"),
        pytest.param(
            EXPLICIT_LITTLE,
            explicit(0x00080018, "UI", text("1.2.3"), order=">") + explicit(0x00280010, "US", b"\x00\x10", order=">"),
            id="told little endian, is big",
        ),
    ],
)
def test_the_bytes_decide_where_the_meta_header_tells_another_encoding(
    tmp_path: Path, syntax: str, data_set: bytes
) -> None:
    header = read_header(write(tmp_path, meta(syntax) + data_set), LIMITS)
    assert header.elements["00280010"]["Value"] == [16]
    assert header.forgiven == ("another encoding than the meta header tells",)


def test_a_private_group_at_the_start_does_not_change_the_byte_order(tmp_path: Path) -> None:
    header = read_header(test_file("priv_SQ.dcm"), LIMITS)
    assert header.elements["3F030010"]["Value"] == ["aaabbbccc MEDICAL SYSTEMS"]
    assert header.forgiven == ()
    assert tmp_path


def test_the_digest_is_the_identity_only_without_a_valid_uid(tmp_path: Path) -> None:
    import hashlib

    for uid in ("1.2.3", "no uid", "1." * 40):
        content = meta(uid=uid) + explicit(0x00080018, "UI", text(uid)) + MODALITY
        header = read_header(write(tmp_path, content), LIMITS)
        assert header.digest == (None if uid == "1.2.3" else hashlib.sha256(content).hexdigest())


def test_the_meta_header_s_uid_stands_in_for_a_missing_one(tmp_path: Path) -> None:
    header = read_header(write(tmp_path, meta(uid="1.2.77") + MODALITY), LIMITS)
    assert instance_uid(header.elements) == "1.2.77"
    assert header.digest is None


def test_reading_leaves_no_warning_and_no_setting_of_pydicom_changed() -> None:
    before = dict(vars(pydicom.config.settings)), pydicom.config.assume_implicit_vr_switch
    for name in get_charset_files("*.dcm"):
        read_header(Path(name), LIMITS)
    assert (dict(vars(pydicom.config.settings)), pydicom.config.assume_implicit_vr_switch) == before
