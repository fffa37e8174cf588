"""Where each element of a header goes in the document, case by case, in data sets that pydicom has written."""

import warnings
from pathlib import Path
from typing import Any

import pytest
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian, ImplicitVRLittleEndian

from indexer.flatten import Flattened, Outcome, Place, flatten
from indexer.reader import read_header
from indexer.settings import Limits
from tests.dicom_bytes import ROWS, UID, explicit, item, meta, write
from tests.header_oracle import lenient_pydicom

LIMITS = Limits()


def dataset(**attributes: Any) -> Dataset:
    made = Dataset()
    made.SOPClassUID = "1.2.840.10008.5.1.4.1.1.2"
    made.SOPInstanceUID = "1.2.3"
    for keyword, value in attributes.items():
        setattr(made, keyword, value)
    return made


def flattened(folder: Path, made: Dataset, *, implicit: bool = False) -> Flattened:
    path = folder / "image.dcm"
    made.file_meta = FileMetaDataset()
    made.file_meta.TransferSyntaxUID = ImplicitVRLittleEndian if implicit else ExplicitVRLittleEndian
    with lenient_pydicom(), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        made.save_as(path, enforce_file_format=True)
    return flatten(read_header(path, LIMITS), LIMITS)


def document(folder: Path, made: Dataset, *, implicit: bool = False) -> dict[str, Any]:
    return flattened(folder, made, implicit=implicit).fields


def code(value: str, meaning: str) -> Dataset:
    made = Dataset()
    made.CodeValue, made.CodingSchemeDesignator, made.CodeMeaning = value, "DCM", meaning
    return made


def test_top_level_elements_stand_under_their_keywords_typed(tmp_path: Path) -> None:
    made = dataset(
        Modality="CT",
        SliceThickness="5.000000",
        StudyDate="20040119",
        StudyTime="0727",
        AcquisitionDateTime="20040119072730.5+0100",
        PatientAge="045Y",
        PatientName="Doe^John",
        ImageOrientationPatient=[1, 0, 0, 0, 1, 0],
        Rows=512,
        FrameIncrementPointer=0x00181063,
    )
    found = document(tmp_path, made)
    expected = {
        "Modality": "CT",
        "SliceThickness": 5.0,
        "StudyDate": "2004-01-19",
        "StudyTime": "072700.000000",
        "AcquisitionDateTime": "2004-01-19T07:27:30.5+01:00",
        "PatientAge": "045Y",
        "PatientName": "Doe^John",
        "ImageOrientationPatient": [1.0, 0.0, 0.0, 0.0, 1.0, 0.0],
        "Rows": 512,
        "FrameIncrementPointer": "00181063",
        "TransferSyntaxUID": "1.2.840.10008.1.2.1",
    }
    assert {keyword: found[keyword] for keyword in expected} == expected
    assert {"5.000000", "5", "20040119", "Doe^John", "512"} <= set(found["text"])


def test_every_item_of_a_sequence_is_found_not_only_the_first(tmp_path: Path) -> None:
    anatomy = code("T-1", "Chest")
    anatomy.AnatomicRegionModifierSequence = [code("M-1", "Left"), code("M-2", "Upper")]
    found = document(tmp_path, dataset(AnatomicRegionSequence=[anatomy, code("T-2", "Abdomen")]))
    assert found["nested"]["CodeMeaning"] == ["Chest", "Left", "Upper", "Abdomen"]
    assert found["path"]["AnatomicRegionSequence.CodeMeaning"] == ["Chest", "Abdomen"]
    modifier = "AnatomicRegionSequence.AnatomicRegionModifierSequence"
    assert found["path"][f"{modifier}.CodeMeaning"] == ["Left", "Upper"]
    assert set(found["sequences"]) == {"AnatomicRegionSequence", "AnatomicRegionModifierSequence", modifier}


def test_a_file_without_modality_has_a_document(tmp_path: Path) -> None:
    found = document(tmp_path, dataset(PatientID="A"))
    assert "Modality" not in found
    assert found["derived"]["patient"] == "A"


@pytest.mark.parametrize(
    ("written", "groups", "folded", "also_text"),
    [
        ("Doe^John", "Doe^John", None, []),
        ("Müller^Jörg", "Müller^Jörg", "Muller Jorg", ["Muller Jorg"]),
        (
            "Yamada^Tarou=山田^太郎=やまだ^たろう",
            ["Yamada^Tarou", "山田^太郎", "やまだ^たろう"],
            ["山田太郎", "やまだたろう"],
            ["山田太郎", "やまだたろう"],
        ),
        ("=홍^길동", "홍^길동", "홍길동", ["홍길동"]),
    ],
)
def test_names_are_found_in_each_group_and_in_their_search_form(
    tmp_path: Path, written: str, groups: Any, folded: Any, also_text: list[str]
) -> None:
    found = document(tmp_path, dataset(SpecificCharacterSet="ISO_IR 192", PatientName=written))
    assert found["PatientName"] == groups
    assert found.get("folded", {}).get("PatientName") == folded
    assert set(also_text) <= set(found["text"])


