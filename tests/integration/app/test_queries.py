"""Queries find what pydicom says they should: each case has a query and a question that pydicom answers."""

from collections.abc import Callable, Iterator
from datetime import date, timedelta

import pytest
from pydicom.dataset import Dataset
from pydicom.uid import UID

from app.archive import Archive, SearchRequest
from tests.archive import Indexed
from tests.made_images import uid

# Some of pydicom's test files are wrong on purpose, and pydicom says so.
pytestmark = pytest.mark.filterwarnings("ignore::UserWarning:pydicom")

Question = Callable[[Dataset], bool]


def find(archive: Archive, query: str) -> set[str]:
    answer = archive.search(SearchRequest(query, size=1_000, fields=("Modality",)))
    assert answer.total == len(answer.results)
    assert not answer.partial
    return {result.id for result in answer.results}


def made(*numbers: int) -> set[str]:
    return {uid(number) for number in numbers}


def nested(dataset: Dataset) -> Iterator[Dataset]:
    for element in dataset:
        if element.VR == "SQ":
            for item in element.value or []:
                yield item
                yield from nested(item)


def number(value: object) -> float | None:
    try:
        return float(value) if value not in (None, "") else None  # type: ignore[arg-type]
    except (TypeError, ValueError):
        return None


def day(dataset: Dataset, keyword: str = "StudyDate") -> str:
    text = str(dataset.get(keyword, "") or "").strip().replace(".", "").replace("-", "")
    return text if len(text) == 8 and text.isdigit() else ""


def words(dataset: Dataset, keyword: str) -> list[str]:
    return str(dataset.get(keyword, "") or "").lower().replace("^", " ").replace("_", " ").replace("-", " ").split()


