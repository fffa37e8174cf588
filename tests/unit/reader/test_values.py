"""Values of each VR in the DICOM JSON Model: as they were written, with nothing that JSON or pydicom could not take."""

import json
import struct
from pathlib import Path
from typing import Any

import pydicom
import pytest
from pydicom.dataset import Dataset
from pydicom.valuerep import PersonName

from indexer.reader import read_header
from indexer.settings import Limits
from tests.dicom_bytes import UID, explicit, meta, text, write
from tests.header_oracle import lenient_pydicom, read_with_pydicom

LIMITS = Limits()
DATA = Path(pydicom.__file__).parent / "data"


def entry(folder: Path, tag: int, vr: str, raw: bytes) -> dict[str, Any]:
    return read_header(write(folder, meta() + UID + explicit(tag, vr, raw)), LIMITS).elements[f"{tag:08X}"]


@pytest.mark.parametrize(
    ("tag", "vr", "raw", "expected"),
    [
        pytest.param(0x00180050, "DS", b"5.000000", {"vr": "DS", "Value": ["5.000000"]}, id="DS as written"),
        pytest.param(0x00280030, "DS", b"0.5\\0.50 ", {"vr": "DS", "Value": ["0.5", "0.50"]}, id="DS, two"),
        pytest.param(
            0x00180050, "DS", b"abc ", {"vr": "LO", "Value": ["abc"], "written_vr": "DS"}, id="DS that is none"
        ),
        pytest.param(0x00200013, "IS", b"007 ", {"vr": "IS", "Value": ["007"]}, id="IS as written"),
        pytest.param(
            0x00200013, "IS", b"1.0 ", {"vr": "LO", "Value": ["1.0"], "written_vr": "IS"}, id="IS with a fraction"
        ),
        pytest.param(0x00080008, "CS", b"A\\\\B\\", {"vr": "CS", "Value": ["A", None, "B", None]}, id="empty values"),
        pytest.param(0x00080008, "CS", b"\\ ", {"vr": "CS"}, id="nothing but empty values"),
        pytest.param(0x00081030, "LO", b"    ", {"vr": "LO"}, id="nothing but padding"),
        pytest.param(0x00081030, "LO", b" a ", {"vr": "LO", "Value": [" a"]}, id="leading space is kept"),
        pytest.param(0x00081030, "LO", b"a\0b\0", {"vr": "LO", "Value": ["a b"]}, id="NUL inside"),
        pytest.param(0x00204000, "LT", b"a\\b ", {"vr": "LT", "Value": ["a\\b"]}, id="LT has one value"),
        pytest.param(0x00100010, "PN", b"", {"vr": "PN"}, id="PN without a value"),
        pytest.param(
            0x00100010,
            "PN",
            b"Doe^John\\=a=b^c",
            {"vr": "PN", "Value": [{"Alphabetic": "Doe^John"}, {"Ideographic": "a", "Phonetic": "b^c"}]},
            id="PN in three groups",
        ),
        pytest.param(0x00280010, "US", b"\x10\x00", {"vr": "US", "Value": [16]}, id="US"),
        pytest.param(0x00280106, "SS", b"\xfe\xff", {"vr": "SS", "Value": [-2]}, id="SS"),
        pytest.param(
            0x00280010,
            "US",
            b"\x10\x00\x01",
            {"vr": "UN", "InlineBinary": "EAAB", "written_vr": "US"},
            id="US of three bytes",
        ),
        pytest.param(0x00189087, "FD", struct.pack("<d", 0.1), {"vr": "FD", "Value": [0.1]}, id="FD"),
        pytest.param(
            0x00189087,
            "FD",
            struct.pack("<3d", float("nan"), float("inf"), float("-inf")),
            {"vr": "FD", "Value": ["NaN", "Infinity", "-Infinity"]},
            id="numbers that JSON has not",
        ),
        pytest.param(0x00089459, "FL", struct.pack("<f", 0.1), {"vr": "FL", "Value": [0.10000000149011612]}, id="FL"),
        pytest.param(0x00280009, "AT", b"\x18\x00\x63\x10", {"vr": "AT", "Value": ["00181063"]}, id="AT"),
        pytest.param(
            0x00280009,
            "AT",
            b"\x18\x00",
            {"vr": "UN", "InlineBinary": "GAA=", "written_vr": "AT"},
            id="AT of two bytes",
        ),
        pytest.param(0x00091001, "OB", b"\0\1", {"vr": "OB", "InlineBinary": "AAE="}, id="small binary"),
        pytest.param(0x00281201, "OW", bytes(66), {"vr": "OW", "BulkDataURI": "?length=66"}, id="larger binary"),
        pytest.param(0x00091001, "UN", b"912 ", {"vr": "UN", "InlineBinary": "OTEyIA=="}, id="UN that is text"),
        pytest.param(0x00091001, "UN", bytes(200), {"vr": "UN", "BulkDataURI": "?length=200"}, id="UN that is none"),
        pytest.param(0x00180050, "UN", b"5.0 ", {"vr": "DS", "Value": ["5.0"]}, id="UN of a known attribute"),
    ],
)
def test_a_value_is_kept_as_it_was_written(
    tmp_path: Path, tag: int, vr: str, raw: bytes, expected: dict[str, Any]
) -> None:
    found = entry(tmp_path, tag, vr, raw)
    assert found == expected
    assert json.loads(json.dumps(found, allow_nan=False)) == expected


