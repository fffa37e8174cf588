"""Files whose structure departs from PS3.5 §7: what is read of them all the same, and what is noted."""

import base64
from pathlib import Path
from typing import Any

import pytest

from indexer.reader import ReadError, read_header
from indexer.settings import Limits
from tests.dicom_bytes import (
    EXPLICIT_LITTLE,
    IMPLICIT_LITTLE,
    ITEM_END,
    MODALITY,
    ROWS,
    SEQUENCE_END,
    UID,
    UNDEFINED,
    explicit,
    implicit,
    item,
    meta,
    open_item,
    open_sequence,
    write,
)

LIMITS = Limits()
CODE = explicit(0x00080100, "SH", b"A1")
PRIVATE_CREATOR = explicit(0x00090010, "LO", b"ACME")


def elements(folder: Path, data_set: bytes, syntax: str = EXPLICIT_LITTLE) -> tuple[dict[str, Any], tuple[str, ...]]:
    header = read_header(write(folder, meta(syntax) + data_set), LIMITS)
    return {tag: entry for tag, entry in header.elements.items() if tag > "0003"}, header.forgiven


def values(entry: dict[str, Any]) -> Any:
    return entry["Value"]


@pytest.mark.parametrize(
    ("data_set", "note"),
    [
        pytest.param(UID + implicit(ITEM_END, b"") + MODALITY + ROWS, "a stray delimiter", id="item delimiter"),
        pytest.param(UID + implicit(SEQUENCE_END, b"") + MODALITY + ROWS, "a stray delimiter", id="sequence delimiter"),
        pytest.param(UID + implicit(0x00080060, b"CT") + ROWS, "an element without a VR", id="implicit in explicit"),
        pytest.param(UID + MODALITY + MODALITY + ROWS, "an element that occurs twice", id="element twice"),
        pytest.param(UID + MODALITY + ROWS + b"\0" * 40, "bytes after the last element", id="zeros at the end"),
        pytest.param(UID + MODALITY + ROWS + b"\xff", "bytes after the last element", id="one byte too many"),
        pytest.param(UID + MODALITY + ROWS + b"<html> not found", "bytes after the last element", id="text at the end"),
    ],
)
def test_what_surrounds_good_elements_is_forgiven_and_noted(tmp_path: Path, data_set: bytes, note: str) -> None:
    found, forgiven = elements(tmp_path, data_set)
    assert {tag: entry["Value"] for tag, entry in found.items()} == {
        "00080018": ["1.2.3"],
        "00080060": ["CT"],
        "00280010": [16],
    }
    assert forgiven == (note,)


@pytest.mark.parametrize(
    "sequence",
    [
        pytest.param(explicit(0x00082218, "SQ", item(CODE) + item(CODE)), id="defined lengths"),
        pytest.param(open_sequence(0x00082218, open_item(CODE) + open_item(CODE)), id="undefined lengths"),
        pytest.param(open_sequence(0x00082218, item(CODE) + open_item(CODE)), id="both"),
        pytest.param(explicit(0x00082218, "SQ", open_item(CODE) + item(CODE)), id="open items in a defined sequence"),
        pytest.param(
            open_sequence(0x00082218, open_item(CODE) + open_item(CODE, closed=False)), id="item without its delimiter"
        ),
        pytest.param(
            open_sequence(0x00082218, open_item(CODE) + item(CODE), closed=False), id="sequence without its delimiter"
        ),
        pytest.param(
            explicit(0x00082218, "UN", item(implicit(0x00080100, b"A1")) * 2), id="stored as UN, implicit inside"
        ),
        pytest.param(
            explicit(0x00082218, "UN", open_item(implicit(0x00080100, b"A1")) * 2, UNDEFINED)
            + implicit(SEQUENCE_END, b""),
            id="stored as UN of undefined length",
        ),
        pytest.param(open_sequence(0x00082218, item(implicit(0x00080100, b"A1")) * 2), id="implicit items in explicit"),
    ],
)
def test_every_item_of_a_sequence_is_read_however_it_is_delimited(tmp_path: Path, sequence: bytes) -> None:
    found, _ = elements(tmp_path, UID + sequence + ROWS)
    assert found["00082218"] == {"vr": "SQ", "Value": [{"00080100": {"vr": "SH", "Value": ["A1"]}}] * 2}
    assert values(found["00280010"]) == [16], "reading goes on behind the sequence"


def test_an_unknown_private_sequence_is_read_in_implicit_vr(tmp_path: Path) -> None:
    private = implicit(0x00090010, b"ACME") + implicit(0x00091001, item(implicit(0x00080100, b"A1")))
    found, _ = elements(tmp_path, implicit(0x00080018, b"1.2.3 ") + private, IMPLICIT_LITTLE)
    assert values(found["00091001"]) == [{"00080100": {"vr": "SH", "Value": ["A1"]}}]


