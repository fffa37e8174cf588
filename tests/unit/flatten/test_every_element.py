"""Every element of every file that pydicom brings: pydicom reads, and says what must stand in the document."""

import re
from pathlib import Path

import orjson
import pydicom
import pytest

from indexer.flatten import flatten
from indexer.reader import Header, read_header
from indexer.settings import Limits
from mappings.template import index_template
from tests.header_oracle import Expected, expected_elements, fields_outside, problems, read_with_pydicom

DATA = Path(pydicom.__file__).parent / "data"
NO_HEADER = {"DICOMDIR-empty", "no_meta", "rtplan_truncated"}
FILES = sorted(path for path in DATA.rglob("*.dcm") if path.stem not in NO_HEADER)
LIMITS = Limits()
PROPERTIES = index_template("test")["template"]["mappings"]["properties"]


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_every_element_is_in_its_field_and_the_receipt_adds_up(path: Path) -> None:
    header = read_header(path, LIMITS)
    document = flatten(header, LIMITS).fields
    receipt = document["receipt"]
    expected: list[Expected] = expected_elements(read_with_pydicom(path))
    behind = sum(tag >= "7FE00008" for tag in header.elements)
    assert receipt["elements"] == len(expected) + behind
    assert receipt["structural"] == sum(one.kind == "structural" for one in expected)
    assert receipt["empty"] >= sum(one.kind == "empty" for one in expected)
    cut = {re.sub(r"\[\d+\]", "", one["path"]) for one in receipt.get("cuts", ())}
    missing = [
        f"{one.path}: {problem}" for one in expected if one.path not in cut for problem in problems(document, one)
    ]
    assert missing == []


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_a_document_has_no_field_that_the_mapping_lacks(path: Path) -> None:
    assert fields_outside(flatten(read_header(path, LIMITS), LIMITS).fields, PROPERTIES) == []


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_a_document_built_from_the_stored_header_is_the_very_same(path: Path) -> None:
    built = flatten(read_header(path, LIMITS), LIMITS)
    stored = orjson.loads(orjson.dumps(built.fields))
    again = flatten(Header.stored(orjson.loads(stored["header"]), stored["receipt"], built.id), LIMITS)
    assert again == built
    assert list(again.fields) == list(built.fields)
