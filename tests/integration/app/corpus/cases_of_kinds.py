r"""Queries by the kind of an attribute: codes, UIDs, numbers, dates, times, ages and names."""

import re
from datetime import UTC, date, datetime, timedelta

from tests.corpus_oracle import Question, Seen, begins, dates, has_name, numbers, times, uid_name, years


def value(keyword: str, *wanted: str) -> Question:
    return lambda image: any(one in wanted for one in image.top(keyword))


def number(keyword: str, low: float, high: float = float("inf")) -> Question:
    """A number from low to high, both included."""
    return lambda image: any(low <= one <= high for one in numbers(image.top(keyword)))


def day(keyword: str, low: str, high: str = "99991231") -> Question:
    """A date from low to high, both included."""
    return lambda image: any(low <= one <= high for one in dates(image.top(keyword)))


def time(keyword: str, low: str, high: str = "240000") -> Question:
    return lambda image: any(low <= one <= high for one in times(image.top(keyword)))


def age(low: float, high: float = 1_000) -> Question:
    """An age from low on, below high, in years."""
    return lambda image: any(low <= one < high for one in years(image.top("PatientAge")))


def name(*wanted: str, keyword: str = "PatientName") -> Question:
    return lambda image: has_name(image.top(keyword), *wanted)


def ago(days: int) -> str:
    return (datetime.now(UTC).date() - timedelta(days=days)).strftime("%Y%m%d")


def transfer_syntax(image: Seen) -> str:
    return (image.top("TransferSyntaxUID") or [""])[0]


BELOW = float("-inf")
CODES: list[tuple[str, Question]] = [
    ("Modality:CT", value("Modality", "CT")),
    ("modality:ct", value("Modality", "CT")),
    ("MODALITY:=CT", value("Modality", "CT")),
    ("(0008,0060):SEG", value("Modality", "SEG")),
    ("00080060:SEG", value("Modality", "SEG")),
    ("Modality:S*", lambda image: begins(image.top("Modality"), "S")),
    ("Modality:?R", lambda image: any(re.fullmatch(".R", one) for one in image.top("Modality"))),
    ("Modality:/[CM]R|RT.*/", lambda image: any(re.fullmatch("[CM]R|RT.*", one) for one in image.top("Modality"))),
    ("Modality:[CR TO MR}", lambda image: any("CR" <= one < "MR" for one in image.top("Modality"))),
    ("Modality:>RT", lambda image: any(one > "RT" for one in image.top("Modality"))),
    ("ImageType:DERIVED", value("ImageType", "DERIVED")),
    (r"ImageType:ORIGINAL\PRIMARY\EPI", lambda image: {"ORIGINAL", "PRIMARY", "EPI"} <= set(image.top("ImageType"))),
    ("ImageType:(EPI -SE)", lambda image: "EPI" in image.top("ImageType") and "SE" not in image.top("ImageType")),
    ("SOPClassUID:MRImageStorage", value("SOPClassUID", "1.2.840.10008.5.1.4.1.1.4")),
    ('SOPClassUID:"MR Image Storage"', value("SOPClassUID", "1.2.840.10008.5.1.4.1.1.4")),
    (
        "SOPClassUID:1.2.840.10008.5.1.4.1.1.4*",
        lambda image: begins(image.top("SOPClassUID"), "1.2.840.10008.5.1.4.1.1.4"),
    ),
    (
        "TransferSyntaxUID:1.2.840.10008.1.2.4.*",
        lambda image: begins(image.top("TransferSyntaxUID"), "1.2.840.10008.1.2.4."),
    ),
    ("(0002,0010):1.2.840.10008.1.2.5", value("TransferSyntaxUID", "1.2.840.10008.1.2.5")),
    ("TransferSyntaxUID:RLELossless", value("TransferSyntaxUID", "1.2.840.10008.1.2.5")),
    ('derived.transfer_syntax:"RLE Lossless"', lambda image: transfer_syntax(image) == "1.2.840.10008.1.2.5"),
    (
        'derived.sop_class:"Segmentation Storage"',
        lambda image: uid_name(image.top("SOPClassUID")) == "Segmentation Storage",
    ),
    ("derived.sop_class:*ultrasound*", lambda image: "Ultrasound" in uid_name(image.top("SOPClassUID"))),
    ("FrameOfReferenceUID:*", lambda image: bool(image.top("FrameOfReferenceUID"))),
]

