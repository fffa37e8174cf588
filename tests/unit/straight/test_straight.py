"""The fast way from a file to its document comes to what reader and flattener come to, whatever it remembers."""

import io
import random
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import orjson
import pydicom
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydicom.dataset import FileMetaDataset

from indexer.flatten import Flattened, flatten
from indexer.reader import NotAnImage, ReadError, read_header
from indexer.settings import Limits
from indexer.straight import Memory, flatten_file
from tests.dicom_bytes import (
    EXPLICIT_LITTLE,
    IMPLICIT_LITTLE,
    ROWS,
    UID,
    explicit,
    implicit,
    item,
    meta,
    open_item,
    open_sequence,
    text,
    write,
)
from tests.header_oracle import lenient_pydicom
from tests.unit.flatten.test_round_trip import ALPHABETS, SYNTAXES, datasets

DATA = Path(pydicom.__file__).parent / "data"
FILES = sorted(path for path in DATA.rglob("*") if path.is_file() and path.suffix not in {".py", ".pyc", ".json"})
LIMITS = Limits()
Outcome = bytes | tuple[str, str]


def outcome(make: Callable[[], Flattened]) -> Outcome:
    """The whole document with its id, to the last byte; or why there is none."""
    try:
        made = make()
    except (ReadError, NotAnImage) as error:
        return type(error).__name__, error.reason
    return orjson.dumps([made.id, made.fields])


def by_reader(path: Path, limits: Limits = LIMITS) -> Outcome:
    return outcome(lambda: flatten(read_header(path, limits), limits))


def straight(path: Path, memory: Memory) -> Outcome:
    return outcome(lambda: flatten_file(path, memory))


def differing(paths: Iterable[Path], expected: dict[Path, Outcome], memory: Memory) -> list[str]:
    return [path.name for path in paths if straight(path, memory) != expected[path]]


@pytest.fixture(scope="module")
def expected() -> dict[Path, Outcome]:
    return {path: by_reader(path) for path in FILES}


def test_without_any_memory_each_document_is_the_same(expected: dict[Path, Outcome]) -> None:
    assert [path.name for path in FILES if straight(path, Memory(LIMITS)) != expected[path]] == []


@pytest.mark.parametrize("most_bytes", [30_000, 24_000_000], ids=["a memory that forgets", "a memory of all"])
def test_whatever_is_remembered_in_whatever_order_each_document_is_the_same(
    expected: dict[Path, Outcome], most_bytes: int
) -> None:
    memory = Memory(LIMITS, most_bytes)
    chance = random.Random(most_bytes)
    assert differing(FILES, expected, memory) == []
    for _ in range(3):
        # Files of one kind come in a row, too: that is what rows of elements are learnt from.
        again = [path for path in chance.sample(FILES, len(FILES)) for _ in range(chance.choice((1, 1, 3)))]
        assert differing(again, expected, memory) == []
    if most_bytes > 1_000_000:
        assert memory.misses < memory.elements / 2


def twins(chance: random.Random) -> Iterator[bytes]:
    """Files that differ from real ones in some bytes of their header, most of them in a value."""
    contents = [path.read_bytes() for path in FILES if path.suffix == ".dcm" and path.stat().st_size < 40_000]
    for _ in range(500):
        content = bytearray(chance.choice(contents))
        for _ in range(chance.choice((1, 1, 2))):
            at = chance.randrange(132, min(len(content), 4_000))
            content[at] = chance.choice((chance.randrange(256), *b"0123456789\\^ A.\0\xe9"))
        yield bytes(content)


def test_what_is_known_of_a_file_is_not_taken_for_its_near_twin(tmp_path: Path, expected: dict[Path, Outcome]) -> None:
    memory = Memory(LIMITS)
    differing(FILES, expected, memory)
    path = tmp_path / "twin.dcm"
    for number, content in enumerate(twins(random.Random(3))):
        path.write_bytes(content)
        assert straight(path, memory) == by_reader(path), number