BY_PYDICOM: list[tuple[str, Question]] = [
    ("Modality:CT", lambda d: d.get("Modality") == "CT"),
    ("modality:ct", lambda d: d.get("Modality") == "CT"),
    ("00080060:CT", lambda d: d.get("Modality") == "CT"),
    ("(0008,0060):CT", lambda d: d.get("Modality") == "CT"),
    ("Modality:(CT OR MR)", lambda d: d.get("Modality") in ("CT", "MR")),
    ("Modality:C*", lambda d: str(d.get("Modality") or "").startswith("C")),
    ("Modality:?T", lambda d: len(m := str(d.get("Modality") or "")) == 2 and m.endswith("T")),
    ("Modality:/[CM][TR]/", lambda d: d.get("Modality") in ("CT", "MR", "CR", "MT")),
    ("NOT Modality:CT", lambda d: d.get("Modality") != "CT"),
    ("-Modality:CT Modality:*", lambda d: d.get("Modality") not in ("CT", "", None)),
    ("SliceThickness:*", lambda d: number(d.get("SliceThickness")) is not None),
    ("NOT SliceThickness:*", lambda d: number(d.get("SliceThickness")) is None),
    ("SliceThickness:5", lambda d: number(d.get("SliceThickness")) == 5),
    ("SliceThickness:<=1.25", lambda d: (n := number(d.get("SliceThickness"))) is not None and n <= 1.25),
    (
        "Modality:CT SliceThickness:>1",
        lambda d: d.get("Modality") == "CT" and (number(d.get("SliceThickness")) or 0) > 1,
    ),
    ("00180050:[1 TO 5}", lambda d: (n := number(d.get("SliceThickness"))) is not None and 1 <= n < 5),
    ("Rows:>=512", lambda d: (number(d.get("Rows")) or 0) >= 512),
    ("Rows:512", lambda d: d.get("Rows") == 512),
    ("StudyDate:2004", lambda d: day(d).startswith("2004")),
    ("StudyDate:2004-01", lambda d: day(d).startswith("200401")),
    ("StudyDate:20040119", lambda d: day(d) == "20040119"),
    ("StudyDate:[2003 TO 2004-06]", lambda d: "20030101" <= day(d) <= "20040630"),
    ("StudyDate:20030101-20040201", lambda d: "20030101" <= day(d) <= "20040201"),
    ("StudyDate:>2010", lambda d: day(d) > "20101231"),
    ("StudyDate:<2000", lambda d: "" < day(d) < "20000101"),
    (
        "StudyDate:>now-3650d",
        lambda d: day(d) > (date.today() - timedelta(days=3650)).strftime("%Y%m%d"),  # noqa: DTZ011
    ),
    ("StudyDate:*", lambda d: day(d) != ""),
    ("StudyTime:[08 TO 12]", lambda d: "08" <= str(d.get("StudyTime") or "")[:2] <= "12"),
    ("PatientName:CompressedSamples", lambda d: "compressedsamples" in words(d, "PatientName")),
    ("PatientName:compressed*", lambda d: any(w.startswith("compressed") for w in words(d, "PatientName"))),
    ("PatientSex:F", lambda d: d.get("PatientSex") == "F"),
    ("ImageType:ORIGINAL", lambda d: "ORIGINAL" in (d.get("ImageType") or [])),
    (
        r"ImageType:ORIGINAL\PRIMARY",
        lambda d: (
            {"ORIGINAL", "PRIMARY"}
            <= set([d.ImageType] if isinstance(d.get("ImageType"), str) else d.get("ImageType") or [])
        ),
    ),
    ("SOPClassUID:CTImageStorage", lambda d: d.get("SOPClassUID") == "1.2.840.10008.5.1.4.1.1.2"),
    ("SOPClassUID:1.2.840.10008.5.1.4.1.1.4", lambda d: d.get("SOPClassUID") == "1.2.840.10008.5.1.4.1.1.4"),
    (
        "TransferSyntaxUID:1.2.840.10008.1.2.4*",
        lambda d: str(d.file_meta.get("TransferSyntaxUID", "")).startswith("1.2.840.10008.1.2.4"),
    ),
    ("nested.CodeMeaning:*", lambda d: any(str(item.get("CodeMeaning") or "") for item in nested(d))),
    ("ContrastBolusAgent:*", lambda d: bool(d.get("ContrastBolusAgent"))),
    ("InstanceNumber:[2 TO 4]", lambda d: (n := number(d.get("InstanceNumber"))) is not None and 2 <= n <= 4),
    ("Manufacturer:GE", lambda d: "ge" in words(d, "Manufacturer")),
    ('Manufacturer:"GE MEDICAL"', lambda d: "ge medical" in " ".join(words(d, "Manufacturer"))),
    ("*", lambda d: True),
    ("", lambda d: True),
]