NUMBERS: list[tuple[str, Question]] = [
    ("SliceThickness:3", number("SliceThickness", 3, 3)),
    ("SliceThickness:3.0", number("SliceThickness", 3, 3)),
    ("SliceThickness:=1e1", number("SliceThickness", 10, 10)),
    ("SliceThickness:<=1.25", number("SliceThickness", BELOW, 1.25)),
    ("SliceThickness:<1.25", lambda image: any(one < 1.25 for one in numbers(image.top("SliceThickness")))),
    ("00180050:[1 TO 5]", number("SliceThickness", 1, 5)),
    ("SliceThickness:[1 TO 5}", lambda image: any(1 <= one < 5 for one in numbers(image.top("SliceThickness")))),
    ("SliceThickness:{3 TO *]", lambda image: any(one > 3 for one in numbers(image.top("SliceThickness")))),
    ("SliceThickness:(3 OR 2.5)", lambda image: bool({3, 2.5} & set(numbers(image.top("SliceThickness"))))),
    ("SliceLocation:<0", lambda image: any(one < 0 for one in numbers(image.top("SliceLocation")))),
    ("SliceLocation:[-60 TO -10]", number("SliceLocation", -60, -10)),
    ("SliceLocation:-61.2994957", number("SliceLocation", -61.2994957, -61.2994957)),
    ("KVP:[120 TO 140]", number("KVP", 120, 140)),
    (
        "EchoTime:>100 EchoTime:<200",
        lambda image: number("EchoTime", 100.0001)(image) and any(one < 200 for one in numbers(image.top("EchoTime"))),
    ),
    ("Rows:>511", number("Rows", 512)),
    ("Rows:[512 TO 512]", number("Rows", 512, 512)),
    ("Rows:<10.5", number("Rows", BELOW, 10)),
    ("NumberOfFrames:>1", number("NumberOfFrames", 2)),
    ("PixelSpacing:0.7", number("PixelSpacing", 0.7, 0.7)),
    (r"PixelSpacing:0.7031\0.7031", number("PixelSpacing", 0.7031, 0.7031)),
    (
        "ImagedVolumeHeight:0.024949999526143074",
        number("ImagedVolumeHeight", 0.024949999526143074, 0.024949999526143074),
    ),
    (
        "BitsAllocated:16 PixelRepresentation:1",
        lambda image: number("BitsAllocated", 16, 16)(image) and number("PixelRepresentation", 1, 1)(image),
    ),
]

DATES: list[tuple[str, Question]] = [
    ("StudyDate:2004", day("StudyDate", "20040101", "20041231")),
    ("StudyDate:2004-01", day("StudyDate", "20040101", "20040131")),
    ("StudyDate:200401", day("StudyDate", "20040101", "20040131")),
    ("StudyDate:20040119", day("StudyDate", "20040119", "20040119")),
    ("StudyDate:2004-01-19", day("StudyDate", "20040119", "20040119")),
    ("StudyDate:1997.06.09", day("StudyDate", "19970609", "19970609")),  # the file writes it so, too
    ("StudyDate:[2003-05 TO 2004-06]", day("StudyDate", "20030501", "20040630")),
    ("StudyDate:{2003 TO 2006}", day("StudyDate", "20040101", "20051231")),
    ("StudyDate:20030417-20040201", day("StudyDate", "20030417", "20040201")),
    ("StudyDate:20180101-", day("StudyDate", "20180101")),
    ("StudyDate:-19951231", day("StudyDate", "", "19951231")),
    ("StudyDate:>2017", day("StudyDate", "20180101")),
    ("StudyDate:>=2017", day("StudyDate", "20170101")),
    ("StudyDate:<2000", day("StudyDate", "", "19991231")),
    ("StudyDate:<=2001", day("StudyDate", "", "20011231")),
    ("StudyDate:>now-3650d", lambda image: any(one > ago(3_650) for one in dates(image.top("StudyDate")))),
    (
        "StudyDate:[now-20y TO now-10y]",
        lambda image: any(years_ago(20) <= one <= years_ago(10) for one in dates(image.top("StudyDate"))),
    ),
    ("PatientBirthDate:[1950 TO 1979]", day("PatientBirthDate", "19500101", "19791231")),
    ("NOT StudyDate:*", lambda image: not dates(image.top("StudyDate"))),
    ("AcquisitionDateTime:2009-12-29", lambda image: begins(image.top("AcquisitionDateTime"), "20091229")),
    ("AcquisitionDateTime:>2012", lambda image: any(one >= "2013" for one in image.top("AcquisitionDateTime"))),
    ("AcquisitionDateTime:2009-12-29T09:59", lambda image: begins(image.top("AcquisitionDateTime"), "200912290959")),
    ("derived.date:2018-09", day("StudyDate", "20180901", "20180930")),
    ("StudyTime:[0800 TO 1200]", time("StudyTime", "080000", "120059")),
    ("StudyTime:08-12", time("StudyTime", "080000", "125959")),
    ("StudyTime:11:40", time("StudyTime", "114000", "114059")),
    ("StudyTime:114023", time("StudyTime", "114023", "114023")),
    ("StudyTime:>1800", time("StudyTime", "180100")),
    ("StudyTime:<0030", time("StudyTime", "", "002959")),
]

