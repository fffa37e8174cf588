"""The formats of exports, whole and broken off."""

import csv
import io
import json
from datetime import datetime, timedelta, timezone

import pytest

from app.archive import Below, Result, SearchRequest
from app.export import ExportRequest, ExportsBusyError, Format, Seats
from app.export.columns import export_columns
from app.export.formats import CsvEncoder, Encoder, JsonEncoder, NdjsonEncoder, PathsEncoder
from app.search.columns import UnusableColumnError
from app.search.levels import Level

IMAGES = [
    Result("1.2", {"PatientName": 'O"Neil, Anne', "file.path": "/a/b c.dcm"}),
    Result("1.3", {"PatientName": "山田^太郎", "SliceLocation": -5.5, "file.path": "/a/new\nline.dcm"}),
    Result("1.4", {"PatientName": "\ud800"}),
]
STUDY = Result("1.9", {"PatientID": "A"}, Below(2, 9, 3, 1, ("CT", "PT"), "2004-01-19", None))
COLUMNS = export_columns(("id", "patientname", "(0020,1041)"), Level.IMAGE)


def whole(encoder: Encoder, *pages: list[Result]) -> bytes:
    total = sum(map(len, pages))
    head = encoder.head(total, approximate=False)
    return head + b"".join(encoder.rows(page) for page in pages) + encoder.tail()


def test_csv_has_the_keywords_and_a_line_for_each_result() -> None:
    text = whole(CsvEncoder(COLUMNS), IMAGES[:2], IMAGES[2:])
    assert text == (
        b'id,PatientName,SliceLocation\r\n1.2,"O""Neil, Anne",\r\n' + "1.3,山田^太郎,-5.5\r\n".encode() + b"1.4,?,\r\n"
    )


def test_csv_begins_with_a_byte_order_mark_only_where_it_is_wanted() -> None:
    assert whole(CsvEncoder(COLUMNS, byte_order_mark=True)).startswith(b"\xef\xbb\xbfid,")


def test_ndjson_has_an_object_for_each_line() -> None:
    lines = whole(NdjsonEncoder(), IMAGES[:1], IMAGES[1:]).split(b"\n")
    assert lines[-1] == b""
    assert json.loads(lines[1]) == {"id": "1.3", "fields": IMAGES[1].fields}
    assert json.loads(lines[2]) == {"id": "1.4", "fields": {"PatientName": "?"}}
    assert len(lines) == 4


@pytest.mark.parametrize("pages", [(), (IMAGES[:2],), (IMAGES[:1], IMAGES[1:2])])
def test_json_is_one_document(pages: tuple[list[Result], ...]) -> None:
    document = json.loads(whole(JsonEncoder(Level.IMAGE), *pages))
    results = [{"id": result.id, "fields": result.fields} for page in pages for result in page]
    assert document == {"total": len(results), "level": "image", "partial": False, "results": results}


def test_rows_of_a_level_tell_what_is_below() -> None:
    below = {
        "found": 2,
        "images": 9,
        "series": 3,
        "studies": 1,
        "modalities": ["CT", "PT"],
        "first_date": "2004-01-19",
        "last_date": None,
    }
    assert json.loads(whole(NdjsonEncoder(), [STUDY])) == {"id": "1.9", "fields": {"PatientID": "A"}, "below": below}
    columns = export_columns(("PatientID", "below.images", "below.modalities"), Level.STUDY)
    assert whole(CsvEncoder(columns), [STUDY]) == b"PatientID,below.images,below.modalities\r\nA,9,CT\\PT\r\n"
    assert "below.last_date" in export_columns((), Level.STUDY).names


def test_paths_end_with_a_line_break_or_with_nul() -> None:
    assert whole(PathsEncoder(), IMAGES) == b"/a/b c.dcm\n/a/new\nline.dcm\n"
    assert whole(PathsEncoder(null=True), IMAGES) == b"/a/b c.dcm\0/a/new\nline.dcm\0"


def test_what_is_broken_off_is_seen_to_be() -> None:
    broken_csv = CsvEncoder(COLUMNS).rows(IMAGES[:2]) + CsvEncoder(COLUMNS).broken('stopped: "x"')
    with pytest.raises(csv.Error, match="unexpected end"):
        list(csv.reader(io.StringIO(broken_csv.decode(), newline=""), strict=True))
    assert broken_csv.endswith(b"\"INCOMPLETE: stopped: 'x'")
    assert json.loads(NdjsonEncoder().broken("stopped")) == {"error": "stopped"}
    encoder = JsonEncoder(Level.IMAGE)
    broken_json = encoder.head(2, approximate=False) + encoder.rows(IMAGES[:1]) + encoder.broken("]}")
    with pytest.raises(json.JSONDecodeError):
        json.loads(broken_json)
    assert PathsEncoder().broken("stopped") == b""


@pytest.mark.parametrize(
    ("names", "level", "message"),
    [
        (("PatientNme",), Level.IMAGE, "Did you mean PatientName"),
        (("PixelData",), Level.IMAGE, "no value that a list could show"),
        (("below.images",), Level.IMAGE, "images do not"),
        (("below.pictures",), Level.STUDY, "below.modalities"),
    ],
)
def test_columns_that_there_are_not_are_refused(names: tuple[str, ...], level: Level, message: str) -> None:
    with pytest.raises(UnusableColumnError, match=message):
        export_columns(names, level)


def test_the_name_of_a_file_tells_what_and_when_but_not_what_was_sought() -> None:
    at = datetime(2026, 3, 4, 5, 6, 7, tzinfo=timezone(timedelta(hours=1)))
    search = SearchRequest(query="PatientName:doe", level=Level.STUDY)
    names = {form: ExportRequest(search, form).file_name(at) for form in Format}
    assert names == {
        Format.CSV: "dicomsearch-studies-20260304-040607Z.csv",
        Format.NDJSON: "dicomsearch-studies-20260304-040607Z.ndjson",
        Format.JSON: "dicomsearch-studies-20260304-040607Z.json",
        Format.PATHS: "dicomsearch-paths-20260304-040607Z.txt",
    }


def test_no_more_exports_run_at_a_time_than_may() -> None:
    seats = Seats(2)
    first, _ = seats.take(), seats.take()
    with pytest.raises(ExportsBusyError, match="2 exports are running"):
        seats.take()
    first.give_back()
    first.give_back()
    seats.take()
    with pytest.raises(ExportsBusyError):
        seats.take()
