"""`dicomsearch explain`: the document and the places of its elements, and nothing that could steer a terminal."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner
from pydicom.data import get_testdata_file

from indexer.cli.explain import explain, printable
from tests.dicom_bytes import ROWS, UID, explicit, item, meta, write


def run(*arguments: str) -> tuple[int, str]:
    result = CliRunner().invoke(explain, arguments)
    return result.exit_code, result.output


def test_the_table_tells_of_each_element_where_it_went() -> None:
    code, output = run(str(get_testdata_file("rtplan.dcm", download=False)))
    assert code == 0
    lines = [" ".join(line.split()) for line in output.splitlines()]
    assert "StudyDate (0008,0020) DA 20030716 indexed StudyDate" in lines
    assert "AccessionNumber (0008,0050) SH empty empty" in lines
    assert "#1 SetupTechniqueDescription (300A,01B2) ST empty empty" in lines
    assert "1.2.777.777.77.7.7777.7777.20030903150023: 132 elements: 111 indexed, 7 empty, 1 binary, " in " ".join(
        lines
    )


def test_json_has_the_document_and_the_elements() -> None:
    code, output = run("--json", str(get_testdata_file("CT_small.dcm", download=False)))
    assert code == 0
    found = json.loads(output)
    assert found["document"]["PatientName"] == "CompressedSamples^CT1"
    assert found["document"]["file"]["name"] == "CT_small.dcm"
    assert len(found["elements"]) == found["document"]["receipt"]["elements"]
    (element,) = [one for one in found["elements"] if one["path"] == "SliceThickness"]
    assert element == {
        "path": "SliceThickness",
        "tag": "00180050",
        "vr": "DS",
        "value": "5.000000",
        "outcome": "indexed",
        "fields": ["SliceThickness", "text"],
        "why": "",
    }


def test_what_is_malformed_cut_or_binary_is_told_with_the_reason(tmp_path: Path) -> None:
    data_set = (
        UID
        + explicit(0x00080020, "DA", b"20041345")
        + explicit(0x00081115, "SQ", item(ROWS))
        + explicit(0x00204000, "LT", b"word " * 2_000)
        + explicit(0x00281201, "OW", bytes(500))
    )
    code, output = run(str(write(tmp_path, meta() + data_set + b"\0" * 16)))
    assert code == 0
    lines = [" ".join(line.split()) for line in output.splitlines()]
    assert "StudyDate (0008,0020) DA 20041345 malformed malformed.StudyDate (does not fit date)" in lines
    assert any("truncated ImageComments (8000 characters of a longer value)" in line for line in lines)
    assert "RedPaletteColorLookupTableData (0028,1201) OW bytes: 500 binary" in lines
    assert "#1 Rows (0028,0010) US 16 indexed nested.Rows path.ReferencedSeriesSequence.Rows" in lines
    assert "forgiven: bytes after the last element" in lines


def test_a_header_cannot_steer_the_terminal(tmp_path: Path) -> None:
    hostile = explicit(0x00081030, "LO", b"\x1b[2J\x07[red]owned[/red]")
    creator = explicit(0x00190010, "LO", b"\x1b]0;x\x07") + explicit(0x00191001, "LO", b"v ")
    path = str(write(tmp_path, meta() + UID + hostile + creator))
    for arguments in ([path], ["--json", path]):
        _, output = run(*arguments)
        assert "\x1b" not in output
        assert "\x07" not in output
    assert "[red]owned[/red]" in run(path)[1], "shown, not followed"


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"just text", "gives no document: not_dicom, not a DICOM file"),
        (b"", "gives no document: empty, the file is empty"),
        (meta() + UID[:-2], "gives no document: truncated, the file ends inside an element"),
    ],
)
def test_a_file_without_a_header_is_one_clear_line_and_exit_code_2(
    tmp_path: Path, content: bytes, message: str
) -> None:
    code, output = run(str(write(tmp_path, content)))
    assert code == 2
    assert output.strip().endswith(message)
    assert len(output.strip().splitlines()) == 1


def test_a_dicomdir_would_be_ignored() -> None:
    code, output = run(str(get_testdata_file("DICOMDIR", download=False)))
    assert code == 2
    assert "would be ignored" in output


def test_what_is_long_is_cut_for_the_eye() -> None:
    assert printable("a" * 50, 40) == "a" * 39 + "…"
    assert printable("a\nb\x00") == "a·b·"