def test_text_has_its_search_form_at_top_level_and_nested(tmp_path: Path) -> None:
    made = dataset(
        SpecificCharacterSet="ISO_IR 192", SeriesDescription="t1_mprage", AnatomicRegionSequence=[code("1", "Schädel")]
    )
    found = document(tmp_path, made)
    assert found["folded"] == {"SeriesDescription": "t1 mprage", "nested": {"CodeMeaning": "Schadel"}}
    assert {"t1 mprage", "Schadel"} <= set(found["text"])


@pytest.mark.parametrize("implicit", [False, True])
def test_private_elements_stand_under_their_creator_relative_to_their_block(tmp_path: Path, implicit: bool) -> None:
    made = dataset()
    block = made.private_block(0x0019, "GEMS_ACQU_01", create=True)
    block.add_new(0x02, "SL", 912)
    block.add_new(0x23, "DS", "5.000000")
    found = document(tmp_path, made, implicit=implicit)
    assert found["private"] == {"GEMS_ACQU_01": {"0019xx02": "912", "0019xx23": "5.000000"}}
    assert set(found["private_num"]["GEMS_ACQU_01"]) == {"0019xx02", "0019xx23"}
    assert found["creators"] == ["GEMS_ACQU_01"]
    assert {"912", "5.000000", "5"} <= set(found["text"]), "numbers as written and in their one canonical form"


@pytest.mark.parametrize("creator", ["a.b:c/d,e", "..", " x ", "SIEMENS MED  SMS", "{}[]", "ünï", "\x01\x02"])
def test_odd_creators_are_kept(tmp_path: Path, creator: str) -> None:
    made = dataset(SpecificCharacterSet="ISO_IR 192")
    made.add_new(0x00290010, "LO", creator)
    made.add_new(0x00291001, "LO", "value")
    assert document(tmp_path, made)["private"] == {creator.strip(): {"0029xx01": "value"}}


def test_private_elements_without_a_creator_are_found_under_none(tmp_path: Path) -> None:
    made = dataset()
    made.add_new(0x00291001, "LO", "value")
    assert document(tmp_path, made)["private"] == {"none": {"0029xx01": "value"}}


def test_public_and_private_elements_may_nest_in_each_other(tmp_path: Path) -> None:
    inner = code("1", "Inner")
    inner.private_block(0x0029, "OTHER", create=True).add_new(0x05, "LO", "deep")
    made = dataset()
    made.private_block(0x0019, "ACME", create=True).add_new(0x30, "SQ", [inner])
    found = document(tmp_path, made)
    assert found["nested"]["CodeMeaning"] == "Inner"
    assert found["path"]["ACME:0019xx30.CodeMeaning"] == "Inner"
    assert found["private"] == {"OTHER": {"0029xx05": "deep"}}
    assert found["sequences"] == ["ACME:0019xx30"]


def test_numbers_inside_sequences_have_a_sortable_form(tmp_path: Path) -> None:
    inner = Dataset()
    inner.RadionuclideTotalDose = "-5.50"
    found = document(tmp_path, dataset(RadiopharmaceuticalInformationSequence=[inner]))
    key = "RadiopharmaceuticalInformationSequence.RadionuclideTotalDose"
    assert found["path"][key] == "-5.5"
    assert found["path_num"][key] == "3FE9FFFFFFFFFFFF"
    assert found["nested"]["RadionuclideTotalDose"] == -5.5


def test_repeating_groups_are_found_by_one_keyword(tmp_path: Path) -> None:
    made = dataset()
    made.add_new(0x60000010, "US", 100)
    made.add_new(0x60020010, "US", 200)
    assert document(tmp_path, made)["OverlayRows"] == [100, 200]


def test_tags_that_the_dictionary_does_not_know_are_found_by_their_number(tmp_path: Path) -> None:
    data_set = UID + explicit(0x00181ABC, "LO", b"unknown ") + ROWS
    found = flatten(read_header(write(tmp_path, meta() + data_set), LIMITS), LIMITS).fields
    assert found["other"] == {"00181ABC": "unknown"}
    assert "unknown" in found["text"]