def test_an_item_longer_than_its_sequence_does_not_swallow_what_follows(tmp_path: Path) -> None:
    found, forgiven = elements(tmp_path, UID + explicit(0x00082218, "SQ", item(CODE, 500)) + ROWS)
    assert values(found["00280010"]) == [16]
    assert values(found["00082218"]) == [{"00080100": {"vr": "SH", "Value": ["A1"]}}]
    assert forgiven == ("an item longer than the sequence that holds it",)


def test_an_element_longer_than_its_item_is_cut_and_listed(tmp_path: Path) -> None:
    broken = CODE + explicit(0x00080104, "LO", b"Chest", 60)
    found, forgiven = elements(tmp_path, UID + explicit(0x00082218, "SQ", item(broken)) + ROWS)
    assert values(found["00280010"]) == [16]
    assert found["00082218"]["cut"] == "an element overruns its item"
    assert forgiven == ("an element longer than the item that holds it",)


def test_bytes_that_are_no_item_are_cut_and_listed(tmp_path: Path) -> None:
    found, forgiven = elements(tmp_path, UID + explicit(0x00082218, "SQ", item(CODE) + b"rubbish!!!") + ROWS)
    assert values(found["00082218"]) == [{"00080100": {"vr": "SH", "Value": ["A1"]}}]
    assert found["00082218"]["cut"] == "bytes that are no item"
    assert values(found["00280010"]) == [16]
    assert forgiven == ("a sequence with bytes that are no item",)


@pytest.mark.parametrize(
    ("element", "expected"),
    [
        pytest.param(explicit(0x00081030, "ZZ", b"Head"), "Head", id="16 bits of length"),
        pytest.param(b"\x08\x00\x30\x10ZZ\x00\x00\x04\x00\x00\x00Head", "Head", id="32 bits of length"),
        pytest.param(b"\x08\x00\x30\x10??\x04\x00Head", "Head", id="question marks"),
        pytest.param(b"\x08\x00\x30\x10\x00\x00\x04\x00Head", "Head", id="no VR, its length behind"),
    ],
)
def test_a_vr_that_does_not_exist_is_replaced_by_the_dictionary_or_unknown(
    tmp_path: Path, element: bytes, expected: str
) -> None:
    found, forgiven = elements(tmp_path, UID + element + ROWS)
    entry = found["00081030"]
    value = entry["Value"][0] if "Value" in entry else base64.b64decode(entry["InlineBinary"]).decode()
    assert value == expected
    assert values(found["00280010"]) == [16]
    assert len(forgiven) == 1


def test_elements_out_of_order_are_read(tmp_path: Path) -> None:
    found, _ = elements(tmp_path, ROWS + MODALITY + UID)
    assert set(found) == {"00280010", "00080060", "00080018"}


def test_odd_lengths_are_read_as_they_are(tmp_path: Path) -> None:
    found, _ = elements(tmp_path, UID + explicit(0x00081030, "LO", b"abc") + ROWS)
    assert values(found["00081030"]) == ["abc"]
    assert values(found["00280010"]) == [16]


@pytest.mark.parametrize(("representation", "expected"), [(0, ("US", 65534)), (1, ("SS", -2))])
def test_us_or_ss_follows_the_pixel_representation(
    tmp_path: Path, representation: int, expected: tuple[str, int]
) -> None:
    data_set = (
        implicit(0x00080018, b"1.2.3 ")
        + implicit(0x00280103, bytes([representation, 0]))
        + implicit(0x00280106, b"\xfe\xff")
        + implicit(0x00283000, item(implicit(0x00283002, b"\x01\x00\xfe\xff\x10\x00")))
    )
    found, _ = elements(tmp_path, data_set, IMPLICIT_LITTLE)
    vr, value = expected
    assert found["00280106"] == {"vr": vr, "Value": [value]}
    assert values(found["00283000"])[0]["00283002"]["vr"] == vr, "also inside a sequence"


def test_private_elements_get_their_vr_from_the_private_dictionary(tmp_path: Path) -> None:
    data_set = (
        implicit(0x00080018, b"1.2.3 ")
        + implicit(0x00190010, b"GEMS_ACQU_01")
        + implicit(0x00191002, b"\x90\x03\x00\x00")
        + implicit(0x0019100D, b"\x01\x02\x03\x04")
    )
    found, _ = elements(tmp_path, data_set, IMPLICIT_LITTLE)
    assert found["00191002"] == {"vr": "SL", "Value": [912]}, "GE: number of cells in detector"
    assert found["0019100D"]["vr"] == "UN"


