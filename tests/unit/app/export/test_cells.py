"""CSV cells: what a value becomes, and that no cell is a formula while every value can be had back."""

import csv
import io
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from app.archive import Result
from app.export.cells import cell, read_back, written
from app.export.columns import Columns
from app.export.formats import CsvEncoder

DANGEROUS = tuple("=+-@\t\r\n＝＋－＠")


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (None, ""),
        ("", ""),
        ("Doe^John", "Doe^John"),
        (5, "5"),
        (5.0, "5.0"),
        (-77.2, "-77.2"),
        (1e-7, "1e-07"),
        ("-77.2", "-77.2"),
        ("+5", "+5"),
        ("-.5e3", "-.5e3"),
        ([-0.5, -77.2, 3], "-0.5\\-77.2\\3"),
        (["ORIGINAL", "PRIMARY"], "ORIGINAL\\PRIMARY"),
        (["-1", "=A1"], "'-1\\=A1"),
        ([], ""),
        ("=1+1", "'=1+1"),
        ("+49 30 123", "'+49 30 123"),
        ("-77.2.1", "'-77.2.1"),
        ("-٣", "'-٣"),
        ("-", "'-"),
        ("@SUM(A1)", "'@SUM(A1)"),
        ("\t=1", "'\t=1"),
        ("\r=1", "'\r=1"),
        ("\n=1", "'\n=1"),
        ("＝1", "'＝1"),
        ("'=1", "''=1"),
        ("'tis", "'tis"),
        ("a=1", "a=1"),
        ({"StudyDate": "2004-13-45"}, '{"StudyDate": "2004-13-45"}'),
    ],
)
def test_a_value_becomes_a_cell(value: Any, expected: str) -> None:
    assert cell(value) == expected


anything = st.text() | st.text(alphabet="'=+-@\t\r\n\"\\,;5.eé＝")


@given(anything)
@example("''=")
@example("-5\n")
def test_no_text_is_a_formula_and_each_can_be_had_back(text: str) -> None:
    safe = written(text)
    assert read_back(safe) == text
    if safe.startswith(DANGEROUS):
        float(safe)
        assert safe == safe.strip()


values = st.none() | anything | st.integers() | st.floats(allow_nan=False) | st.lists(anything | st.integers())


@given(st.lists(st.lists(values, min_size=3, max_size=3), max_size=5))
def test_lines_come_back_from_the_csv_module_as_they_were_written(rows: list[list[Any]]) -> None:
    names = ("Modality", "PatientName", "StudyDate")
    results = [Result(str(n), dict(zip(names, row, strict=True))) for n, row in enumerate(rows)]
    encoder = CsvEncoder(Columns(names))
    written_bytes = encoder.head(len(rows), approximate=False) + encoder.rows(results) + encoder.tail()
    text = written_bytes.decode()
    read = list(csv.reader(io.StringIO(text, newline=""), strict=True))
    assert read == [list(names), *([cell(value) for value in row] for row in rows)]
    assert text.endswith("\r\n")
