r"""Queries by where a value stands: in sequences, in private elements, nowhere, in the wrong form, in which file."""

import re

from pydicom.uid import UID

from tests.corpus_hostile import DIGEST, ROOT
from tests.corpus_oracle import Question, Seen, begins, dates, has_name, has_words, numbers, words_of

HELIOS = "private.GEMS_HELIOS_01.0045xx02"
CENTRE = ("GEMS_IMAG_01", "0027xx42")
GANTRY = ("GEMS_ACQU_01", "0019xx03")
SPECIMEN = "SpecimenDescriptionSequence.SpecimenPreparationSequence.SpecimenPreparationStepContentItemSequence"
PURPOSE = "PerFrameFunctionalGroupsSequence.DerivationImageSequence.SourceImageSequence.PurposeOfReferenceCodeSequence"
SPACING = "SharedFunctionalGroupsSequence.PixelMeasuresSequence.SpacingBetweenSlices"
CREATOR = "a.b:c/d,e \"f' g"
QUOTED = CREATOR.replace('"', '\\"')


def inside(keyword: str, *words: str) -> Question:
    return lambda image: has_words(image.inside(keyword), *words)


def at(path: str, *words: str) -> Question:
    return lambda image: has_words(image.at(path), *words)


def private(creator: str, element: str, *words: str) -> Question:
    return lambda image: has_words(image.private(creator, element), *words)


def hostile(*wanted: int) -> Question:
    """One of the files that are hostile on purpose, by its number."""
    return lambda image: image.id in {f"{ROOT}{number}" for number in wanted}


def has_top(image: Seen, keyword: str) -> bool:
    return any(one.keyword == keyword and one.depth == 0 for one in image.elements)


INSIDE: list[tuple[str, Question]] = [
    ("nested.CodeMeaning:brain", inside("CodeMeaning", "brain")),
    ('nested.CodeMeaning:"source image"', inside("CodeMeaning", "source", "image")),
    ("nested.codemeaning:tissue", inside("CodeMeaning", "tissue")),
    ("nested.(0008,0104):tissue", inside("CodeMeaning", "tissue")),
    (
        "nested.CodeMeaning:percentile*",
        lambda image: any("percentile" in t.lower() for t in image.inside("CodeMeaning")),
    ),
    ("nested.CodeValue:T-A0100", lambda image: "T-A0100" in image.inside("CodeValue")),
    ("nested.SliceThickness:<=1", lambda image: any(one <= 1 for one in numbers(image.inside("SliceThickness")))),
    (
        "nested.NumericValue:[10 TO 100]",
        lambda image: any(10 <= one <= 100 for one in numbers(image.inside("NumericValue"))),
    ),
    (
        "nested.ReferencedSOPClassUID:CTImageStorage",
        lambda image: "1.2.840.10008.5.1.4.1.1.2" in image.inside("ReferencedSOPClassUID"),
    ),
    ("nested.Date:*", lambda image: bool(dates(image.inside("Date")))),
    ("nested.PersonName:*", lambda image: bool(image.inside("PersonName"))),
    (
        "Modality:SEG nested.SegmentLabel:*",
        lambda image: "SEG" in image.top("Modality") and bool(image.inside("SegmentLabel")),
    ),
    ("AnatomicRegionSequence.CodeMeaning:brain", at("AnatomicRegionSequence.CodeMeaning", "brain")),
    ("anatomicregionsequence.codemeaning:BRAIN", at("AnatomicRegionSequence.CodeMeaning", "brain")),
    ("(0008,2218).(0008,0104):brain", at("AnatomicRegionSequence.CodeMeaning", "brain")),
    ('"AnatomicRegionSequence.CodeMeaning":brain', at("AnatomicRegionSequence.CodeMeaning", "brain")),
    ("SegmentSequence.SegmentLabel:liver", at("SegmentSequence.SegmentLabel", "liver")),
    (
        "SegmentSequence.SegmentNumber:>1",
        lambda image: any(one > 1 for one in numbers(image.at("SegmentSequence.SegmentNumber"))),
    ),
    (
        f"{SPECIMEN}.TextValue:a*",
        lambda image: any(one.startswith("a") for text in image.at(f"{SPECIMEN}.TextValue") for one in words_of(text)),
    ),
    (f'{PURPOSE}.CodeMeaning:"image processing"', at(f"{PURPOSE}.CodeMeaning", "image", "processing")),
    (f"{SPACING}:[0.5 TO 3]", lambda image: any(0.5 <= one <= 3 for one in numbers(image.at(SPACING)))),
    (
        "RequestAttributesSequence.RequestedProcedureID:*",
        lambda image: bool(image.at("RequestAttributesSequence.RequestedProcedureID")),
    ),
    (
        "ReferencedImageSequence.ReferencedSOPClassUID:MRImageStorage",
        lambda image: "1.2.840.10008.5.1.4.1.1.4" in image.at("ReferencedImageSequence.ReferencedSOPClassUID"),
    ),
    (
        "ContentSequence.TextValue:/[A-Z].* text/",
        lambda image: any(re.fullmatch("[A-Z].* text", text) for text in image.at("ContentSequence.TextValue")),
    ),
    ("ContentSequence:*", lambda image: "ContentSequence" in image.sequences),
    (
        "SegmentSequence.SegmentedPropertyTypeCodeSequence:*",
        lambda image: "SegmentSequence.SegmentedPropertyTypeCodeSequence" in image.sequences,
    ),
    (
        "sequences:DerivationCodeSequence",
        lambda image: any(path.rpartition(".")[2] == "DerivationCodeSequence" for path in image.sequences),
    ),
]

