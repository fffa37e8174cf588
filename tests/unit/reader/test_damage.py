"""Damaged files: whatever was cut off or overwritten, a file ends as a header or as an error with a code, and soon."""

import faulthandler
import gzip
import random
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import orjson
import pydicom
import pytest

from indexer.flatten import flatten
from indexer.reader import NotAnImage, ReadError, read_header
from indexer.settings import Limits

DATA = Path(pydicom.__file__).parent / "data"
CODES = {"not_dicom", "unreadable", "truncated", "empty", "too_large", "ignored"}
COUNTS = ("indexed", "empty", "binary", "malformed", "truncated", "structural")
# Nested sequences, private ones, big endian, deflated, waveforms, several character sets.
FILES = [
    "test_files/rtplan.dcm",
    "test_files/CT_small.dcm",
    "test_files/nested_priv_SQ.dcm",
    "test_files/image_dfl.dcm",
    "test_files/ExplVR_BigEnd.dcm",
    "test_files/waveform_ecg.dcm",
    "test_files/reportsi.dcm",
    "charset_files/chrSQEncoding.dcm",
    "charset_files/chrJapMulti.dcm",
]
HEAD = 6_000


@pytest.fixture(autouse=True)
def _no_hang() -> Iterator[None]:
    """A reader that hangs is killed with a traceback, and does not stop the tests for minutes."""
    faulthandler.dump_traceback_later(60, exit=True)
    yield
    faulthandler.cancel_dump_traceback_later()


def outcome(path: Path, content: bytes) -> str:
    """Read and flatten bytes: the error code, or `header`; anything else raises."""
    path.write_bytes(content)
    limits = Limits()
    try:
        document = flatten(read_header(path, limits), limits).fields
    except ReadError as error:
        return error.code if error.reason else "no reason"
    except NotAnImage:
        return "ignored"
    orjson.dumps(document)
    receipt = document["receipt"]
    assert receipt["elements"] == sum(receipt[count] for count in COUNTS)
    return "header"


@pytest.mark.parametrize(
    ("name", "step"), [("test_files/priv_SQ.dcm", 1), ("test_files/rtplan.dcm", 7), ("test_files/zipMR.gz", 31)]
)
def test_a_file_cut_at_any_position_ends_as_a_header_or_truncated(tmp_path: Path, name: str, step: int) -> None:
    content = (DATA / name).read_bytes()
    outcomes = Counter(outcome(tmp_path / "cut.dcm", content[:end]) for end in range(0, len(content), step))
    assert outcomes["empty"] == 1
    assert outcomes["truncated"] > 10
    # Shorter than preamble and prefix, it cannot be known as DICOM.
    assert outcomes["not_dicom"] <= 131
    assert set(outcomes) == {"empty", "not_dicom", "truncated", "header"}


@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize("packed", [False, True], ids=["plain", "gzip"])
def test_a_file_with_random_damage_ends_as_a_header_or_an_error_with_a_code(
    tmp_path: Path, name: str, packed: bool
) -> None:
    content = (DATA / name).read_bytes()[:60_000]
    chance = random.Random(name)
    outcomes: Counter[str] = Counter()
    for _ in range(150):
        damaged = bytes(damage(bytearray(content), chance))
        if packed:
            damaged = gzip.compress(damaged, 1)
        outcomes[outcome(tmp_path / "damaged.dcm", damaged)] += 1
    assert outcomes.keys() <= CODES | {"header"}
    assert outcomes["header"], "most damage leaves something to read"


def damage(content: bytearray, chance: random.Random) -> bytearray:
    """Overwrite, delete and insert bytes, above all those that reading depends on."""
    for _ in range(chance.choice([1, 1, 2, 5, 20])):
        at = chance.randrange(min(HEAD, len(content) - 1))
        match chance.randrange(9):
            case 0 | 1 | 2 | 3:
                content[at] = chance.randrange(256)
            case 4:
                del content[at : at + chance.randrange(1, 9)]
            case 5:
                content[at:at] = chance.randbytes(chance.randrange(1, 9))
            case 6:
                content[at : at + 4] = b"\xff\xff\xff\xff"
            case 7:
                content[at : at + 4] = chance.choice([b"\xfe\xff\x00\xe0", b"\xfe\xff\x0d\xe0", b"\xfe\xff\xdd\xe0"])
            case _:
                content[at : at + 2] = chance.choice([b"SQ", b"UN", b"OB", b"UT", b"DS", b"AT", b"FL", b"??"])
    return content


def test_an_element_that_crosses_the_end_of_its_item_does_not_make_reading_go_in_circles(tmp_path: Path) -> None:
    """An item of undefined length inside a sequence with a length, whose delimiter lies behind that length."""
    from tests.dicom_bytes import ROWS, UID, explicit, meta, open_item

    inner = open_item(explicit(0x00080100, "SH", b"A1"))
    sequence = explicit(0x00082218, "SQ", inner, len(inner) - 4)
    assert outcome(tmp_path / "crossing.dcm", meta() + UID + sequence + ROWS) in CODES | {"header"}
