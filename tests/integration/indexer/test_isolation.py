"""Files that hang or kill whoever reads them, in a process of their own; a pipe in the place of a file really hangs."""

import os
import shutil
import threading
import time
from pathlib import Path

import psutil
import pytest
from pydicom.data import get_testdata_file

from indexer.isolation import prepare_alone
from indexer.preparing import Ready, prepare
from indexer.settings import Limits, Settings
from indexer.status import ErrorCode, ImageStatus
from indexer.status.ledger import FoundFile

SETTINGS = Settings(isolated_seconds=30)


def alone(folder: Path, name: str, settings: Settings = SETTINGS) -> object:
    return prepare_alone("CASE-1", folder, folder.resolve(), FoundFile(name, 1, "1.0"), settings)


def test_a_file_that_is_well_becomes_the_same_document_as_elsewhere(tmp_path: Path) -> None:
    shutil.copy(get_testdata_file("CT_small.dcm"), tmp_path / "M\udcfcller\n.dcm")
    file = FoundFile("M\udcfcller\n.dcm", 1, "1.0")
    here = prepare("CASE-1", tmp_path, tmp_path.resolve(), file, Limits())
    there = alone(tmp_path, file.path)
    assert isinstance(here, Ready)
    assert isinstance(there, Ready)
    assert (there.file, there.id, there.place) == (here.file, here.id, here.place)
    assert len(there.body) == len(here.body)


@pytest.mark.parametrize(
    ("name", "content", "status", "code"),
    [
        ("notes.txt", b"Dear colleague, " * 20, ImageStatus.ERROR, ErrorCode.NOT_DICOM),
        ("empty.dcm", b"", ImageStatus.ERROR, ErrorCode.EMPTY),
        ("Thumbs.db", b"x", ImageStatus.IGNORED, None),
    ],
)
def test_what_is_no_image_ends_as_elsewhere(
    tmp_path: Path, name: str, content: bytes, status: ImageStatus, code: ErrorCode | None
) -> None:
    (tmp_path / name).write_bytes(content)
    found = alone(tmp_path, name)
    assert (found.status, found.code) == (status, code)


def test_a_file_that_hangs_is_given_up_in_time(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "hangs.dcm")
    found = alone(tmp_path, "hangs.dcm", Settings(isolated_seconds=1))
    assert (found.code, found.reason) == (ErrorCode.TIMEOUT, "reading it takes longer than 1 s")


def test_a_process_that_is_killed_says_by_what(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "kills.dcm")

    def kill_it() -> None:
        for _ in range(600):
            for child in psutil.Process().children():
                if "indexer.isolation" in child.cmdline():
                    child.kill()
                    return
            time.sleep(0.05)

    thread = threading.Thread(target=kill_it)
    thread.start()
    found = alone(tmp_path, "kills.dcm")
    thread.join()
    assert (found.code, found.reason) == (ErrorCode.CRASHED, "reading it ends with SIGKILL")


def test_memory_is_bounded(tmp_path: Path) -> None:
    # Text of some hundred MB in the header, which the limits of a person who wants it all would let through.
    element = b"\x20\x00\x00\x40UT\x00\x00" + (300_000_000).to_bytes(4, "little")
    with (tmp_path / "large.dcm").open("wb") as file:
        meta = b"\x02\x00\x10\x00UI\x14\x001.2.840.10008.1.2.1\x00"
        file.write(b"\x00" * 128 + b"DICM" + b"\x02\x00\x00\x00UL\x04\x00" + len(meta).to_bytes(4, "little") + meta)
        file.write(element)
        for _ in range(300):
            file.write(b"x" * 1_000_000)
    limits = Limits(element_bytes=400_000_000, header_bytes=900_000_000)
    found = alone(tmp_path, "large.dcm", Settings(isolated_memory_mb=256, limits=limits))
    assert found.code in (ErrorCode.TOO_LARGE, ErrorCode.CRASHED)