PRIVATE: list[tuple[str, Question]] = [
    ("private.GEMS_ACQU_01.0019xx02:912", private("GEMS_ACQU_01", "0019xx02", "912")),
    ("private.GEMS_ACQU_01.0019xx02:=912", lambda image: "912" in image.private("GEMS_ACQU_01", "0019xx02")),
    ("GEMS_ACQU_01:(0019,xx02):912.0", private("GEMS_ACQU_01", "0019xx02", "912")),
    (
        '"GEMS_ACQU_01":(0019,xx02):>900',
        lambda image: any(one > 900 for one in numbers(image.private("GEMS_ACQU_01", "0019xx02"))),
    ),
    (
        "private.GEMS_ACQU_01.0019xx03:[380 TO 390}",
        lambda image: any(380 <= one < 390 for one in numbers(image.private(*GANTRY))),
    ),
    ("private.GEMS_IMAG_01.0027xx42:<0", lambda image: any(one < 0 for one in numbers(image.private(*CENTRE)))),
    (
        "private.GEMS_IDEN_01.0009xx01:*lightspeed",
        lambda image: any(text.lower().endswith("lightspeed") for text in image.private("GEMS_IDEN_01", "0009xx01")),
    ),
    ("private.GEMS_IDEN_01.0009xx04:lightspeed", private("GEMS_IDEN_01", "0009xx04", "lightspeed")),
    (
        "private.GEMS_IDEN_01.0009xx02:CT??",
        lambda image: any(re.fullmatch("CT..", t) for t in image.private("GEMS_IDEN_01", "0009xx02")),
    ),
    (
        "private.GEMS_IDEN_01.0009xx02:/CT[0-4].*/",
        lambda image: begins(image.private("GEMS_IDEN_01", "0009xx02"), "CT0"),
    ),
    (f"{HELIOS}:*", lambda image: bool(image.private("GEMS_HELIOS_01", "0045xx02"))),
    (
        'private."SIEMENS MR HEADER".0051xx11:p2*',
        lambda image: begins(image.private("SIEMENS MR HEADER", "0051xx11"), "p2"),
    ),
    ('"SIEMENS MR HEADER":(0019,xx0F):Fast*', private("SIEMENS MR HEADER", "0019xx0F", "fast")),
    (
        '"Philips MR Imaging DD 001":(2005,xx79):8.806305885314941',
        lambda image: 8.806305885314941 in numbers(image.private("Philips MR Imaging DD 001", "2005xx79")),
    ),
    ("creators:GEMS_ACQU_01", lambda image: "GEMS_ACQU_01" in image.creators),
    ('creators:"siemens csa header"', lambda image: "SIEMENS CSA HEADER" in image.creators),
    ("creators:Philips*", lambda image: begins(image.creators, "Philips")),
    ("creators:dcm4che/archive", lambda image: "dcm4che/archive" in image.creators),
    ("creators:none", lambda image: "none" in image.creators),
    ("private.none.00110008:example", private("none", "00110008", "example")),
    ("none:(0001,0002):nested", private("none", "00010002", "nested")),
    ("private.none.0011xx01:orphan", hostile(4)),
    ("private.none.00110008:outcast", hostile(4)),
    (f'"{QUOTED}":(0009,xx01):needle', hostile(4)),
    (f'private."{QUOTED}".0009xx02:<-12', hostile(4)),
    ('"<img src=x>":(000B,xx02):-12.5', hostile(4)),
    ('"🩻 Ünïcode":(000D,xx01):needle', hostile(4)),
    ('creators:"🩻 ünïcode"', hostile(4)),
]

