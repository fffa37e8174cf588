"""Values as Elasticsearch's types: each case by the standard's text (PS3.5 §6.2), not by the code."""

import math
import struct
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from indexer.flatten.convert import (
    age_in_years,
    number_text,
    shortest,
    to_age,
    to_date,
    to_datetime,
    to_double,
    to_long,
    to_time,
)


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("20040119", "2004-01-19"),
        ("2004.01.19", "2004-01-19"),
        ("2004-01-19", "2004-01-19"),
        ("20040229", "2004-02-29"),
        ("20030229", None),
        ("20041345", None),
        ("00000000", None),
        ("2004", None),
        ("200401", None),
        ("2004.0119", None),
        ("a84e3b3f", None),
        ("20040119120000", None),
        ("٢٠٠٤٠١١٩", None),
    ],
)
def test_dates(written: str, expected: str | None) -> None:
    assert to_date(written) == expected


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("072730", "072730.000000"),
        ("072730.5", "072730.500000"),
        ("072730.123456", "072730.123456"),
        ("072730.1234567", "072730.123456"),
        ("0727", "072700.000000"),
        ("07", "070000.000000"),
        ("07:27:30", "072730.000000"),
        ("235960", "235960.000000"),
        ("240000", None),
        ("076100", None),
        ("7:27", None),
        ("", None),
        ("noon", None),
    ],
)
def test_times_sort_as_text(written: str, expected: str | None) -> None:
    assert to_time(written) == expected


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("20040119072730", "2004-01-19T07:27:30"),
        ("20040119072730.250000", "2004-01-19T07:27:30.25"),
        ("20040119072730+0100", "2004-01-19T07:27:30+01:00"),
        ("20040119072730.5-0530", "2004-01-19T07:27:30.5-05:30"),
        ("2004011907", "2004-01-19T07:00:00"),
        ("20040119", "2004-01-19"),
        ("200401", "2004-01-01"),
        ("2004", "2004-01-01"),
        ("20040119235960", "2004-01-19T23:59:59"),
        ("20040119072730+9900", None),
        ("20041301", None),
        ("20040119250000", None),
        ("yesterday", None),
    ],
)
def test_moments_keep_their_offset(written: str, expected: str | None) -> None:
    assert to_datetime(written) == expected


@pytest.mark.parametrize(
    ("written", "expected", "years"),
    [
        ("045Y", "045Y", 45.0),
        ("45Y", "045Y", 45.0),
        ("006M", "006M", 0.5),
        ("052W", "052W", 0.997),
        ("010D", "010D", 0.027),
        ("45", None, None),
        ("Y45", None, None),
        ("045y", None, None),
        ("1234Y", None, None),
    ],
)
def test_ages(written: str, expected: str | None, years: float | None) -> None:
    assert to_age(written) == expected
    if expected:
        assert age_in_years(expected) == years


@pytest.mark.parametrize(
    ("value", "double", "long"),
    [
        ("5.000000", 5.0, 5),
        (" 5 ", 5.0, 5),
        ("-1.5E2", -150.0, -150),
        ("+7", 7.0, 7),
        ("0.1", 0.1, None),
        (16, 16.0, 16),
        (2.5, 2.5, None),
        ("9223372036854775807", 9.223372036854775807e18, 9223372036854775807),
        ("9223372036854775808", 9.223372036854775808e18, None),
        (18446744073709551615, 1.8446744073709552e19, None),
        ("1e400", None, None),
        ("NaN", None, None),
        ("Infinity", None, None),
        ("1_000", None, None),
        ("1,5", None, None),
        ("５", None, None),
        ("abc", None, None),
        ("5 mm", None, None),
    ],
)
def test_numbers_fit_their_type_or_are_refused(value: Any, double: float | None, long: int | None) -> None:
    assert to_double(value, "DS") == double
    assert to_long(value, "IS") == long


@pytest.mark.parametrize("written", ["-0", "-0.0", -0.0, "0"])
def test_zero_has_no_sign_so_that_a_search_for_it_finds_it(written: str | float) -> None:
    assert repr(to_double(written, "DS")) == "0.0"


@pytest.mark.parametrize(
    ("number", "expected"), [(5.0, "5"), (5, "5"), (-0.5, "-0.5"), (1e22, "1e+22"), (0.1, "0.1"), (-7.0, "-7")]
)
def test_a_number_has_one_canonical_text(number: float, expected: str) -> None:
    assert number_text(number) == expected


def test_a_32_bit_float_is_found_by_the_number_that_was_meant() -> None:
    (stored,) = struct.unpack("<f", struct.pack("<f", 0.1))
    assert stored != 0.1
    assert to_double(stored, "FL") == 0.1
    assert number_text(stored, "FL") == "0.1"


@given(st.floats(width=32, allow_nan=False, allow_infinity=False))
def test_the_shortest_decimal_of_a_32_bit_float_is_still_that_float(value: float) -> None:
    assert struct.pack("<f", shortest(value)) == struct.pack("<f", value)
    assert math.isclose(shortest(value), value, rel_tol=1e-6, abs_tol=1e-44)


@given(st.text(max_size=30))
def test_no_text_can_stop_a_converter(text: str) -> None:
    for convert in (to_double, to_long, to_date, to_time, to_datetime, to_age):
        convert(text, "LO")
