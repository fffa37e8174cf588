"""Sealed ids: the same each time, readable only here, and as nothing else than what they were sealed as."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.deidentified.sealing import PREFIX, Sealer, SealError

SEALER = Sealer("0123456789abcdef0123456789abcdef")


@given(st.text(max_size=300), st.sampled_from(["_id", "derived.patient", "cursor"]))
def test_what_is_sealed_is_opened_again(text: str, kind: str) -> None:
    sealed = SEALER.seal(kind, text)
    assert SEALER.open(kind, sealed) == text
    assert sealed == SEALER.seal(kind, text)


def test_half_a_character_is_sealed_too() -> None:
    assert SEALER.open("_id", SEALER.seal("_id", "a\udc80\0")) == "a\udc80\0"


def test_it_stands_in_addresses_and_filters_as_it_is() -> None:
    sealed = SEALER.seal("_id", "1.2.840")
    assert sealed.startswith(PREFIX)
    assert sealed.isascii()
    assert all(c.isalnum() or c in "-_" for c in sealed)


@pytest.mark.parametrize(
    "given_",
    ["1.2.840", "", PREFIX, f"{PREFIX}AAAA", f"{PREFIX}%%", f"{PREFIX}é", SEALER.seal("derived.patient", "1.2.840"),
     Sealer("another0another0another0another0").seal("_id", "1.2.840"), SEALER.seal("_id", "1.2.840")[:-2] + "AA",
     f"{PREFIX}{'A' * 100_000}"],
)  # fmt: skip
def test_what_was_not_sealed_so_is_refused(given_: str) -> None:
    with pytest.raises(SealError):
        SEALER.open("_id", given_)


def test_lengths_are_hardly_told() -> None:
    assert len({len(SEALER.seal("derived.patient", "x" * length)) for length in range(1, 31)}) == 1


def test_a_digest_needs_the_secret() -> None:
    assert SEALER.digest("a") == SEALER.digest("a")
    assert SEALER.digest("a") != SEALER.digest("b")
    assert SEALER.digest("a") != Sealer("another0another0another0another0").digest("a")