@pytest.mark.parametrize(
    ("data_set", "code"),
    [
        pytest.param(UID + MODALITY[:-1], "truncated", id="inside a value"),
        pytest.param(UID + explicit(0x00081030, "LO", b"", 6000), "truncated", id="a length beyond the end"),
        pytest.param(UID + open_sequence(0x00082218, open_item(CODE), closed=False), "truncated", id="no items end"),
        pytest.param(UID + open_sequence(0x00082218, open_item(CODE, closed=False), closed=False), "truncated", id="i"),
        pytest.param(UID + explicit(0x00082218, "SQ", item(CODE), 900), "truncated", id="inside a defined sequence"),
    ],
)
def test_a_file_that_ends_inside_its_header_is_truncated(tmp_path: Path, data_set: bytes, code: str) -> None:
    with pytest.raises(ReadError) as caught:
        read_header(write(tmp_path, meta() + data_set), LIMITS)
    assert caught.value.code == code


PIXELS = explicit(0x7FE00010, "OW", b"\0" * 64)


def test_pixels_are_never_read_and_elements_behind_them_are(tmp_path: Path) -> None:
    found, forgiven = elements(tmp_path, UID + PIXELS + explicit(0xFFFCFFFC, "OB", b"\0" * 100))
    assert found["7FE00010"] == {"vr": "OW", "BulkDataURI": "?length=64"}
    assert found["FFFCFFFC"] == {"vr": "OB", "BulkDataURI": "?length=100"}
    assert forgiven == ()


def test_encapsulated_pixels_are_jumped_over(tmp_path: Path) -> None:
    frames = explicit(0x7FE00010, "OB", item(b"") + item(b"\xff\xd8" * 20), UNDEFINED) + implicit(SEQUENCE_END, b"")
    found, forgiven = elements(tmp_path, UID + frames + explicit(0xFFFCFFFC, "OB", b"\0" * 100))
    assert found["7FE00010"] == {"vr": "OB", "BulkDataURI": "?length=undefined"}
    assert "FFFCFFFC" in found
    assert forgiven == ()


def test_a_header_is_good_even_if_its_pixels_are_cut_off(tmp_path: Path) -> None:
    found, forgiven = elements(tmp_path, UID + explicit(0x7FE00010, "OW", b"\0" * 10, 64))
    assert found["7FE00010"] == {"vr": "OW", "BulkDataURI": "?length=64"}
    assert forgiven == ("pixel data that is cut off",)


@pytest.mark.parametrize(
    "inner",
    [
        pytest.param(item(CODE) + open_item(CODE), id="items with and without a length"),
        pytest.param(open_item(open_sequence(0x00082218, open_item(CODE))), id="deeper sequences"),
        pytest.param(
            open_item(
                explicit(0x00091001, "UN", open_item(implicit(0x00080100, b"A1")), UNDEFINED)
                + implicit(SEQUENCE_END, b"")
                + CODE
            ),
            id="implicit VR in an unknown element, and explicit behind it",
        ),
    ],
)
def test_a_sequence_beyond_the_limit_of_depth_is_jumped_over_whatever_is_in_it(tmp_path: Path, inner: bytes) -> None:
    limits = Limits(depth=1)
    data_set = UID + open_sequence(0x00082218, open_item(open_sequence(0x00082218, inner) + CODE)) + ROWS
    header = read_header(write(tmp_path, meta() + data_set), limits)
    (kept,) = header.elements["00082218"]["Value"]
    assert kept["00082218"] == {"vr": "SQ", "cut": "more than 1 levels of sequences"}
    assert kept["00080100"]["Value"] == ["A1"], "behind it, in the item"
    assert header.elements["00280010"]["Value"] == [16], "behind it, at the top"


def test_encapsulated_data_inside_a_sequence_is_jumped_over(tmp_path: Path) -> None:
    icon = explicit(0x7FE00010, "OB", item(b"") + item(b"\xff\xd8" * 20), UNDEFINED) + implicit(SEQUENCE_END, b"")
    found, forgiven = elements(tmp_path, UID + explicit(0x00880200, "SQ", item(icon + CODE)) + ROWS)
    (kept,) = found["00880200"]["Value"]
    assert kept["7FE00010"] == {"vr": "OB", "BulkDataURI": "?length=undefined"}
    assert kept["00080100"]["Value"] == ["A1"]
    assert values(found["00280010"]) == [16]
    assert forgiven == ()


def test_encapsulated_data_that_never_ends_is_truncated(tmp_path: Path) -> None:
    icon = explicit(0x7FE00010, "OB", item(b"") + item(b"\xff\xd8" * 20, 4_000), UNDEFINED)
    with pytest.raises(ReadError) as caught:
        read_header(write(tmp_path, meta() + UID + open_sequence(0x00880200, open_item(icon))), LIMITS)
    assert caught.value.code == "truncated"
