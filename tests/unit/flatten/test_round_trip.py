"""Random data sets, written by pydicom: every value comes back whole, whatever its VR, place and character set."""

import io
import string
import struct
import tempfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import (
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
)

from indexer.flatten import flatten
from indexer.reader import read_header
from indexer.settings import Limits
from tests.header_oracle import expected_elements, lenient_pydicom, problems, read_with_pydicom

LIMITS = Limits()
SYNTAXES = [ImplicitVRLittleEndian, ExplicitVRLittleEndian, ExplicitVRBigEndian, DeflatedExplicitVRLittleEndian]
# Characters that a set can hold, beside ASCII.
ALPHABETS = {
    "ISO_IR 100": "äöüßéèñÅø",
    "ISO_IR 101": "łąęśżźćń",
    "ISO_IR 144": "Люксембург",
    "ISO_IR 126": "Διονυσιος",
    "ISO_IR 192": "é山田太郎やまだ홍길동王小东😀𠮷",
    "GB18030": "王小东俓é",
}
PLAIN = string.ascii_letters + string.digits + " .,-_'/"
# Attributes for each VR, so that their values are checked against the dictionary's type.
KEYWORDS: dict[str, list[str]] = {
    "LO": ["StudyDescription", "PatientID"],
    "SH": ["AccessionNumber"],
    "ST": ["InstitutionAddress"],
    "LT": ["ImageComments"],
    "UT": ["TextValue"],
    "UC": ["LongCodeValue"],
    "PN": ["PatientName", "OperatorsName"],
    "CS": ["Modality", "ImageType"],
    "AE": ["StationAETitle"],
    "UI": ["StudyInstanceUID", "RelatedGeneralSOPClassUID"],
    "UR": ["RetrieveURL"],
    "DA": ["StudyDate"],
    "TM": ["StudyTime"],
    "DT": ["AcquisitionDateTime"],
    "AS": ["PatientAge"],
    "DS": ["SliceThickness", "PixelSpacing"],
    "IS": ["InstanceNumber"],
    "US": ["Rows"],
    "SS": ["TagAngleSecondAxis"],
    "UL": ["SimpleFrameList"],
    "SL": ["ReferencePixelX0"],
    "FD": ["AcquisitionDuration"],
    "FL": ["RecommendedDisplayFrameRateInFloat"],
    "UV": ["FileOffsetInContainer"],
    "SV": ["SelectorSVValue"],
    "AT": ["FrameIncrementPointer"],
    "OB": ["EncapsulatedDocument"],
    "OW": ["RedPaletteColorLookupTableData"],
    "SQ": ["AnatomicRegionSequence", "ReferencedStudySequence"],
}
MULTIPLE = {"OperatorsName", "ImageType", "RelatedGeneralSOPClassUID", "PixelSpacing", "SimpleFrameList"}


def texts(alphabet: str, longest: int) -> st.SearchStrategy[str]:
    return st.text(PLAIN + alphabet, max_size=longest)


def numbers(low: int, high: int) -> st.SearchStrategy[int]:
    return st.integers(low, high)