ABSENT: list[tuple[str, Question]] = [
    ("ContrastBolusAgent:*", lambda image: bool(image.top("ContrastBolusAgent"))),
    ("NOT ContrastBolusAgent:*", lambda image: not image.top("ContrastBolusAgent")),
    ("-PatientName:*", lambda image: not image.top("PatientName")),
    ("empty:ReferringPhysicianName", lambda image: "ReferringPhysicianName" in image.empty),
    ("empty:(0008,0050)", lambda image: "AccessionNumber" in image.empty),
    (
        "empty:PatientSex NOT empty:PatientBirthDate",
        lambda image: "PatientSex" in image.empty and "PatientBirthDate" not in image.empty,
    ),
    ("NOT PatientSex:* NOT empty:PatientSex", lambda image: not has_top(image, "PatientSex")),
    ("empty:private.GEMS_IMAG_01.0027xx30", lambda image: "GEMS_IMAG_01:0027xx30" in image.empty),
    (
        "empty:PerFrameFunctionalGroupsSequence.DerivationImageSequence",
        lambda image: "PerFrameFunctionalGroupsSequence.DerivationImageSequence" in image.empty,
    ),
    ("malformed.PatientBirthDate:*", lambda image: any(not dates([text]) for text in image.top("PatientBirthDate"))),
    ("malformed.PatientAge:99", lambda image: "99" in image.top("PatientAge")),
    (f"malformed.StudyDate:{DIGEST}", lambda image: DIGEST in image.top("StudyDate")),
    (f"malformed.StudyDate:{DIGEST[:4]}*", lambda image: begins(image.top("StudyDate"), DIGEST[:4])),
    (DIGEST, lambda image: DIGEST in image.all_texts),
    ("malformed.StudyTime:*", hostile(3)),
    ("malformed.PatientAge:old", hostile(4)),
]

OWN: list[tuple[str, Question]] = [
    ("batch:edge", lambda image: "/edge/" in str(image.path)),
    ("batch:EDGE Modality:MR", lambda image: "/edge/" in str(image.path) and "MR" in image.top("Modality")),
    ("batch:(edge OR hostile)", lambda image: "/public/" not in str(image.path)),
    ("file.path:*/dicom2nifti/*", lambda image: "/dicom2nifti/" in str(image.path)),
    ("file.path:*/charset_files/*", lambda image: "/charset_files/" in str(image.path)),
    ("file.name:*.lut", lambda image: image.path.suffix == ".lut"),
    ("file.name:rtplan.dcm", lambda image: image.path.name == "rtplan.dcm"),
    ('file.name:"hostile-1 (copy).dcm"', hostile(1)),
    (r"file.name:hostile-??\(copy\).dcm", hostile(1, 2, 3, 4)),
    ("file.name:/[0-9]+/", lambda image: re.fullmatch("[0-9]+", image.path.name) is not None),
    ("file.size:>500000", lambda image: image.path.stat().st_size > 500_000),
    ("file.size:[1000 TO 10000]", lambda image: 1_000 <= image.path.stat().st_size <= 10_000),
    ("NOT SOPInstanceUID:*", lambda image: not image.top("SOPInstanceUID")),
    (f"id:{ROOT}2", hostile(2)),
    ("derived.study:1.*", lambda image: begins(image.top("StudyInstanceUID"), "1.")),
    ("indexed_at:today", lambda image: True),
    ("receipt.malformed:>0 batch:hostile", hostile(3, 4)),
    (f"SOPClassUID:{UID('1.2.840.10008.5.1.4.1.1.4').keyword} batch:hostile", hostile(1, 2, 3, 4)),
]