def test_what_does_not_fit_its_type_is_kept_as_written_and_counted(tmp_path: Path) -> None:
    made = dataset()
    with lenient_pydicom():
        made.add_new("StudyDate", "DA", "20041345")
        made.add_new("StudyTime", "TM", "noon")
        made.add_new("PatientAge", "AS", "old")
    data_set = explicit(0x00180050, "DS", b"thin")
    found = document(tmp_path, made)
    assert found["malformed"] == {"StudyDate": "20041345", "StudyTime": "noon", "PatientAge": "old"}
    assert found["receipt"]["malformed"] == 3
    assert "StudyDate" not in found
    assert {"20041345", "noon", "old"} <= set(found["text"])
    found = flatten(read_header(write(tmp_path, meta() + UID + data_set), LIMITS), LIMITS).fields
    assert found["malformed"] == {"SliceThickness": "thin"}


def test_the_good_values_of_a_partly_malformed_element_are_indexed(tmp_path: Path) -> None:
    data_set = UID + explicit(0x00280030, "DS", b"0.5\\wide")
    found = flatten(read_header(write(tmp_path, meta() + data_set), LIMITS), LIMITS).fields
    assert found["PixelSpacing"] == 0.5
    assert found["malformed"] == {"PixelSpacing": "wide"}
    assert found["receipt"]["malformed"] == 1


def test_a_malformed_value_inside_a_sequence_has_its_path(tmp_path: Path) -> None:
    data_set = UID + explicit(0x00081115, "SQ", item(explicit(0x00080020, "DA", b"20041345")))
    found = flatten(read_header(write(tmp_path, meta() + data_set), LIMITS), LIMITS).fields
    assert found["malformed"] == {"ReferencedSeriesSequence.StudyDate": "20041345"}


@pytest.mark.parametrize(
    ("tag", "vr", "raw", "keyword", "expected"),
    [
        (0x00180050, "LO", b"5.0 ", "SliceThickness", 5.0),
        (0x00180050, "FD", b"\0\0\0\0\0\0\x14@", "SliceThickness", 5.0),
        (0x00200013, "US", b"\x07\x00", "InstanceNumber", 7),
        (0x00080020, "LO", b"20040119", "StudyDate", "2004-01-19"),
        (0x00081030, "DS", b"1.50", "StudyDescription", "1.50"),
        (0x00081030, "US", b"\x07\x00", "StudyDescription", "7"),
    ],
)
def test_a_vr_that_differs_from_the_dictionary_is_converted_to_the_dictionary_s_type(
    tmp_path: Path, tag: int, vr: str, raw: bytes, keyword: str, expected: Any
) -> None:
    data_set = UID + explicit(tag, vr, raw)
    assert flatten(read_header(write(tmp_path, meta() + data_set), LIMITS), LIMITS).fields[keyword] == expected


def test_empty_elements_are_listed_at_any_depth(tmp_path: Path) -> None:
    inner = Dataset()
    inner.CodeMeaning = ""
    inner.private_block(0x0019, "ACME", create=True).add_new(0x01, "LO", "")
    made = dataset(ReferringPhysicianName="", AnatomicRegionSequence=[inner], ReferencedStudySequence=[])
    found = document(tmp_path, made)
    assert set(found["empty"]) == {
        "ReferringPhysicianName",
        "ReferencedStudySequence",
        "AnatomicRegionSequence.CodeMeaning",
        "AnatomicRegionSequence.ACME:0019xx01",
    }
    assert found["receipt"]["empty"] == 4


def test_unknown_values_that_are_text_are_found_and_others_are_binary(tmp_path: Path) -> None:
    made = dataset()
    block = made.private_block(0x0019, "ACME", create=True)
    block.add_new(0x01, "UN", b"HELLO WORLD\\TWO ")
    block.add_new(0x02, "UN", b"\x01\x02\x03\x04")
    block.add_new(0x03, "OB", b"HELLO")
    found = document(tmp_path, made)
    assert found["private"] == {"ACME": {"0019xx01": ["HELLO WORLD", "TWO"]}}
    assert found["receipt"]["binary"] == 3, "and the version of the meta header"


@pytest.mark.parametrize(
    ("attributes", "expected"),
    [
        ({"AcquisitionDateTime": "20040119072730.5"}, "2004-01-19T07:27:30.5"),
        ({"AcquisitionDate": "20040119", "AcquisitionTime": "072730"}, "2004-01-19T07:27:30"),
        ({"ContentDate": "20040119", "StudyDate": "20030101"}, "2004-01-19"),
        ({"AcquisitionTime": "072730", "StudyDate": "20040119", "StudyTime": "08"}, "2004-01-19T08:00:00"),
        (
            {"StudyDate": "20040119", "StudyTime": "08", "TimezoneOffsetFromUTC": "-0530"},
            "2004-01-19T08:00:00-05:30",
        ),
        ({"StudyDate": "20040119", "StudyTime": "08", "TimezoneOffsetFromUTC": "CET"}, "2004-01-19T08:00:00"),
        ({}, None),
    ],
)
def test_the_timestamp_is_the_best_there_is(tmp_path: Path, attributes: dict[str, str], expected: str | None) -> None:
    assert document(tmp_path, dataset(**attributes)).get("@timestamp") == expected