def differences(expected: Dataset, found: Dataset, path: str = "") -> list[str]:
    """Compare data sets by pydicom's values; the padding inside of multiple values does not count."""
    problems = []
    for tag in expected.keys():  # noqa: SIM118 - a data set yields elements
        here = f"{path}/{tag}"
        if tag not in found:
            problems.append(f"{here} is missing")
            continue
        ours, theirs = found[tag], expected[tag]
        if theirs.VR == "SQ" and ours.VR == "SQ":
            if len(ours.value) != len(theirs.value):
                problems.append(f"{here} has {len(ours.value)} items")
            for item, other in zip(theirs.value, ours.value, strict=False):
                problems += differences(item, other, here)
        elif not is_same(theirs, ours):
            problems.append(f"{here}: {theirs.value!r} became {ours.value!r}")
    return problems


def is_same(expected: Any, found: Any) -> bool:
    """Compare elements: what the header does not keep (bulk, long values) and does better than pydicom is left out."""
    one, other = expected.value, found.value
    if one == other or other == b"bulk" or len(str(one)) > 8_000:
        return True
    if expected.VR == "UN" and found.VR in {"SQ", "UL"}:
        return True  # a sequence stored as UN, a group length of a private group
    if isinstance(one, PersonName | str):
        return str(one).replace("\0", " ").strip() == str(other).strip()
    return [str(part).strip() for part in one] == [str(part).strip() for part in other]


NO_HEADER = {"DICOMDIR-empty", "no_meta", "rtplan_truncated"}


@pytest.mark.parametrize(
    "path", sorted(path for path in DATA.rglob("*.dcm") if path.stem not in NO_HEADER), ids=lambda path: path.stem
)
def test_the_header_of_every_file_of_pydicom_comes_back_from_json_as_pydicom_reads_the_file(path: Path) -> None:
    header = read_header(path, LIMITS)
    with lenient_pydicom():
        found = Dataset.from_json(json.dumps(header.elements), lambda _tag, _vr, _uri: b"bulk")
        assert differences(read_with_pydicom(path), found) == []


def test_a_header_is_never_a_reason_to_evaluate_or_to_fetch(tmp_path: Path) -> None:
    hostile = "${jndi:ldap://x}<script>alert(1)</script>'; DROP TABLE--\x1b[2J"
    found = entry(tmp_path, 0x00081030, "LO", text(hostile))
    assert found["Value"][0].startswith("${jndi:ldap://x}<script>")