@pytest.mark.parametrize(("query", "question"), BY_PYDICOM, ids=[query or "blank" for query, _ in BY_PYDICOM])
def test_a_query_finds_exactly_what_pydicom_says(
    archive: Archive, images: list[Indexed], query: str, question: Question
) -> None:
    expected = {image.id for image in images if question(image.dataset)}
    assert find(archive, query) == expected
    assert expected, "the case shows nothing: no image fits"


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        # Names: any order, any case, with or without diacritics, any group, within one name.
        ('PatientName:"john doe"', made(2)),
        ("PatientName:Doe^John", made(2)),
        ('PatientName:"DOE, JOHN"', made(2)),
        ("batch:MADE PatientName:(doe -john)", made(3)),
        ("PatientName:muller", made(1)),
        ("PatientName:MÜLLER", made(1)),
        ('PatientName:"jorg müller"', made(1)),
        ("PatientName:mül*", made(1)),
        ("PatientName:mul*", made(1)),
        ("PatientName:M?LLER", made(1)),
        ("PatientName:山田", made(5)),
        ("PatientName:홍길동", made(4)),
        ("PatientName:홍^길동", made(4)),
        ("PatientName:洪吉洞", made(4)),
        ("PatientName:tarou", made(5)),
        ("PatientName:oneil~1", made(7)),
        ("PatientName:o'neil", made(7)),
        ("PatientName:neil", made(7)),
        ("PatientName:anne", made(7)),
        ('PatientName:"anne marie"', made(7)),
        ("batch:MADE NOT PatientName:*", made(8)),
        ('PatientName:"<script>alert"', made(6)),
        (r"PatientName:\<script\>", made(6)),
        # Words anywhere.
        ("Gildong", made(4)),
        ("GADOLINIUM", made(1, 2, 3)),
        ("gadol*", made(1, 2, 3)),
        ("gadolinum~", made(1, 2, 3)),
        ("mprage thorax", made(1, 2, 3, 4, 5, 6, 7, 8)),
        ('"mprage sag"', made(1, 2, 3, 4, 5, 6, 7, 8)),
        ("t3_mprage_sag", made(3)),
        ("t3_mprage", made(3)),
        ('"head neck" Gadolinium', made(1, 2, 3)),
        ("Zurich", made(1)),
        ("zürich", made(1)),
        (uid(3), made(3)),
        ("A-7", made(7)),
        ('"Protocol 5"', made(5)),
        # Texts and keywords.
        ("SeriesDescription:mprage batch:MADE", made(1, 2, 3, 4, 5, 6, 7, 8)),
        ("SeriesDescription:t2*", made(2)),
        ("SeriesDescription:*neck", made(1, 2, 3, 4, 5, 6, 7, 8)),
        ('SeriesDescription:"neck head"~2', made(1, 2, 3, 4, 5, 6, 7, 8)),
        ("SeriesDescription:/t[12]_mprage.*/", made(1, 2)),
        ("StationName:zürich-é", made(1)),
        ("StationName:ZÜR*", made(1)),
        ("PatientID:[MADE-1 TO MADE-3]", made(1, 2, 3)),
        # Numbers, negative ones too.
        ("batch:MADE SliceLocation:-3", made(1)),
        ("batch:MADE SliceLocation:[-3 TO -1]", made(1, 2, 3)),
        ("batch:MADE SliceLocation:<-1", made(1, 2)),
        ("batch:MADE SliceLocation:(-3 OR 4)", made(1, 8)),
        ("batch:MADE PixelSpacing:8.5", made(8)),
        # Dates, times, ages.
        ("batch:MADE StudyDate:[2013 TO 2015]", made(3, 4, 5)),
        ("batch:MADE AcquisitionDateTime:2013-03-13", made(3)),
        ("batch:MADE AcquisitionDateTime:20130313033000+0100", made(3)),
        ("batch:MADE AcquisitionDateTime:20130313023000", made(3)),
        ("batch:MADE StudyTime:033030", made(3)),
        ("batch:MADE StudyTime:[02:30 TO 04]", made(2, 3, 4)),
        ("batch:MADE StudyTime:>0330", made(4, 5, 6, 7, 8)),
        ("batch:MADE PatientAge:<18", made(1, 4, 5, 6)),
        ("batch:MADE PatientAge:<=18", made(1, 2, 4, 5, 6)),
        ("batch:MADE PatientAge:18", made(2)),
        ("batch:MADE PatientAge:018M", made(4)),
        ("batch:MADE PatientAge:6W", made(5)),
        ("batch:MADE PatientAge:10D", made(6)),
        ("batch:MADE PatientAge:[18 TO 19]", made(2, 3)),
        ("batch:MADE NOT PatientAge:*", made(8)),
        # Inside sequences: anywhere, and at exact paths.
        ('nested.CodeMeaning:"region 3"', made(3)),
        ("batch:MADE nested.NumericValue:>20", made(7, 8)),
        ("RequestAttributesSequence.ScheduledProcedureStepID:A-3", made(3)),
        ("RequestAttributesSequence.ScheduledProcedureStepID:a-3", made(3)),
        ("RequestAttributesSequence.ScheduledProcedureStepDescription:thorax", made(1, 2, 3, 4, 5, 6, 7, 8)),
        ('RequestAttributesSequence.ScheduledProcedureStepDescription:"scan 4"', made(4)),
        ("RequestAttributesSequence.ScheduledProcedureStepDescription:*5", made(5)),
        ("RequestAttributesSequence.ScheduledProcedureStepDescription:/.*[67]/", made(6, 7)),
        ("requestattributessequence.scheduledprotocolcodesequence.codevalue:V6", made(6)),
        ("RequestAttributesSequence.CodeValue:V6", made()),
        ("ContentSequence.MeasuredValueSequence.NumericValue:[-30 TO -10]", made(2, 3)),
        ("ContentSequence.MeasuredValueSequence.NumericValue:>=25", made(7, 8)),
        ("ContentSequence.MeasuredValueSequence.NumericValue:-5.0", made(4)),
        ("ContentSequence.MeasuredValueSequence.Date:2014", made(4)),
        ("ContentSequence.MeasuredValueSequence.Date:>2016", made(7, 8)),
        ('ContentSequence.MeasuredValueSequence.PersonName:"nr2 reader"', made(2)),
        ("ContentSequence.MeasuredValueSequence:* batch:MADE", made(1, 2, 3, 4, 5, 6, 7, 8)),
        ("sequences:MeasuredValueSequence batch:MADE", made(1, 2, 3, 4, 5, 6, 7, 8)),
        # Private elements, of a creator with every odd character.
        ('"ACME_1.0/é: x":(0019,xx02):904', made(4)),
        ('"ACME_1.0/é: x":(0019,xx02):904.0', made(4)),
        ('"ACME_1.0/é: x":(0019,xx02):>906', made(7, 8)),
        ('private."ACME_1.0/é: x".0019xx02:[902 TO 903]', made(2, 3)),
        ('private."ACME_1.0/é: x".0019xx03:"fast scan" batch:MADE', made(1, 2, 3, 4, 5, 6, 7, 8)),
        ('private."ACME_1.0/é: x".0019xx03:protocol*7*', made(7)),
        ('private."ACME_1.0/é: x".0019xx03:*', made(1, 2, 3, 4, 5, 6, 7, 8)),
        ('creators:"ACME_1.0/é: x"', made(1, 2, 3, 4, 5, 6, 7, 8)),
        # Empty, malformed, our own fields.
        ("empty:ReferringPhysicianName batch:MADE", made(1, 2, 3, 4, 5, 6, 7, 8)),
        ("empty:nested.MeasurementUnitsCodeSequence", made(1, 2, 3, 4, 5, 6, 7, 8)),
        ("batch:MADE malformed.PatientBirthDate:*", made(8)),
        ("malformed.PatientBirthDate:1990", made(8)),
        ("batch:made file.name:made-?.dcm", made(1, 2, 3, 4, 5, 6, 7, 8)),
        ("batch:MADE file.size:>0 receipt.malformed:>0", made(8)),
        (f"id:{uid(5)}", made(5)),
        ('derived.sop_class:"MR Image Storage" batch:MADE', made(2, 4, 6, 8)),
        ("batch:MADE (ContrastBolusAgent:* OR PatientAge:45) NOT PatientName:doe", made(1, 7)),
    ],
)
def test_a_query_finds_the_images_made_for_it(
    archive: Archive, images: list[Indexed], query: str, expected: set[str]
) -> None:
    assert find(archive, query) == expected


def test_the_archive_has_as_many_images_as_files_were_read(archive: Archive, images: list[Indexed]) -> None:
    state = archive.state()
    assert state.images == len(images) > 60
    assert state.status in ("green", "yellow")
    assert all(UID(image.id).is_valid or image.id.startswith("sha256-") for image in images if "." in image.id)