@pytest.mark.parametrize(
    ("attributes", "expected"),
    [
        ({"PatientID": "A1", "IssuerOfPatientID": "HOSP", "PatientName": "X"}, "A1^^^HOSP"),
        ({"PatientID": "A1", "PatientName": "X"}, "A1"),
        ({"PatientName": "Doe^John"}, "Doe^John"),
        ({"StudyInstanceUID": "1.2.9"}, "patient-of-1.2.9"),
    ],
)
def test_the_patient_s_key_is_the_id_or_else_the_name(
    tmp_path: Path, attributes: dict[str, str], expected: str
) -> None:
    assert document(tmp_path, dataset(**attributes))["derived"]["patient"] == expected


def test_level_keys_are_the_uids_and_names_of_uids_are_told(tmp_path: Path) -> None:
    made = dataset(StudyInstanceUID="1.2.9", SeriesInstanceUID="1.2.9.1", StudyDate="20040119", PatientAge="018M")
    assert document(tmp_path, made)["derived"] == {
        "patient": "patient-of-1.2.9",
        "study": "1.2.9",
        "series": "1.2.9.1",
        "date": "2004-01-19",
        "sop_class": "CT Image Storage",
        "transfer_syntax": "Explicit VR Little Endian",
        "age_years": 1.5,
    }


def test_images_without_uids_that_belong_together_have_one_substitute(tmp_path: Path) -> None:
    def keys(**attributes: str) -> tuple[str, str]:
        derived = document(tmp_path, dataset(**attributes))["derived"]
        return derived["study"], derived["series"]

    one = keys(PatientID="A", StudyDate="20040119", Modality="CT", SeriesNumber="1", InstanceNumber="1")
    two = keys(PatientID="A", StudyDate="20040119", Modality="CT", SeriesNumber="1", InstanceNumber="2")
    other_series = keys(PatientID="A", StudyDate="20040119", Modality="CT", SeriesNumber="2")
    other_study = keys(PatientID="A", StudyDate="20050119", Modality="CT", SeriesNumber="1")
    assert one == two
    assert one[0] == other_series[0]
    assert one[1] != other_series[1]
    assert one[0] != other_study[0]
    assert document(tmp_path, dataset())["derived"]["date"] == "0001-01-01"


@pytest.mark.parametrize(
    ("uid", "identity"), [("1.2.3", "1.2.3"), ("1.2.840." + "9" * 60, None), ("not a uid", None), ("", None)]
)
def test_the_identity_is_the_uid_where_it_is_one_or_the_file_s_digest(
    tmp_path: Path, uid: str, identity: str | None
) -> None:
    made = dataset(PatientID="A")
    with lenient_pydicom():
        data_set = explicit(0x00080018, "UI", uid.encode()) + explicit(0x00100020, "LO", b"A ")
    content = meta(uid=uid) + data_set
    found = flatten(read_header(write(tmp_path, content), LIMITS), LIMITS).id
    assert made
    if identity:
        assert found == identity
    else:
        assert found.startswith("sha256-")
        assert len(found) == 71


def test_the_trace_tells_of_each_element_where_it_went(tmp_path: Path) -> None:
    broken = explicit(0x00080020, "DA", b"20041345")
    data_set = UID + explicit(0x00081115, "SQ", item(broken) + item(ROWS)) + explicit(0x00081030, "LO", b"")
    places: list[Place] = []
    found = flatten(read_header(write(tmp_path, meta() + data_set), LIMITS), LIMITS, places.append)
    told = {place.path: (place.outcome, place.fields) for place in places}
    nested = "ReferencedSeriesSequence"
    assert told[f"{nested}[1].StudyDate"] == (
        Outcome.MALFORMED,
        (f"malformed.{nested}.StudyDate", "text"),
    )
    assert told[f"{nested}[2].Rows"] == (Outcome.INDEXED, ("nested.Rows", f"path.{nested}.Rows", "text"))
    assert told["StudyDescription"] == (Outcome.EMPTY, ("empty",))
    assert told[nested] == (Outcome.STRUCTURAL, ("sequences",))
    assert len(places) == found.fields["receipt"]["elements"]