def single(draw: st.DrawFn, vr: str, alphabet: str) -> Any:
    """Draw one value of a VR."""
    match vr:
        case "LO" | "SH" | "UC":
            return draw(texts(alphabet, 16 if vr == "SH" else 60))
        case "ST" | "LT" | "UT":
            return draw(texts(alphabet + "\\\r\n", 200))
        case "PN":
            groups = draw(st.lists(st.lists(texts(alphabet, 8), min_size=1, max_size=3), min_size=1, max_size=3))
            return "=".join("^".join(parts) for parts in groups)
        case "CS" | "AE":
            return draw(st.text(string.ascii_uppercase + string.digits + "_ ", max_size=16))
        case "UI":
            return draw(st.from_regex(r"[12](\.(0|[1-9][0-9]{0,8})){1,5}", fullmatch=True))
        case "UR":
            return draw(st.from_regex(r"https?://[a-z]{1,10}/[a-z0-9?=&]{0,20}", fullmatch=True))
        case "DA":
            return draw(st.dates()).strftime("%Y%m%d").rjust(8, "0")
        case "TM":
            return draw(st.times()).strftime("%H%M%S.%f")
        case "DT":
            moment = draw(st.datetimes())
            return moment.strftime("%Y%m%d%H%M%S.%f").rjust(21, "0") + draw(st.sampled_from(["", "+0100", "-0530"]))
        case "AS":
            return f"{draw(numbers(0, 999)):03d}{draw(st.sampled_from('DWMY'))}"
        case "DS":
            return f"{draw(st.decimals(-99999, 99999, places=4))}"
        case "IS":
            return str(draw(numbers(-(2**31), 2**31 - 1)))
        case "FL":
            return struct.unpack("<f", struct.pack("<f", draw(st.floats(-1e6, 1e6))))[0]
        case "FD":
            return draw(st.floats(allow_nan=False, allow_infinity=False))
        case "AT":
            return draw(st.sampled_from([0x00181063, 0x00180050, 0x60003000]))
        case "OB" | "OW":
            return draw(st.binary(max_size=100).filter(lambda raw: len(raw) % 2 == 0))
        case _:
            low, high = INTEGERS[vr]
            return draw(numbers(low, high))


INTEGERS = {
    "US": (0, 2**16 - 1),
    "SS": (-(2**15), 2**15 - 1),
    "UL": (0, 2**32 - 1),
    "SL": (-(2**31), 2**31 - 1),
    "UV": (0, 2**63 - 1),
    "SV": (-(2**63), 2**63 - 1),
}


@st.composite
def datasets(draw: st.DrawFn, alphabet: str, depth: int = 0) -> Dataset:
    """Draw a data set: attributes of all VRs, private ones, and sequences of more such."""
    made = Dataset()
    for vr in draw(st.sets(st.sampled_from(sorted(KEYWORDS)), max_size=8)):
        for keyword in KEYWORDS[vr]:
            if vr == "SQ":
                items = draw(st.lists(datasets(alphabet, depth + 1), max_size=2)) if depth < 3 else []
                setattr(made, keyword, items)
            elif keyword in MULTIPLE:
                setattr(made, keyword, [single(draw, vr, alphabet) for _ in range(draw(numbers(1, 4)))])
            else:
                setattr(made, keyword, single(draw, vr, alphabet))
    if draw(st.booleans()):
        block = made.private_block(0x0019, draw(st.sampled_from(["ACME 1.0", "a.b:c"])), create=True)
        for number, vr in enumerate(draw(st.lists(st.sampled_from(["LO", "DS", "US", "FD", "OB", "UN"]), max_size=4))):
            value = b"some text " if vr == "UN" else single(draw, vr, alphabet)
            block.add_new(number, vr, value)
    return made


@pytest.mark.parametrize("syntax", SYNTAXES, ids=lambda syntax: syntax.name)
@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_random_data_sets_come_back_whole(syntax: str, data: st.DataObject) -> None:
    charset = data.draw(st.sampled_from(sorted(ALPHABETS)))
    with lenient_pydicom():
        made = data.draw(datasets(ALPHABETS[charset]))
        made.SpecificCharacterSet = charset
        made.SOPClassUID, made.SOPInstanceUID = "1.2.840.10008.5.1.4.1.1.2", "1.2.3"
        made.file_meta = FileMetaDataset()
        made.file_meta.TransferSyntaxUID = syntax
        written = io.BytesIO()
        made.save_as(written, enforce_file_format=True)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "image.dcm"
        path.write_bytes(written.getvalue())
        header = read_header(path, LIMITS)
        expected = expected_elements(read_with_pydicom(path))
    document = flatten(header, LIMITS).fields
    assert header.forgiven == ()
    assert document["receipt"]["elements"] == len(expected)
    assert document["receipt"]["malformed"] == 0
    assert document["receipt"]["truncated"] == 0
    assert [f"{one.path}: {problem}" for one in expected for problem in problems(document, one)] == []
