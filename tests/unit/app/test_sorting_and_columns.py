"""Orders, page cursors and columns are read strictly: what does not fit is refused with a reason."""

import base64
import json

import pytest

from app.search.columns import DEFAULT, UnusableColumnError, columns_of, source_fields
from app.search.sorting import Cursor, UnusableCursorError, UnusableSortError, order_of, read_cursor


def test_the_default_order_begins_as_the_index_is_sorted() -> None:
    keys = [(key.path, key.descending) for key in order_of("").keys]
    assert keys[:3] == [("derived.date", True), ("derived.study", False), ("derived.series", False)]


def test_a_chosen_order_is_completed_so_that_every_image_has_its_place() -> None:
    order = order_of("-studydate, PatientName, (0018,0050), ContentSequence.NumericValue")
    assert [key.path for key in order.keys[:4]] == [
        "StudyDate",
        "PatientName.keyword",
        "SliceThickness",
        "path_num.ContentSequence.NumericValue",
    ]
    assert order.keys[0].descending
    assert {"SOPInstanceUID", "file.path"} <= {key.path for key in order.keys}


def test_images_without_a_value_come_last_and_backwards_is_the_exact_reverse() -> None:
    order = order_of("-StudyDate")
    assert order.body()[0] == {"StudyDate": {"order": "desc", "missing": "_last"}}
    assert order.body(backwards=True)[0] == {"StudyDate": {"order": "asc", "missing": "_first"}}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("Modalty", "Did you mean Modality"),
        ("qqqq", "There is no field “qqqq”."),
        ("PixelData", "cannot be sorted by PixelData"),
        ("ContentSequence", "cannot be sorted by ContentSequence"),
        ("text", "cannot be sorted by text"),
        ("a,b,c,d,e,f", "At most 5"),
    ],
)
def test_an_order_that_cannot_be_is_refused(text: str, message: str) -> None:
    with pytest.raises(UnusableSortError, match=message):
        order_of(text)


def test_a_cursor_is_read_as_it_was_written() -> None:
    order = order_of("")
    cursor = Cursor(("2004", None, 1.5, *["x"] * (len(order.keys) - 3)), backwards=True)
    assert read_cursor(cursor.encode("q", order), "q", order) == cursor


@pytest.mark.parametrize("text", ["", "!", "AAAA", "é", "x" * 30_000, base64.urlsafe_b64encode(b"[1]").decode()])
def test_a_damaged_cursor_is_refused(text: str) -> None:
    with pytest.raises(UnusableCursorError):
        read_cursor(text, "q", order_of(""))


def test_a_cursor_of_another_search_is_refused() -> None:
    order, other = order_of(""), order_of("Modality")
    text = Cursor(tuple("x" for _ in order.keys)).encode("q", order)
    with pytest.raises(UnusableCursorError):
        read_cursor(text, "another", order)
    with pytest.raises(UnusableCursorError):
        read_cursor(text, "q", other)
    record = json.loads(base64.urlsafe_b64decode(text + "=="))
    record[2][0] = {"evil": 1}
    with pytest.raises(UnusableCursorError):
        read_cursor(base64.urlsafe_b64encode(json.dumps(record).encode()).decode(), "q", order)


def test_no_columns_means_the_default_ones() -> None:
    assert [column.name for column in columns_of([])] == list(DEFAULT)
    assert [column.name for column in columns_of(["modality", " Modality", ""])] == ["Modality"]


def test_values_are_found_wherever_their_column_lies() -> None:
    names = [
        "Modality",
        "file.path",
        "nested.CodeMeaning",
        "private.A.B.0019xx02",
        "ContentSequence.TextValue",
        "empty",
    ]
    columns = columns_of(names)
    source = {
        "Modality": "CT",
        "file": {"path": "/a"},
        "nested": {"CodeMeaning": ["x"]},
        "private": {"A.B": {"0019xx02": "912"}},
        "path": {"ContentSequence.TextValue": "t"},
        "empty": ["A"],
    }
    assert [column.value(source) for column in columns] == ["CT", "/a", ["x"], "912", "t", ["A"]]
    assert [column.value({"file": "odd"}) for column in columns] == [None] * 6
    assert source_fields(columns) == ["Modality", "empty", "file.path", "nested.CodeMeaning", "path", "private"]


@pytest.mark.parametrize(
    ("names", "message"),
    [
        (["Modalty"], "Did you mean Modality"),
        (["PixelData"], "no value that a list could show"),
        (["ContentSequence"], "no value that a list could show"),
        ([f"0018{n:04x}" for n in range(101)], "At most 100"),
    ],
)
def test_columns_that_cannot_be_are_refused(names: list[str], message: str) -> None:
    with pytest.raises(UnusableColumnError, match=message):
        columns_of(names)
