"""A masked header: every element in its place, and no value that identifies."""

import json
from typing import Any

import pytest

from app.deidentified import Profile
from app.deidentified.header import masked_header

PROFILE = Profile()


def masked(**elements: Any) -> dict[str, Any]:
    return masked_header({tag.lstrip("_"): entry for tag, entry in elements.items()}, PROFILE)


@pytest.mark.parametrize(
    ("tag", "entry"),
    [
        ("00100010", {"vr": "PN", "Value": [{"Alphabetic": "Doe^John"}]}),
        ("00100010", {"vr": "PN"}),
        ("00190010", {"vr": "LO", "Value": ["ACME of Doe"]}),
        ("00191002", {"vr": "SL", "Value": [912]}),
        ("00181234", {"vr": "LO", "Value": ["no such element"]}),
        ("00080000", {"vr": "UL", "Value": [128]}),
        ("00020000", {"vr": "UL", "Value": [128]}),
        ("00180050", {"vr": "DS", "Value": ["Doe"]}),  # no number
        ("00180050", {"vr": "DS", "Value": ["5", "Doe"]}),
        ("00180050", {"vr": "UN", "InlineBinary": "RG9l"}),
        ("00080060", {"vr": "UN", "written_vr": "CS", "InlineBinary": "RG9l"}),
        ("00020001", {"vr": "OB", "InlineBinary": "AAE="}),
        ("60004000", {"vr": "LT", "Value": ["Doe"]}),
        ("50020010", {"vr": "US", "Value": [1]}),
    ],
)
def test_what_identifies_or_may_is_marked(tag: str, entry: dict[str, Any]) -> None:
    assert masked_header({tag: entry}, PROFILE) == {tag: {"vr": entry["vr"], "masked": 1}}


@pytest.mark.parametrize(
    ("tag", "entry"),
    [
        ("00080060", {"vr": "CS", "Value": ["CT"]}),
        ("00180050", {"vr": "DS", "Value": ["5.0"], "cut": "1 of 2 values"}),
        ("00180050", {"vr": "DS"}),
        ("00280010", {"vr": "US", "Value": [512]}),
        ("7FE00010", {"vr": "OW", "BulkDataURI": "?length=524288"}),
        ("60020010", {"vr": "US", "Value": [64]}),
        ("00082218", {"vr": "SQ"}),
    ],
)
def test_what_is_harmless_stays(tag: str, entry: dict[str, Any]) -> None:
    assert masked_header({tag: entry}, PROFILE) == {tag: entry}


def test_a_sequence_that_identifies_goes_with_all_that_is_inside() -> None:
    code = {
        "00080104": {"vr": "LO", "Value": ["Doe"]},
        "0040A043": {"vr": "SQ", "Value": [{}, {"00080100": {"vr": "SH"}}]},
    }
    found = masked(_0040A730={"vr": "SQ", "Value": [code, code, None]})
    assert found == {"0040A730": {"vr": "SQ", "masked": 7}}


def test_inside_of_other_sequences_each_element_is_looked_at() -> None:
    item = {
        "00080104": {"vr": "LO", "Value": ["Chest"]},
        "00080117": {"vr": "UI", "Value": ["1.2"]},
        "00090010": {"vr": "LO"},
    }
    found = masked(_00082218={"vr": "SQ", "Value": [item, None]})
    assert found["00082218"]["Value"] == [
        {"00080104": item["00080104"], "00080117": item["00080117"], "00090010": {"vr": "LO", "masked": 1}},
        {},
    ]


def test_private_sequences_are_masked_whatever_is_inside() -> None:
    found = masked(_00091001={"vr": "SQ", "Value": [{"00080060": {"vr": "CS", "Value": ["CT"]}}]})
    assert found == {"00091001": {"vr": "SQ", "masked": 2}}


def test_no_key_of_an_element_is_handed_on_that_is_not_known() -> None:
    found = masked(_00080060={"vr": "CS", "Value": ["CT"], "note": "Doe"})
    assert "Doe" not in json.dumps(found)
