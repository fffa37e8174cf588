"""From an element back to the conditions that find it: on the most exact field, whatever characters its value has."""

from typing import Any

import pytest

from app.search.compiler import compile_query
from app.search.conditions import conditions_of
from indexer.flatten import Place, flatten
from indexer.reader import Header
from indexer.settings import Limits

LIMITS = Limits()


def conditions(header: dict[str, Any], tag: str = "") -> list[tuple[str, ...]]:
    places: list[Place] = []
    flatten(Header(header), LIMITS, places.append)
    return [conditions_of(place, LIMITS) for place in places if not tag or place.tag == tag]


def nested(inside: dict[str, Any]) -> dict[str, Any]:
    return {"00400275": {"vr": "SQ", "Value": [inside]}}


@pytest.mark.parametrize(
    ("tag", "entry", "expected"),
    [
        ("00080060", {"vr": "CS", "Value": ["CT"]}, ("Modality:=CT",)),
        ("00180050", {"vr": "DS", "Value": ["5.00"]}, ("SliceThickness:=5",)),
        ("00201041", {"vr": "DS", "Value": ["-0.0"]}, ("SliceLocation:=0",)),
        ("00201041", {"vr": "DS", "Value": ["-12.5"]}, ('SliceLocation:="-12.5"',)),
        ("00080020", {"vr": "DA", "Value": ["20040119"]}, ("StudyDate:=2004-01-19",)),
        ("00080020", {"vr": "DA", "Value": ["20041345"]}, ("malformed.StudyDate:=20041345",)),
        ("00080030", {"vr": "TM", "Value": ["0830"]}, ("StudyTime:=083000.000000",)),
        ("00081030", {"vr": "LO", "Value": ['a "b" \\ c']}, ('StudyDescription:="a \\"b\\" \\\\ c"',)),
        ("00081030", {"vr": "LO", "Value": ["AND"]}, ('StudyDescription:="AND"',)),
        ("00280030", {"vr": "DS", "Value": ["0.5", "0.5"]}, ("PixelSpacing:=0.5",)),
        ("00080008", {"vr": "CS", "Value": ["A", "B"]}, ("ImageType:=A", "ImageType:=B")),
        (
            "00100010",
            {"vr": "PN", "Value": [{"Alphabetic": "Hong^Gil", "Ideographic": "洪^吉"}]},
            ('PatientName:="Hong^Gil"', 'PatientName:="洪^吉"'),
        ),
        ("00104000", {"vr": "LT", "Value": ["one\r\ntwo"]}, ('PatientComments:"one two"',)),
        ("00080090", {"vr": "PN"}, ("empty:=ReferringPhysicianName",)),
        ("00181234", {"vr": "LO", "Value": ["x"]}, ("other.00181234:=x",)),
        # none
        ("00104000", {"vr": "LT", "Value": ["long " * 200]}, ()),
        ("00280030", {"vr": "DS", "Value": [str(n) for n in range(40)]}, ()),
        ("00420011", {"vr": "OB", "InlineBinary": "AAEC"}, ()),
        ("00081030", {"vr": "LO", "Value": ["part"], "cut": "it is long"}, ()),
        ("00081030", {"vr": "LO", "Value": ["nul\x00"]}, ()),
    ],
)
def test_a_value_is_asked_for_as_the_index_has_it(tag: str, entry: dict[str, Any], expected: tuple[str, ...]) -> None:
    assert conditions({tag: entry}) == [expected]
    for condition in expected:
        compile_query(condition)


def test_inside_sequences_it_is_the_exact_path() -> None:
    inside = {"00400009": {"vr": "SH", "Value": ["A-17"]}, "00400008": {"vr": "SQ"}}
    assert conditions(nested(inside)) == [
        ("sequences:=RequestAttributesSequence",),
        ("RequestAttributesSequence.ScheduledProcedureStepID:=A-17",),
        ("empty:=RequestAttributesSequence.ScheduledProtocolCodeSequence",),
    ]


def test_deeper_than_paths_are_written_it_is_the_attribute_at_any_depth() -> None:
    deep: dict[str, Any] = {"00400009": {"vr": "SH", "Value": ["A-17"]}, "00080104": {"vr": "LO"}}
    for _ in range(LIMITS.key_depth + 1):
        deep = nested(deep)
    assert conditions(deep, "00400009") == [("nested.ScheduledProcedureStepID:=A-17",)]
    assert conditions(deep, "00080104") == [("empty:=CodeMeaning",)]


@pytest.mark.parametrize("creator", ["ACME 1.0", "a.b:c/d", 'quo"te', "x\\y", "none"])
def test_private_elements_are_named_by_their_creator(creator: str) -> None:
    header = {"00090010": {"vr": "LO", "Value": [creator]}, "00091002": {"vr": "DS", "Value": ["912"]}}
    [block, element] = conditions(header)
    assert len(block) == len(element) == 1
    assert [field.path for field in compile_query(block[0]).fields] == ["creators"]
    assert [field.path for field in compile_query(element[0]).fields] == [f"private.{creator}.0009xx02"]


def test_bytes_without_a_vr_that_are_text_are_asked_for_as_text() -> None:
    header = {"00090010": {"vr": "LO", "Value": ["ACME"]}, "00091002": {"vr": "UN", "InlineBinary": "Zm9vXGJhcg=="}}
    assert conditions(header)[1] == ("private.ACME.0009xx02:=foo", "private.ACME.0009xx02:=bar")
