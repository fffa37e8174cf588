"""Monsters: headers of any size and depth are read and flattened in bounded time and memory, what is cut is listed."""

import struct
import subprocess
import sys
import tracemalloc
from pathlib import Path
from typing import Any

import orjson
import pytest

from indexer.flatten import flatten
from indexer.reader import ReadError, read_header
from indexer.settings import Limits
from tests.dicom_bytes import (
    EXPLICIT_LITTLE,
    ITEM,
    ITEM_END,
    ROWS,
    SEQUENCE_END,
    UID,
    UNDEFINED,
    explicit,
    implicit,
    item,
    meta,
    tag_bytes,
    text,
    write,
)

LIMITS = Limits()
MEGABYTE = 1 << 20


# What a child prints: the document, and the most memory it needed beyond its start.
CHILD = """
import sys, orjson
from pathlib import Path
from indexer.flatten import flatten
from indexer.reader import read_header
from indexer.settings import Limits
def most():
    status = Path("/proc/self/status").read_text()
    return int(status.split("VmHWM:")[1].split()[0]) // 1024
before, limits = most(), Limits()
document = flatten(read_header(Path(sys.argv[1]), limits), limits).fields
needed = most() - before
sys.stdout.buffer.write(orjson.dumps([needed, {**document, "header": ""}]))
"""


def indexed_in_a_child(folder: Path, data_set: bytes, megabytes: int) -> dict[str, Any]:
    """Read and flatten in a process of its own, whose memory the system measures: tracing costs minutes here."""
    path = write(folder, meta(EXPLICIT_LITTLE) + UID + data_set)
    done = subprocess.run([sys.executable, "-c", CHILD, str(path)], capture_output=True, check=True, timeout=120)
    needed, document = orjson.loads(done.stdout)
    assert needed < megabytes
    assert isinstance(document, dict)
    return document


def indexed(folder: Path, data_set: bytes, megabytes: int, limits: Limits = LIMITS) -> dict[str, Any]:
    """Read and flatten, with at most so many megabytes of memory on top of the document itself."""
    path = write(folder, meta(EXPLICIT_LITTLE) + UID + data_set)
    tracemalloc.start()
    try:
        document = flatten(read_header(path, limits), limits).fields
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < megabytes * MEGABYTE
    return document


def nested(depth: int) -> bytes:
    opening = explicit(0x00082218, "SQ", b"", UNDEFINED) + implicit(ITEM, b"", UNDEFINED)
    closing = implicit(ITEM_END, b"") + implicit(SEQUENCE_END, b"")
    return opening * depth + explicit(0x00080100, "SH", b"A1") + closing * depth


def test_a_sequence_nested_10000_deep_is_cut_and_what_follows_is_read(tmp_path: Path) -> None:
    document = indexed(tmp_path, nested(10_000) + ROWS, megabytes=2)
    assert document["Rows"] == 16
    assert document["receipt"]["truncated"] == 1
    (cut,) = document["receipt"]["cuts"]
    assert cut["why"] == "more than 64 levels of sequences"


def test_everything_within_the_limit_of_depth_is_found(tmp_path: Path) -> None:
    document = indexed(tmp_path, nested(64) + ROWS, megabytes=2)
    assert document["nested"]["CodeValue"] == "A1"
    assert document["receipt"]["truncated"] == 0


def test_deeper_than_keys_go_an_element_is_found_without_its_path(tmp_path: Path) -> None:
    document = indexed(tmp_path, nested(17) + ROWS, megabytes=2)
    assert document["nested"]["CodeValue"] == "A1"
    assert "path" not in document


