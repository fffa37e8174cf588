"""Values are shown as people write them."""

from datetime import UTC, datetime
from typing import Any

import pytest
from markupsafe import Markup

from app.search.fields import resolve
from app.web import formats


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("StudyDate", "2004-01-19", "19 Jan 2004"),
        ("StudyDate", "20040119", "19 Jan 2004"),
        ("StudyDate", "2004-13-45", "2004-13-45"),
        ("StudyTime", "072730.000000", "07:27:30"),
        ("AcquisitionDateTime", "2004-01-19T07:27:30.5", "19 Jan 2004, 07:27:30"),
        ("AcquisitionDateTime", "2004-01-19T07:27:30+01:00", "19 Jan 2004, 07:27:30 +01:00"),
        ("AcquisitionDateTime", "2004-01-19", "19 Jan 2004"),
        ("PatientName", "Doe^John", "Doe, John"),
        ("PatientName", "Adams^John Robert Quincy^^Rev.^B.A. M.Div.", "Adams, Rev. John Robert Quincy B.A. M.Div."),
        ("PatientName", "Yamada^Tarou=山田^太郎=やまだ^たろう", "Yamada, Tarou · 山田, 太郎 · やまだ, たろう"),
        ("PatientName", "^John", "John"),
        ("PatientName", "CompressedSamples^CT1", "CompressedSamples, CT1"),
        ("PatientAge", "045Y", "45 years"),
        ("PatientAge", "001M", "1 month"),
        ("PatientAge", "old", "old"),
        ("SliceThickness", 5.0, "5"),
        ("SliceThickness", 1.25, "1.25"),
        ("Rows", 512, "512"),
        ("SOPClassUID", "1.2.840.10008.5.1.4.1.1.2", "CT Image Storage"),
        ("SOPClassUID", "1.2.3", "1.2.3"),
        ("ImageType", ["ORIGINAL", "PRIMARY"], "ORIGINAL, PRIMARY"),
        ("PixelSpacing", [0.5] * 10, "0.5, 0.5, 0.5, 0.5, 0.5, 0.5, 0.5, 0.5 … (10)"),
        ("StudyDescription", None, ""),
    ],
)
def test_a_value_is_shown_by_the_kind_of_its_field(name: str, value: Any, expected: str) -> None:
    assert formats.shown(value, resolve(name)) == expected


@pytest.mark.parametrize(
    ("size", "expected"), [(0, "0 B"), (999, "999 B"), (39206, "39.2 kB"), (999_999, "1 MB"), (5_000_000_000, "5 GB")]
)
def test_sizes_have_three_digits_and_a_unit(size: int, expected: str) -> None:
    assert formats.file_size(size) == expected


def test_moments_are_elements_that_say_utc() -> None:
    html = formats.moment(datetime(2026, 11, 24, 8, 5, tzinfo=UTC))
    assert html == '<time datetime="2026-11-24T08:05:00+00:00">24 Nov 2026, 08:05 UTC</time>'
    assert formats.moment(None) == "—"
    assert "24 Nov 2026" in formats.moment("2026-11-24T08:05:00.000Z")


def test_names_of_files_that_are_no_utf_8_can_be_shown() -> None:
    assert formats.printable("a\udcffb") == "a�b"
    assert formats.printable("\ud800") == "�"
    assert formats.printable(Markup("<b>é\udcff</b>")) == Markup("<b>é�</b>")
    assert formats.printable("a\x00b\x1b[31m\tc\nd") == "a�b�[31m\tc\nd"
    assert formats.printable("Zürich") == "Zürich"


def test_a_quoted_text_is_a_phrase() -> None:
    assert formats.quoted('a"b\\c') == '"a\\"b\\\\c"'


@pytest.mark.parametrize(("number", "expected"), [(1, "1 image"), (0, "0 images"), (1234, "1,234 images")])
def test_numbers_of_things_have_separators_and_the_right_word(number: int, expected: str) -> None:
    assert formats.plural(number, "image") == expected