@pytest.mark.parametrize("syntax", SYNTAXES, ids=lambda syntax: syntax.name)
@settings(max_examples=15, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_random_data_sets_come_to_the_same(
    syntax: str, data: st.DataObject, tmp_path_factory: pytest.TempPathFactory
) -> None:
    charset = data.draw(st.sampled_from(sorted(ALPHABETS)))
    memory = Memory(LIMITS)
    path = tmp_path_factory.mktemp("random") / "image.dcm"
    with lenient_pydicom():
        made = data.draw(datasets(ALPHABETS[charset]))
        made.SpecificCharacterSet, made.SOPClassUID = charset, "1.2.840.10008.5.1.4.1.1.2"
        made.file_meta = FileMetaDataset()
        made.file_meta.TransferSyntaxUID = syntax
        for number in (1, 2, 3, 3, 4):
            made.SOPInstanceUID, made.InstanceNumber = f"1.2.{number}", number
            written = io.BytesIO()
            made.save_as(written, enforce_file_format=True)
            path.write_bytes(written.getvalue())
            assert straight(path, memory) == by_reader(path)


def image(number: int) -> bytes:
    """An image of a series: UID, number and place differ, the rest does not."""
    request = explicit(0x00400275, "SQ", item(explicit(0x00400007, "LO", b"Head CT ")))
    return (
        meta(uid=f"1.2.{number}")
        + explicit(0x00080018, "UI", text(f"1.2.{number}"))
        + b"".join(explicit(0x00080060 + 16 * at, "LO", b"constant") for at in range(6))
        + explicit(0x00190010, "LO", b"ACME 1.0")
        + b"".join(explicit(0x00191000 + at, "LO", text(f"{at}")) for at in range(20))
        + explicit(0x00200013, "IS", text(str(number)))
        + explicit(0x00201041, "DS", text(f"{number * 1.25}"))
        + ROWS
        + request
        + open_sequence(0x00400555, open_item(explicit(0x0040A040, "CS", b"TEXT")))
    )


def test_of_an_image_of_a_series_only_what_is_new_is_read(tmp_path: Path) -> None:
    memory = Memory(LIMITS)
    path = tmp_path / "image.dcm"
    read = []
    for number in range(100, 110):
        path.write_bytes(image(number))
        before = memory.misses
        assert straight(path, memory) == by_reader(path)
        read.append(memory.misses - before)
    assert read[0] > 40
    # Two UIDs, a number, a place.
    assert read[-1] == 4


LATIN, CYRILLIC = explicit(0x00080005, "CS", b"ISO_IR 100"), explicit(0x00080005, "CS", b"ISO_IR 144")
NAME, INNER = explicit(0x00100020, "LO", b"M\xe4use "), item(explicit(0x00080104, "LO", b"M\xe4use "))
ACME, EMCA = explicit(0x00190010, "LO", b"ACME"), explicit(0x00190010, "LO", b"EMCA")
OWNED = b"".join(explicit(0x00191002 + at, "LO", b"12") for at in range(4))
SIGNED, UNSIGNED = explicit(0x00280103, "US", b"\1\0"), explicit(0x00280103, "US", b"\0\0")
SMALLEST = explicit(0x00280106, "UN", b"\xff\xff")
# Two headers of which one part is the same, and means something else by what is around it.
MEANINGS = {
    "the character set": (LATIN + UID + NAME, CYRILLIC + UID + NAME),
    "the character set of what encloses it": (
        LATIN + UID + explicit(0x00081140, "SQ", INNER),
        CYRILLIC + UID + explicit(0x00081140, "SQ", INNER),
    ),
    "the private creator": (UID + ACME + OWNED, UID + EMCA + OWNED),
    "no private creator": (UID + ACME + OWNED, UID + OWNED),
    "the pixel representation": (UID + SIGNED + SMALLEST, UID + UNSIGNED + SMALLEST),
    "the path": (UID + explicit(0x00081140, "SQ", INNER), UID + explicit(0x00081115, "SQ", INNER)),
}


@pytest.mark.parametrize("contents", MEANINGS.values(), ids=MEANINGS.keys())
def test_the_same_bytes_mean_something_else_by(contents: tuple[bytes, bytes], tmp_path: Path) -> None:
    memory = Memory(LIMITS)
    paths = [write(tmp_path, meta() + content + ROWS).rename(tmp_path / f"{at}") for at, content in enumerate(contents)]
    documents = [by_reader(path) for path in paths]
    assert documents[0] != documents[1]
    for at in (0, 0, 0, 0, 1, 1, 0, 1, 1, 1, 0):
        assert straight(paths[at], memory) == documents[at]


CODE = explicit(0x00080104, "LO", b"AB")
ODD = {
    "an empty item at the end of a sequence": explicit(0x00081140, "SQ", item(CODE) + item(b"")) + ROWS,
    "an empty item at the end of the file": explicit(0x00081140, "SQ", item(b"")),
    "an empty sequence": explicit(0x00081140, "SQ", b"") + open_sequence(0x00081150, b""),
    "a delimiter behind the end": explicit(0x00082218, "SQ", open_item(CODE), len(open_item(CODE)) - 4) + ROWS,
    "an item without a delimiter": explicit(0x00082218, "SQ", open_item(CODE, closed=False)) + ROWS,
    "a sequence without a delimiter": open_sequence(0x00082218, item(CODE), closed=False) + ROWS,
    "an item longer than its sequence": explicit(0x00082218, "SQ", item(CODE, 500)) + ROWS,
    "an element longer than its item": explicit(0x00082218, "SQ", item(explicit(0x00080104, "LO", b"AB", 90))) + ROWS,
    "an element longer than the file": explicit(0x00082218, "LO", b"AB", 900),
    "an element twice": explicit(0x00082218, "LO", b"AB") + explicit(0x00082218, "LO", b"CD") + ROWS,
    "tags that descend": ROWS + explicit(0x00082218, "LO", b"AB"),
    "a sequence as UN": explicit(0x00082218, "UN", implicit(0xFFFEE000, implicit(0x00080104, b"AB"))) + ROWS,
    "implicit items": explicit(0x00082218, "SQ", item(implicit(0x00080104, b"AB"))) + ROWS,
    "cut values inside of items": explicit(0x00082218, "SQ", item(explicit(0x00080104, "LO", b"a\\" * 1_200)) * 2),
    "bytes behind the end": ROWS + b"\0\0\0",
    "an unknown VR": explicit(0x00082218, "QQ", b"AB") + ROWS,
    "much that is binary": explicit(0x00281201, "OW", bytes(70_000)) + explicit(0x00400275, "SQ", item(CODE)),
    "pixels that are cut off": ROWS + explicit(0x7FE00010, "OW", bytes(10), 5_000),
    "fragments and what follows them": ROWS
    + open_sequence(0x7FE00010, item(b"") + item(bytes(100))).replace(b"SQ", b"OB")
    + explicit(0xFFFCFFFC, "OB", bytes(8)),
    "many levels": explicit(
        0x00082218, "SQ", item(explicit(0x00082228, "SQ", item(explicit(0x00082229, "SQ", INNER))))
    ),
}


@pytest.mark.parametrize("limits", [LIMITS, Limits(depth=2, elements=1_000, header_bytes=10_000)], ids=["", "limits"])
@pytest.mark.parametrize("content", ODD.values(), ids=ODD.keys())
def test_what_is_odd_comes_to_the_same(content: bytes, limits: Limits, tmp_path: Path) -> None:
    memory = Memory(limits)
    path = write(tmp_path, meta() + UID + content)
    before = write(tmp_path, meta() + UID + ROWS).rename(tmp_path / "before")
    path.write_bytes(meta() + UID + content)
    for _ in range(4):
        assert straight(before, memory) == by_reader(before, limits)
        assert straight(path, memory) == by_reader(path, limits)


def test_a_file_without_a_preamble_or_a_uid_comes_to_the_same(tmp_path: Path) -> None:
    memory = Memory(LIMITS)
    path = tmp_path / "image.dcm"
    implied = implicit(0x00080018, b"1.2.3\0") + implicit(0x00080060, b"CT")
    for content in (UID + ROWS, implied, meta(IMPLICIT_LITTLE) + implied, meta(EXPLICIT_LITTLE, uid="none") + ROWS):
        path.write_bytes(content)
        assert straight(path, memory) == by_reader(path)


def test_near_a_limit_the_reader_decides_what_is_cut(tmp_path: Path) -> None:
    limits = Limits(elements=1_000, header_bytes=20_000)
    memory = Memory(limits)
    for items in range(0, 420, 20):
        path = write(tmp_path, meta() + UID + explicit(0x0040A730, "SQ", item(CODE) * items) + ROWS)
        assert straight(path, memory) == by_reader(path, limits)


def test_the_memory_is_bounded(tmp_path: Path) -> None:
    memory = Memory(LIMITS, most_bytes=200_000)
    path = tmp_path / "image.dcm"
    kept = []
    for number in range(120):
        values = b"".join(explicit(0x00091001 + at, "LO", text(f"{number} {at}")) for at in range(40))
        name = b"%-8d" % number
        sequence = explicit(0x000910F0, "SQ", item(explicit(0x00080104, "LO", name)))
        path.write_bytes(meta() + UID + explicit(0x00090010, "LO", name) + values + sequence)
        straight(path, memory)
        assert memory.used < 200_000 + 1_000 * 40
        kept.append(memory.size)
    assert max(kept[60:]) <= 1.2 * max(kept[:60])
