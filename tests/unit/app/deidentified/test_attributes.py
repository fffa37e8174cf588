"""Which attributes are masked: examples that a person has looked up in PS3.15 table E.1-1, and what goes beyond it."""

import pytest
from dicomanonymizer.dicom_anonymization_databases.dicomfields_2026c import ALL_TAGS
from pydicom.datadict import keyword_for_tag

from app.deidentified import Profile
from app.deidentified.attributes import in_table
from mappings.dictionary import Kind, attribute_of, attributes


@pytest.mark.parametrize(
    "keyword",
    [
        "AccessionNumber",
        "AcquisitionDateTime",
        "ContentSequence",
        "DeviceSerialNumber",
        "FrameOfReferenceUID",
        "InstitutionName",
        "OperatorsName",
        "OverlayComments",
        "PatientAge",
        "PatientBirthDate",
        "PatientID",
        "PatientName",
        "PatientSex",
        "ProtocolName",
        "ReferencedImageSequence",
        "RequestAttributesSequence",
        "SOPInstanceUID",
        "SeriesDescription",
        "StationName",
        "StudyDate",
        "StudyInstanceUID",
    ],
)
def test_what_has_a_row_in_the_table_is_masked(keyword: str) -> None:
    attribute = attributes()[keyword]
    assert in_table(attribute.tag)
    assert Profile().masks(attribute)


def test_every_row_of_the_table_is_masked() -> None:
    keywords = {keyword_for_tag((row[0] << 16) + row[1]) for row in ALL_TAGS if len(row) == 2} - {""}
    assert len(keywords) > 500
    assert {keyword for keyword in keywords & set(attributes()) if Profile().keeps(keyword)} == set()


@pytest.mark.parametrize("tag", [0x50000010, 0x50023000, 0x60003000, 0x60043000, 0x60064000])
def test_rows_with_ranges_are_about_all_of_their_groups(tag: int) -> None:
    assert in_table(tag)
    assert Profile().masks(attribute_of(tag))


@pytest.mark.parametrize(
    "keyword",
    [
        "EvaluatorName",  # a person
        "ExpiryDate",
        "TextValue",
        "PatientBirthDateInAlternativeCalendar",
        "SourceApplicationEntityTitle",
        "OverlayLabel",
        "GridID",
        "ImageID",
        "RetrieveURL",
        "PertinentSOPClassesInStudy",
        "FileSetID",
    ],
)
def test_what_is_not_known_to_be_harmless_is_masked_without_a_row(keyword: str) -> None:
    attribute = attributes()[keyword]
    assert not in_table(attribute.tag)
    assert Profile().masks(attribute)


@pytest.mark.parametrize(
    "keyword",
    ["Modality", "BodyPartExamined", "Manufacturer", "SliceThickness", "Rows", "KVP", "SOPClassUID", "ImageType",
     "AnatomicRegionSequence", "CodeMeaning", "TransferSyntaxUID", "InstanceNumber", "PatientPosition", "PixelData"],
)  # fmt: skip
def test_what_is_harmless_is_shown(keyword: str) -> None:
    assert Profile().keeps(keyword)


def test_what_the_dictionary_does_not_know_is_masked() -> None:
    assert Profile().masks(None)
    assert not Profile().keeps("Unheard")


def test_an_administrator_may_keep_some() -> None:
    profile = Profile({"StudyDate", "SeriesDescription"})
    assert profile.keeps("StudyDate")
    assert profile.keeps("SeriesDescription")
    assert not profile.keeps("SeriesDate")


def test_no_name_date_time_or_free_text_is_shown() -> None:
    shown = [one for keyword, one in attributes().items() if Profile().keeps(keyword)]
    assert {one.vr for one in shown}.isdisjoint({"PN", "DA", "DT", "TM", "AS", "LT", "ST", "UT", "UR", "AE", "UN"})
    assert {one.kind for one in shown}.isdisjoint({Kind.NAME, Kind.DATE, Kind.DATETIME, Kind.TIME, Kind.AGE})