def test_a_sequence_that_never_ends_stops_the_reading_with_a_note(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("indexer.reader.jumps.MOST_STEPS", 1_000)
    document = indexed(tmp_path, nested(2_000) + ROWS, megabytes=2)
    assert document["receipt"]["unread"] == "a sequence beyond all limits; what follows it is not read"
    assert document["receipt"]["truncated"] == 2


def code(value: int) -> bytes:
    return explicit(0x00080100, "SH", text(str(value))) + explicit(0x00080104, "LO", text(f"Meaning {value}"))


def test_a_dose_report_of_159609_elements_is_indexed_whole(tmp_path: Path) -> None:
    events = b"".join(
        item(
            explicit(0x0040A040, "CS", b"NUM ")
            + explicit(0x0040A043, "SQ", item(code(number % 300)))
            + explicit(0x0040A300, "SQ", item(explicit(0x0040A30A, "DS", text(f"{number * 1.37:.5f}"))))
        )
        for number in range(26_600)
    )
    document = indexed_in_a_child(tmp_path, explicit(0x0040A730, "SQ", events) + ROWS, megabytes=200)
    assert document["receipt"]["elements"] >= 159_600
    assert document["receipt"]["truncated"] == 0
    assert len(document["nested"]["NumericValue"]) == 26_600
    assert document["Rows"] == 16


def test_a_segmentation_of_12000_frames_is_indexed_whole(tmp_path: Path) -> None:
    frames = b"".join(
        item(
            explicit(0x00209111, "SQ", item(explicit(0x00209157, "UL", struct.pack("<2I", 1, frame))))
            + explicit(0x00209113, "SQ", item(explicit(0x00200032, "DS", text(f"1\\2\\{frame * 0.625}"))))
        )
        for frame in range(12_000)
    )
    document = indexed_in_a_child(tmp_path, explicit(0x52009230, "SQ", frames), megabytes=120)
    assert document["receipt"]["truncated"] == 0
    assert 7499.375 in document["nested"]["ImagePositionPatient"]


def test_a_header_beyond_the_limit_keeps_its_top_level_and_lists_what_was_cut(tmp_path: Path) -> None:
    limits = Limits(header_bytes=100_000)
    items = b"".join(item(code(number)) for number in range(5_000))
    document = indexed(tmp_path, explicit(0x0040A730, "SQ", items) + ROWS, 10, limits)
    assert document["Rows"] == 16, "behind the sequence"
    assert len(document["header"]) < 100_000
    assert document["receipt"]["truncated"] == 1
    (cut,) = document["receipt"]["cuts"]
    assert cut["path"] == "ContentSequence"
    assert cut["why"].startswith("the header is longer than the limit; ")


def test_elements_without_end_stop_the_reading(tmp_path: Path) -> None:
    limits = Limits(elements=1_000)
    elements = b"".join(tag_bytes(0x00091000 + number) + b"SH\2\0ab" for number in range(5_000))
    document = indexed(tmp_path, elements, 10, limits)
    assert document["receipt"]["elements"] == 1_001
    assert document["receipt"]["unread"] == "the header is longer than the limit"


def test_empty_items_without_end_are_cut(tmp_path: Path) -> None:
    document = indexed_in_a_child(tmp_path, explicit(0x00082218, "SQ", item(b"") * 1_000_000) + ROWS, megabytes=150)
    assert document["Rows"] == 16
    assert document["receipt"]["truncated"] == 1


@pytest.mark.parametrize("undefined", [False, True])
def test_a_text_of_100_megabytes_is_not_read_whole(tmp_path: Path, undefined: bool) -> None:
    huge = explicit(0x00081190, "UR", b"x" * (100 * MEGABYTE))
    if undefined:
        huge = explicit(0x00082218, "SQ", item(huge))
    document = indexed(tmp_path, huge + ROWS, megabytes=5)
    assert document["Rows"] == 16
    assert document["receipt"]["truncated"] == 1


@pytest.mark.parametrize(
    ("element", "why"),
    [
        (explicit(0x00081030, "LO", b"\\".join([b"ab"] * 1_500)), "1000 of 1500 values"),
        (explicit(0x00209157, "UL", b"\1\0\0\0" * 1_500), "1000 of 1500 values"),
        (explicit(0x00280009, "AT", b"\x18\x00\x63\x10" * 1_500), "1000 of 1500 values"),
        (explicit(0x00204000, "LT", b"word " * 2_000), "8000 characters of a longer value"),
    ],
)
def test_a_cut_value_is_counted_and_listed_and_its_beginning_found(tmp_path: Path, element: bytes, why: str) -> None:
    document = indexed(tmp_path, element + ROWS, megabytes=2)
    assert document["receipt"]["truncated"] == 1
    assert document["receipt"]["cuts"][0]["why"] == why
    assert document["text"]


def test_a_text_outside_the_basic_plane_is_cut_as_elasticsearch_counts(tmp_path: Path) -> None:
    raw = ("𠮷" * 5_000).encode()
    document = indexed(tmp_path, explicit(0x00080005, "CS", b"ISO_IR 192") + explicit(0x00204000, "LT", raw), 2)
    value = document["ImageComments"]
    assert value == "𠮷" * 4_000
    assert len(value.encode("utf-16-le")) == 2 * LIMITS.value_characters


def test_a_truncated_monster_is_truncated(tmp_path: Path) -> None:
    path = write(tmp_path, meta() + UID + nested(10_000)[:-100])
    with pytest.raises(ReadError) as caught:
        read_header(path, LIMITS)
    assert caught.value.code == "truncated"
