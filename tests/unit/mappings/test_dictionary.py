"""The dictionary as fields: kinds by VR, and tags of repeating groups."""

import pytest

from mappings.dictionary import Kind, attribute_of, attributes, attributes_by_tag


@pytest.mark.parametrize(
    ("keyword", "tag", "vr", "kind"),
    [
        ("SliceThickness", 0x00180050, "DS", Kind.DOUBLE),
        ("Rows", 0x00280010, "US", Kind.LONG),
        ("SmallestImagePixelValue", 0x00280106, "US or SS", Kind.LONG),
        ("PixelData", 0x7FE00010, "OB or OW", Kind.BINARY),
        ("StudyDate", 0x00080020, "DA", Kind.DATE),
        ("StudyTime", 0x00080030, "TM", Kind.TIME),
        ("AcquisitionDateTime", 0x0008002A, "DT", Kind.DATETIME),
        ("PatientName", 0x00100010, "PN", Kind.NAME),
        ("PatientAge", 0x00101010, "AS", Kind.AGE),
        ("StudyDescription", 0x00081030, "LO", Kind.TEXT),
        ("StudyInstanceUID", 0x0020000D, "UI", Kind.KEYWORD),
        ("RequestAttributesSequence", 0x00400275, "SQ", Kind.SEQUENCE),
        ("TransferSyntaxUID", 0x00020010, "UI", Kind.KEYWORD),
        ("OverlayRows", 0x60000010, "US", Kind.LONG),
    ],
)
def test_an_attribute_has_the_kind_of_its_vr(keyword: str, tag: int, vr: str, kind: Kind) -> None:
    attribute = attributes()[keyword]
    assert (attribute.tag, attribute.vr, attribute.kind) == (tag, vr, kind)
    assert attributes_by_tag()[tag] is attribute


@pytest.mark.parametrize(
    ("tag", "keyword"),
    [
        (0x60000010, "OverlayRows"),
        (0x60020010, "OverlayRows"),
        (0x601E3000, "OverlayData"),
        (0x50043000, "CurveData"),
        (0x00280010, "Rows"),
        (0x60010010, None),
        (0x00181ABC, None),
        (0x00191002, None),
        (0xFFFEE000, None),
    ],
)
def test_a_tag_of_a_repeating_group_is_found_by_the_first_one_s_keyword(tag: int, keyword: str | None) -> None:
    found = attribute_of(tag)
    assert (found.keyword if found else None) == keyword