AGES: list[tuple[str, Question]] = [
    ("PatientAge:<18", age(0, 18)),
    ("PatientAge:[40 TO 49]", age(40, 50)),
    ("PatientAge:045Y", age(45, 46)),
    ("PatientAge:45", age(45, 46)),
    ("PatientAge:>60", age(61)),
    ("PatientAge:64", age(64, 65)),
    ("derived.age_years:>=64", age(64)),
    ("PatientAge:*", age(0)),
]

NAMES: list[tuple[str, Question]] = [
    ("PatientName:citizen", name("citizen")),
    ('PatientName:"jan citizen"', name("jan", "citizen")),
    ("PatientName:Citizen^Jan", name("jan", "citizen")),
    ('PatientName:"DOE, PETER"', name("doe", "peter")),
    ("PatientName:(doe -peter)", lambda image: name("doe")(image) and not name("peter")(image)),
    ("PatientName:doe PatientName:archibald", name("doe", "archibald")),
    ("PatientName:*sample*", lambda image: any("sample" in one.lower() for one in image.top("PatientName"))),
    (
        "PatientName:compressed*",
        lambda image: any(one.lower().startswith("compressed") for one in image.top("PatientName")),
    ),
    ("PatientName:lestrad~", name("lestrade")),
    ("PatientName:jerome", name("jerome")),
    ("PatientName:JÉRÔME", name("jerome")),
    ("PatientName:rudiger", name("rudiger")),
    ("PatientName:yamada", name("yamada")),
    ("PatientName:山田", lambda image: any("山田" in one for one in image.top("PatientName"))),
    ('PatientName:"山田 太郎"', lambda image: any("山田^太郎" in one for one in image.top("PatientName"))),
    ("PatientName:やまだ", lambda image: any("やまだ" in one for one in image.top("PatientName"))),
    ("PatientName:ﾔﾏﾀﾞ", lambda image: any("ﾔﾏﾀﾞ" in one for one in image.top("PatientName"))),
    ("PatientName:홍길동", lambda image: any("홍^길동" in one for one in image.top("PatientName"))),
    ("PatientName:王^小東", lambda image: any("王^小東" in one for one in image.top("PatientName"))),
    ("PatientName:קדבורה OR PatientName:שרון", lambda image: any("שרון" in one for one in image.top("PatientName"))),
    ('PatientName:="Doe^Peter"', value("PatientName", "Doe^Peter")),
    ("ReferringPhysicianName:moriarty", name("moriarty", keyword="ReferringPhysicianName")),
    ("OperatorsName:molly", name("molly", keyword="OperatorsName")),
]


def years_ago(count: int) -> str:
    today = datetime.now(UTC).date()
    return date(today.year - count, today.month, min(today.day, 28)).strftime("%Y%m%d")
