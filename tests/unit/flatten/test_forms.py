"""Search forms, sortable numbers and keys: what query and document have to agree on."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from indexer.flatten.forms import name_form, private_key, search_form, sortable


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("t1_mprage_sag", "t1 mprage sag"),
        ("ep2d__diff", "ep2d diff"),
        ("System__[2010]_16:45", "System [2010] 16:45"),
        ("head.first", "head first"),
        ("a:b", "a b"),
        ("O'Neill", "O Neill"),
        ("Müller", "Muller"),
        ("Čapek", "Capek"),
        ("Nguyễn", "Nguyen"),
        ("だいがく", "だいがく"),
        ("홍길동", "홍길동"),
        ("Łódź", "Łodz"),
        ("1.2.840.10008", "1.2.840.10008"),
        ("0.5", "0.5"),
        ("12:30", "12:30"),
        ("chest CT", "chest CT"),
        ("_", "_"),
        ("", ""),
    ],
)
def test_the_search_form_parts_words_and_drops_latin_diacritics(text: str, expected: str) -> None:
    assert search_form(text) == expected


@pytest.mark.parametrize(
    ("group", "is_alphabetic", "expected"),
    [
        ("Müller^Jörg", True, "Muller Jorg"),
        ("Doe^John^^^", True, "Doe John"),
        ("홍^길동", False, "홍길동"),
        ("山田^太郎", False, "山田太郎"),
    ],
)
def test_a_name_is_found_without_its_separators(group: str, is_alphabetic: bool, expected: str) -> None:
    assert name_form(group, is_alphabetic=is_alphabetic) == expected


@given(st.text())
def test_the_search_form_of_a_search_form_is_itself(text: str) -> None:
    assert search_form(search_form(text)) == search_form(text)
    assert unicodedata.is_normalized("NFC", search_form(text)) or text.isascii()


@given(
    st.floats(allow_nan=False, allow_infinity=False),
    st.floats(allow_nan=False, allow_infinity=False),
)
def test_sortable_numbers_sort_as_the_numbers_do(one: float, other: float) -> None:
    assert (sortable(one) < sortable(other)) == (one < other)
    assert (sortable(one) == sortable(other)) == (one == other)


@pytest.mark.parametrize(
    ("tag", "expected"),
    [("00191002", "0019xx02"), ("0029E11A", "0029xx1A"), ("00190001", "00190001"), ("00070013", "00070013")],
)
def test_a_private_tag_is_relative_to_its_block(tag: str, expected: str) -> None:
    assert private_key(tag) == expected
