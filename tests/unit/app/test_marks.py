"""What a query marks in a header: the elements that it is about, and in their values the words as they are written."""

import time
from typing import Any

import pytest

from app.search.errors import QuerySyntaxError
from app.search.marks import marks_of
from app.web.header import HeaderView, Wanted, view_header
from indexer.flatten import Place, flatten
from indexer.reader import Header
from indexer.settings import Limits

LIMITS = Limits()
HEADER: dict[str, Any] = {
    "00080008": {"vr": "CS", "Value": ["ORIGINAL", "PRIMARY", "AXIAL"]},
    "00080016": {"vr": "UI", "Value": ["1.2.840.10008.5.1.4.1.1.4"]},
    "00080020": {"vr": "DA", "Value": ["20040119"]},
    "00080030": {"vr": "TM", "Value": ["083015"]},
    "00080060": {"vr": "CS", "Value": ["MR"]},
    "00080080": {"vr": "LO", "Value": ["Hôpital Général, Zürich"]},
    "00080090": {"vr": "PN"},
    "0008103E": {"vr": "LO", "Value": ["t1_mprage_sag CHEST-ct"]},
    "00090010": {"vr": "LO", "Value": ["ACME 1.0"]},
    "00091002": {"vr": "DS", "Value": ["912"]},
    "00091003": {"vr": "LO", "Value": ["fast scan"]},
    "00100010": {"vr": "PN", "Value": [{"Alphabetic": "Müller^Jörg", "Ideographic": "山田^太郎"}]},
    "00101010": {"vr": "AS", "Value": ["045Y"]},
    "00102160": {"vr": "SH", "Value": ["<b>&"]},
    "00180050": {"vr": "DS", "Value": ["5.0"]},
    "00201041": {"vr": "DS", "Value": ["-5"]},
    "00280010": {"vr": "US", "Value": [512]},
    "00280030": {"vr": "DS", "Value": ["0.5", "0.75"]},
    "00324000": {"vr": "LT", "Value": ["12.5 mm in 12 of 1.2.840"]},
    "00400275": {
        "vr": "SQ",
        "Value": [
            {"00400009": {"vr": "SH", "Value": ["A-17"]}},
            {"00400008": {"vr": "SQ", "Value": [{"00080104": {"vr": "LO", "Value": ["Chest"]}}]}},
            {"00400008": {"vr": "SQ", "Value": [{"00080104": {"vr": "LO", "Value": ["Thorax"]}}]}},
        ],
    },
    "00400245": {"vr": "TM", "Value": ["later"]},
}


def view(query: str, filters: tuple[str, ...] = (), **wanted: Any) -> HeaderView:
    places: list[Place] = []
    flatten(Header(HEADER), LIMITS, places.append)
    return view_header(HEADER, Wanted(most=100, **wanted), places, marks_of(query, filters), LIMITS)


