"""A header becomes the rows of a page: in order, sequences around their items, filtered, bounded."""

from pathlib import Path
from typing import Any

import pydicom.data

from app.web.header import HeaderView, Wanted, view_header
from indexer.flatten import Place, flatten
from indexer.reader import Header, ReadError, read_header
from indexer.settings import Limits

LIMITS = Limits()

HEADER: dict[str, Any] = {
    "00080016": {"vr": "UI", "Value": ["1.2.840.10008.5.1.4.1.1.2"]},
    "00080020": {"vr": "DA", "Value": ["20040119"]},
    "00080090": {"vr": "PN"},
    "00090010": {"vr": "LO", "Value": ["GEMS_IDEN_01"]},
    "00091002": {"vr": "SH", "Value": ["CT01"]},
    "00091102": {"vr": "SH", "Value": ["stray"]},
    "00100010": {"vr": "PN", "Value": [{"Alphabetic": "Yamada^Tarou", "Ideographic": "山田^太郎"}]},
    "00280030": {"vr": "DS", "Value": [0.5, None, 0.25]},
    "00400275": {
        "vr": "SQ",
        "Value": [
            {"00400009": {"vr": "SH", "Value": ["A-17"]}},
            {"00400008": {"vr": "SQ", "Value": [{"00080104": {"vr": "LO", "Value": ["Chest"]}}]}},
        ],
    },
    "00420011": {"vr": "OB", "InlineBinary": "AAECAw=="},
    "7FE00010": {"vr": "OW", "BulkDataURI": ""},
}


def outline(view: HeaderView) -> list[str]:
    return [f"{row.what} {row.tag or row.count}".strip() for row in view.rows]


def test_rows_come_in_order_with_sequences_around_their_items() -> None:
    view = view_header(HEADER, Wanted("", most=1_000))
    assert view.elements == view.found == view.shown == 14
    assert outline(view)[8:-2] == [
        "sequence (0040,0275)",
        "item 1",
        "element (0040,0009)",
        "end-item 0",
        "item 2",
        "sequence (0040,0008)",
        "item 1",
        "element (0008,0104)",
        "end-item 0",
        "end-sequence 0",
        "end-item 0",
        "end-sequence 0",
    ]


def test_values_are_shown_as_written_with_a_note_of_what_they_mean() -> None:
    rows = {row.tag: row for row in view_header(HEADER, Wanted("", most=1_000)).rows}
    assert (rows["(0008,0016)"].value, rows["(0008,0016)"].note) == ("1.2.840.10008.5.1.4.1.1.2", "CT Image Storage")
    assert (rows["(0008,0020)"].value, rows["(0008,0020)"].note) == ("20040119", "19 Jan 2004")
    assert rows["(0010,0010)"].value == "Yamada^Tarou=山田^太郎"
    assert rows["(0028,0030)"].value == "0.5 \\  \\ 0.25"
    assert rows["(0008,0090)"].empty
    assert rows["(0042,0011)"].value == "00 01 02 03 (4 B)"
    assert rows["(7FE0,0010)"].value == "binary, not kept"


def test_private_elements_are_named_by_their_creator() -> None:
    rows = {row.tag: row for row in view_header(HEADER, Wanted("", most=1_000)).rows}
    assert rows["(0009,0010)"].name == "Private creator"
    assert rows["(0009,1002)"].name == "GEMS_IDEN_01"
    assert rows["(0009,1102)"].name == "Private, without creator"


def test_a_filter_keeps_what_is_around_a_match() -> None:
    for wanted in ("chest", "code meaning", "CODEMEANING", "0008,0104", "00080104"):
        view = view_header(HEADER, Wanted(wanted, most=1_000))
        assert view.found == 1
        assert outline(view) == [
            "sequence (0040,0275)",
            "item 2",
            "sequence (0040,0008)",
            "item 1",
            "element (0008,0104)",
            "end-item 0",
            "end-sequence 0",
            "end-item 0",
            "end-sequence 0",
        ]


def test_a_page_has_a_bounded_number_of_rows_and_says_how_many_there_are() -> None:
    view = view_header(HEADER, Wanted("", most=10))
    assert (view.elements, view.found, view.shown) == (14, 14, 10)
    opened = sum(row.what in ("sequence", "item") for row in view.rows)
    closed = sum(row.what in ("end-sequence", "end-item") for row in view.rows)
    assert opened == closed


def test_sequences_of_any_depth_are_shown_up_to_a_bound() -> None:
    deep: dict[str, Any] = {"00080104": {"vr": "LO", "Value": ["bottom"]}}
    for _ in range(3_000):
        deep = {"00400275": {"vr": "SQ", "Value": [deep]}}
    view = view_header(deep, Wanted("", most=10_000))
    assert "nested too deep" in view.rows[len(view.rows) // 2].value


def test_long_values_are_shortened() -> None:
    header = {"00104000": {"vr": "LT", "Value": ["x" * 5_000]}, "00280030": {"vr": "DS", "Value": [1] * 200}}
    long, many = view_header(header, Wanted("", most=10)).rows
    assert long.value == "x" * 1_000 + " …"
    assert many.value.endswith("… (200 values)")


def test_of_a_sequence_that_fits_the_filter_all_is_shown_that_is_inside() -> None:
    view = view_header(HEADER, Wanted("00400008", most=1_000))
    assert (view.found, view.shown) == (1, 2)
    assert outline(view)[2:5] == ["sequence (0040,0008)", "item 1", "element (0008,0104)"]


def test_each_row_tells_what_the_flattener_made_of_its_element() -> None:
    """Whatever the filter hides, and however deep a page opens the sequences: row and place are of the same element."""
    checked = 0
    for path in sorted(Path(pydicom.data.__file__).parent.joinpath("test_files").glob("*.dcm")):
        try:
            header = read_header(path, LIMITS)
        except ReadError:
            continue
        places: list[Place] = []
        flatten(header, LIMITS, places.append)
        for wanted in ("", "Sequence"):
            view = view_header(header.elements, Wanted(wanted, most=100_000), places)
            rows = [row for row in view.rows if row.what in ("element", "sequence")]
            assert all(row.outcome for row in rows), path.name
            for row in rows:
                if row.keyword and row.outcome == "indexed":
                    assert row.field in (row.keyword, f"nested.{row.keyword}"), path.name
            checked += len(rows)
    assert checked > 5_000


def test_a_row_that_is_not_simply_found_says_why() -> None:
    header = Header(
        {
            "00080020": {"vr": "DA", "Value": ["yesterday"]},
            "00100010": {"vr": "PN"},
            "7FE00010": {"vr": "OW", "BulkDataURI": ""},
        }
    )
    places: list[Place] = []
    flatten(header, LIMITS, places.append)
    rows = view_header(header.elements, Wanted("", most=10), places).rows
    assert [(row.outcome, row.field, row.why) for row in rows] == [
        ("malformed", "malformed.StudyDate", "does not fit date"),
        ("empty", "empty", ""),
        ("binary", "", ""),
    ]