HOSTILE: list[tuple[str, Question]] = [
    ('PatientName:"<script>alert(1)</script>"', hostile(1)),
    (r"PatientName:\<script\>alert\(1\)\<\/script\>^Eve", hostile(1)),
    ("PatientName:eve", lambda image: has_name(image.top("PatientName"), "eve")),
    ("batch:hostile script", hostile(1)),
    ('PatientID:="\'; DROP TABLE images; --"', hostile(1)),
    ("PatientID:drop", lambda image: has_words(image.top("PatientID"), "drop")),
    ('StudyDescription:"{{7*7}}"', hostile(1)),
    ('StudyDescription:="{{7*7}} ${jndi:x} %00"', hostile(1)),
    (r"PatientID:a\*b\?c", hostile(2)),
    ('PatientID:="a*b?c"', hostile(2)),
    ("PatientID:a*b?c", hostile(2)),
    ('StudyDescription:"AND OR NOT"', hostile(2)),
    ('StudyDescription:"(a:b) [c TO d]"', hostile(2)),
    ("batch:hostile PatientName:o'brien", hostile(2)),
    ("PatientName:brien PatientName:sinead", hostile(2)),
    ("batch:hostile PatientName:müller", hostile(3, 4)),
    ('StudyDescription:"\\"quoted\\" back\\\\slash"', hostile(4)),
    (r"batch:hostile Rows:7", hostile(4)),
]

# Nothing fits, and nothing is wrong with asking.
ZERO: list[tuple[str, Question]] = [
    ("xyzzyplugh", lambda image: "xyzzyplugh" in image.words),
    ("Modality:XC", lambda image: "XC" in image.top("Modality")),
    ("SliceThickness:>100000", lambda image: any(one > 100_000 for one in numbers(image.top("SliceThickness")))),
    ("StudyDate:1850", lambda image: begins(dates(image.top("StudyDate")), "1850")),
    ("StudyDate:>2100", lambda image: any(one > "21001231" for one in dates(image.top("StudyDate")))),
    ("StudyDate:[2004 TO 2003]", lambda image: False),
    ("PatientName:xyzzy", lambda image: has_name(image.top("PatientName"), "xyzzy")),
    ('PatientName:"peter archibald"', lambda image: has_name(image.top("PatientName"), "peter", "archibald")),
    ("PatientAge:[100 TO 120]", lambda image: False),
    ("Modality:(CT US)", lambda image: {"CT", "US"} <= set(image.top("Modality"))),
    ("MODALITY:=ct", lambda image: "ct" in image.top("Modality")),
    ("PatientID:=dev", lambda image: "dev" in image.top("PatientID")),
    ('SeriesDescription:="fast localizer"', lambda image: "fast localizer" in image.top("SeriesDescription")),
    ('"segmentation liver"', lambda image: has_words(image.all_texts, "segmentation", "liver")),
    ("Modality:CT Modality:MR", lambda image: {"CT", "MR"} <= set(image.top("Modality"))),
    ("nested.CodeMeaning:xyzzy", inside("CodeMeaning", "xyzzy")),
    ("RequestAttributesSequence.CodeMeaning:brain", at("RequestAttributesSequence.CodeMeaning", "brain")),
    (
        "RequestAttributesSequence.ScheduledProcedureStepID:A-17",
        at("RequestAttributesSequence.ScheduledProcedureStepID", "a", "17"),
    ),
    ("private.NOBODY.0019xx02:*", lambda image: bool(image.private("NOBODY", "0019xx02"))),
    (
        "private.GEMS_ACQU_01.0019xx02:>1e9",
        lambda image: any(one > 1e9 for one in numbers(image.private("GEMS_ACQU_01", "0019xx02"))),
    ),
    ("private.none.0011xx01:out*", lambda image: False),
    ("batch:CASE-17", lambda image: image.batch == "CASE-17"),
    ("id:1.2.3", lambda image: image.id == "1.2.3"),
    ("malformed.SliceThickness:*", lambda image: any(not numbers([text]) for text in image.top("SliceThickness"))),
    ('InstitutionName:="nih"', lambda image: "nih" in image.top("InstitutionName")),
    ('"brain xyzzy"', lambda image: has_words(image.all_texts, "brain", "xyzzy")),
    ("Rows:512.5", lambda image: 512.5 in numbers(image.top("Rows"))),
]
