"""The whole document: what is known of file and batch joins the flattened header."""

import hashlib
from datetime import UTC, datetime, timedelta, timezone

import orjson

from indexer.document import FileFacts, build_document
from indexer.flatten import Flattened
from mappings.template import index_template
from tests.header_oracle import fields_outside

NOW = datetime(2026, 1, 2, 3, 4, 5, 678_900, tzinfo=timezone(timedelta(hours=1)))
FACTS = FileFacts("/archive/CASE-17/a.dcm", "a.dcm", 39_206, datetime(2020, 1, 1, tzinfo=UTC))


def test_the_document_tells_file_batch_and_time() -> None:
    found = build_document(Flattened("1.2.3", {"Modality": "CT", "header": "{}"}), FACTS, "CASE-17", NOW)
    assert found == {
        "@timestamp": "2026-01-02T02:04:05.678Z",
        "Modality": "CT",
        "header": "{}",
        "batch": "CASE-17",
        "file": {
            "path": "/archive/CASE-17/a.dcm",
            "name": "a.dcm",
            "size": 39_206,
            "mtime": "2020-01-01T00:00:00.000Z",
            "header_sha256": hashlib.sha256(b"{}").hexdigest()[:32],
        },
        "indexed_at": "2026-01-02T02:04:05.678Z",
    }
    assert fields_outside(found, index_template("x")["template"]["mappings"]["properties"]) == []


def test_the_time_of_the_image_goes_before_the_time_of_indexing() -> None:
    found = build_document(Flattened("1.2.3", {"@timestamp": "2004-01-19", "header": "{}"}), FACTS, "CASE-17", NOW)
    assert found["@timestamp"] == "2004-01-19"


def test_a_file_name_that_is_no_utf_8_can_be_written_as_json() -> None:
    odd = b"M\xfcller.dcm".decode("utf-8", "surrogateescape")
    facts = FileFacts(f"/archive/{odd}", odd, 1, NOW)
    found = build_document(Flattened("1.2.3", {"header": "{}"}), facts, odd, NOW)
    assert found["file"]["name"] == "M\N{REPLACEMENT CHARACTER}ller.dcm"
    assert orjson.dumps(found)