def marked(found: HeaderView) -> dict[str, list[str]]:
    return {
        row.keyword or row.tag: [text for text, is_marked in row.parts if is_marked] for row in found.rows if row.match
    }


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("", {}),
        ("*", {}),
        # words anywhere
        ("chest", {"SeriesDescription": ["CHEST"], "CodeMeaning": ["Chest"]}),
        ('"chest ct"', {"SeriesDescription": ["CHEST-ct"]}),
        ("mprage", {"SeriesDescription": ["mprage"]}),
        ("mpra", {}),
        ("mpra*", {"SeriesDescription": ["mprage"]}),
        ("zurich", {"InstitutionName": ["Zürich"]}),
        ("GENERAL hopital", {"InstitutionName": ["Hôpital", "Général"]}),
        ("12.5", {"StudyComments": ["12.5"]}),
        ("12", {"StudyComments": ["12"]}),
        ("1.2", {}),
        ("5", {"SliceThickness": ["5.0"], "SliceLocation": ["5"]}),
        ("山田", {"PatientName": ["山田"]}),
        ("acme", {"(0009,0010)": ["ACME"]}),
        ("fast~", {"(0009,1003)": ["fast"]}),
        ("cherst~", {"SeriesDescription": ["CHEST"], "CodeMeaning": ["Chest"]}),
        ('"hopital zurich"~3', {"InstitutionName": ["Hôpital", "Zürich"]}),
        # fields by their kinds
        ("Modality:mr", {"Modality": ["MR"]}),
        ("Modality:CT", {}),
        ("Modality:(CT OR MR)", {"Modality": ["MR"]}),
        ("Modality:M?", {"Modality": ["MR"]}),
        (r"ImageType:ORIGINAL\AXIAL", {"ImageType": ["ORIGINAL", "AXIAL"]}),
        ("ImageType:=PRIMARY", {"ImageType": ["PRIMARY"]}),
        ('SOPClassUID:"MR Image Storage"', {"SOPClassUID": ["1.2.840.10008.5.1.4.1.1.4"]}),
        ("PatientName:(jorg muller)", {"PatientName": ["Müller", "Jörg"]}),
        ("PatientName:muller^jorg", {"PatientName": ["Müller", "Jörg"]}),
        ("PatientName:doe", {}),
        ("SeriesDescription:t1_mprage*", {"SeriesDescription": ["t1_mprage_sag CHEST-ct"]}),
        ("SliceThickness:5", {"SliceThickness": ["5.0"]}),
        ("SliceThickness:[1 TO 4]", {}),
        ("SliceThickness:>4.5", {"SliceThickness": ["5.0"]}),
        ("(0018,0050):<=5", {"SliceThickness": ["5.0"]}),
        ("SliceLocation:-5", {"SliceLocation": ["-5"]}),
        ("PixelSpacing:>0.6", {"PixelSpacing": ["0.75"]}),
        ("Rows:512", {"Rows": ["512"]}),
        ("StudyDate:2004", {"StudyDate": ["20040119"]}),
        ("StudyDate:[2004-01 TO 2004-06]", {"StudyDate": ["20040119"]}),
        ("StudyDate:>2004", {}),
        ("StudyTime:[0800 TO 0830]", {"StudyTime": ["083015"]}),
        ("StudyTime:>09", {}),
        ("PatientAge:45", {"PatientAge": ["045Y"]}),
        ("PatientAge:<18", {}),
        ("derived.age_years:[40 TO 50}", {"PatientAge": ["045Y"]}),
        ("derived.sop_class:=\"MR Image Storage\"", {"SOPClassUID": ["1.2.840.10008.5.1.4.1.1.4"]}),
        # what cannot be compared here marks the elements that it names
        ("Modality:/M.*/", {"Modality": []}),
        ("/M.*/", {}),
        ("StudyDate:<now", {"StudyDate": []}),
        ("InstitutionName:*", {"InstitutionName": []}),
        # nested, exact, private
        ("nested.CodeMeaning:chest", {"CodeMeaning": ["Chest"]}),
        ("RequestAttributesSequence.ScheduledProcedureStepID:A-17", {"ScheduledProcedureStepID": ["A-17"]}),
        ("ScheduledProcedureStepID:A-17", {}),
        ("RequestAttributesSequence:*", {"RequestAttributesSequence": []}),
        ("sequences:RequestAttributesSequence", {"RequestAttributesSequence": []}),
        ('"private.ACME 1.0.0009xx02":>900', {"(0009,1002)": ["912"]}),
        ('"ACME 1.0":(0009,xx02):>1000', {}),
        ('creators:"ACME 1.0"', {"(0009,0010)": ["ACME 1.0"]}),
        ("empty:ReferringPhysicianName", {"ReferringPhysicianName": []}),
        ("malformed.PerformedProcedureStepStartTime:*", {"PerformedProcedureStepStartTime": []}),
        # what must not be there, and what is no element
        ("NOT Modality:MR", {}),
        ("-chest Modality:MR", {"Modality": ["MR"]}),
        ("NOT (Modality:CT NOT PatientAge:45)", {"PatientAge": ["045Y"]}),
        ("batch:CASE-17 file.path:*export*", {}),
        ("Nonsense:5 Rows:abc", {}),
        # text from strangers
        ('"<b>"', {"EthnicGroup": ["b"]}),
    ],
)  # fmt: skip
def test_a_query_marks_what_it_has_found(query: str, expected: dict[str, list[str]]) -> None:
    assert marked(view(query)) == expected


def test_filters_mark_as_the_query_does_but_for_those_that_exclude() -> None:
    assert marked(view("", ("Modality:=MR", "-ImageType:=AXIAL"))) == {"Modality": ["MR"]}


def test_marked_pieces_are_the_value_cut_into_pieces() -> None:
    found = view("chest OR zurich OR ImageType:PRIMARY OR Rows:512")
    for row in found.rows:
        assert "".join(text for text, _ in row.parts) == row.value


def test_only_marked_elements_can_be_asked_for_with_what_is_around_them() -> None:
    found = view("nested.CodeMeaning:chest OR Modality:MR", only_marked=True)
    assert (found.found, found.matches, found.matches_shown) == (2, 2, 2)
    assert [row.keyword for row in found.rows if row.what == "element"] == ["Modality", "CodeMeaning"]
    assert [row.keyword for row in found.rows if row.what == "sequence"] == [
        "RequestAttributesSequence",
        "ScheduledProtocolCodeSequence",
    ]
    assert all(row.has_match for row in found.rows if row.what == "item")


def test_without_the_flattener_keywords_tell_what_is_marked() -> None:
    found = view_header(HEADER, Wanted(most=100), (), marks_of("chest nested.CodeMeaning:* Modality:MR"))
    assert set(marked(found)) == {"Modality", "SeriesDescription", "CodeMeaning"}


def test_a_query_that_cannot_be_read_is_an_error() -> None:
    with pytest.raises(QuerySyntaxError):
        marks_of("(chest")


@pytest.mark.parametrize(
    "query", ["*a*a*a*a*a*a*a*b", " OR ".join(f"*{n}*" for n in range(20)), "SeriesDescription:/(a+)+b/", "aaaa~ aaab~"]
)
def test_no_query_takes_long_on_a_long_text(query: str) -> None:
    header = {"0008103E": {"vr": "LO", "Value": ["a" * 8_000]}, "00104000": {"vr": "LT", "Value": ["a b " * 2_000]}}
    before = time.monotonic()
    view_header(header, Wanted(most=100), (), marks_of(query))
    assert time.monotonic() - before < 5


def test_looking_ends_after_much_text() -> None:
    header = {"00104000": {"vr": "LT", "Value": ["word " * 1_500] * 500}}
    marks = marks_of(" ".join(f"unfound{n}" for n in range(90)))
    view_header(header, Wanted(most=100), (), marks)
    assert marks.is_cut
