"""Filters: one condition each, written and read back, and joined to a query that means the same."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.search.compiler import compile_query
from app.search.fields import resolve
from app.search.filters import UnusableFilterError, joined, read_filter, write_filter

NAMES = ["Modality", "InstitutionName", "private.SIEMENS MR HEADER.0051xx0B", 'private.A"\\ :é.0019xx02', "batch"]


@given(
    name=st.sampled_from(NAMES),
    value=st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"), min_size=1, max_size=30),
    excluded=st.booleans(),
)
def test_any_value_is_written_and_read_back_and_can_be_joined(name: str, value: str, excluded: bool) -> None:
    text = write_filter(resolve(name), value, excluded=excluded)
    found = read_filter(text)
    assert (found.field.name, found.value, found.excluded) == (name, value, excluded)
    term = {"term": {resolve(name).exact: {"value": value}}}
    wanted = {"bool": {"must_not": [term]}} if excluded else term
    assert compile_query(joined("", [text])).query == wanted


@pytest.mark.parametrize("excluded", [False, True])
def test_no_value_is_a_value(excluded: bool) -> None:
    found = read_filter(write_filter(resolve("Modality"), None, excluded=excluded))
    assert (found.value, found.excluded) == (None, excluded)


@pytest.mark.parametrize(
    ("query", "filters", "expected"),
    [
        ("chest", [], "chest"),
        ("", ["Modality:=CT"], "Modality:=CT"),
        ("a OR b", ["Modality:=CT"], "(a OR b) Modality:=CT"),
        ("", ["Modality:=CT", "Modality:=MR"], "(Modality:=CT OR Modality:=MR)"),
        ("", ["Modality:=CT", "Rows:[1 TO 5}", "Modality:=MR"], "(Modality:=CT OR Modality:=MR) Rows:[1 TO 5}"),
        ("", ["-Modality:=CT", "-Modality:=MR"], "-Modality:=CT -Modality:=MR"),
        ("", ["Modality:=CT", "-Modality:*"], "(Modality:=CT OR (NOT Modality:*))"),
        ("", ["-Modality:*"], "(NOT Modality:*)"),
        ("", ["Modality:*"], "Modality:*"),
        ("x", ["Modality:=CT", "modality:=MR", "-Modality:=US"], "(x) (Modality:=CT OR modality:=MR) -Modality:=US"),
    ],
)
def test_query_and_filters_are_written_as_one_query(query: str, filters: list[str], expected: str) -> None:
    assert joined(query, filters) == expected
    compile_query(expected)


@pytest.mark.parametrize(
    "text",
    ["", "CT", "Modality:", "Modality:CT Rows:5", "Modality:CT OR Modality:MR", "a:b", "(", "Modality:(CT OR MR)"],
)
def test_what_is_not_one_condition_is_no_filter(text: str) -> None:
    with pytest.raises(UnusableFilterError):
        read_filter(text)


def test_too_many_filters_are_refused() -> None:
    with pytest.raises(UnusableFilterError, match="100"):
        joined("", [f"Rows:{number}" for number in range(101)])


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ('InstitutionName:="St. Mary\'s"', {"term": {"InstitutionName.keyword": {"value": "St. Mary's"}}}),
        ("PatientName:=Doe^John", {"term": {"PatientName.keyword": {"value": "Doe^John"}}}),
        ("Modality:=ct", {"term": {"Modality": {"value": "ct"}}}),
        ('Modality:="a\\"b\\\\c*"', {"term": {"Modality": {"value": 'a"b\\c*'}}}),
        ("ImageType:=ORIGINAL\\PRIMARY", {"term": {"ImageType": {"value": "ORIGINAL\\PRIMARY"}}}),
        ("private.ACME.0019xx02:=912", {"term": {"private.ACME.0019xx02": {"value": "912"}}}),
        ('Modality:"=CT"', {"term": {"Modality": {"value": "=CT", "case_insensitive": True}}}),
    ],
)
def test_an_equals_sign_asks_for_the_whole_value_letter_by_letter(query: str, expected: object) -> None:
    assert compile_query(query).query == expected


def test_an_equals_sign_on_numbers_and_dates_means_what_it_means_without() -> None:
    for condition in ("Rows:{}512", "SliceThickness:{}1.5", "StudyDate:{}2004"):
        assert compile_query(condition.format("=")).query == compile_query(condition.format("")).query
