"""Exports from a real Elasticsearch: whole, as of one point in time, in constant memory, and broken off."""

import csv
import http.client
import io
import json
import tracemalloc
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
from elasticsearch import Elasticsearch
from elasticsearch.helpers import bulk
from flask.testing import FlaskClient

from app import create_app
from app.archive import Archive, ArchiveUnavailableError, Reading, SearchRequest
from app.export import ExportRequest, Format, open_export
from app.search.levels import Level
from app.services import build_archive
from indexer.settings import Settings
from local.ports import free_port
from mappings.index import ensure_index, write_alias
from tests.archive import Indexed
from tests.fault_proxy import fault_proxy
from tests.processes import processes, wait_for
from tests.random_documents import random_documents

MANY = 20_000


@pytest.fixture(scope="module")
def filled(elasticsearch_url: str, redis_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Settings]:
    """Settings of an archive of many small documents."""
    settings = Settings(
        home=tmp_path_factory.mktemp("home"),
        elasticsearch_url=elasticsearch_url,
        redis_url=redis_url,
        index="test-export",
    )
    with Elasticsearch(elasticsearch_url, request_timeout=60) as client:
        index = ensure_index(client, settings.index)
        bulk(client, (small(number, settings) for number in range(MANY)), refresh=True, chunk_size=2_000)
        yield settings
        client.indices.delete(index=index)
        client.indices.delete_index_template(name=settings.index)


def small(number: int, settings: Settings, batch: str = "MANY") -> dict[str, Any]:
    study = number // 100
    return {
        "_index": write_alias(settings.index),
        "_id": f"1.2.{number}",
        "InstanceNumber": number,
        "PatientName": f"=Doe^{number}",
        "ImageType": ["ORIGINAL", "PRIMARY", "AXIAL"],
        "SliceLocation": -number / 2,
        "derived": {"patient": f"p{study}", "study": f"s{study}", "series": f"se{study}", "date": "2004-01-19"},
        "batch": batch,
        "file": {"path": f"/data/{number}.dcm", "name": f"{number}.dcm", "size": 1},
    }


@pytest.fixture
def client(filled: Settings) -> FlaskClient:
    """A client of the application over many documents."""
    return create_app(filled).test_client()


def address(**parameters: Any) -> str:
    return f"/api/search/export?{urlencode(parameters, doseq=True)}"


def rows_of(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text, newline=""), strict=True))


def test_csv_has_every_result_once_with_the_chosen_columns(client: FlaskClient) -> None:
    answer = client.get(address(q="InstanceNumber:<3500", fields="id,PatientName,(0020,1041),ImageType"))
    assert answer.content_type == "text/csv; charset=utf-8; header=present"
    assert answer.headers["X-Total-Count"] == "3500"
    rows = rows_of(answer.text)
    assert {row["id"] for row in rows} == {f"1.2.{number}" for number in range(3_500)}
    assert len(rows) == 3_500
    assert next(row for row in rows if row["id"] == "1.2.7") == {
        "id": "1.2.7",
        "PatientName": "'=Doe^7",
        "SliceLocation": "-3.5",
        "ImageType": "ORIGINAL\\PRIMARY\\AXIAL",
    }


def test_the_file_has_a_telling_name_and_is_kept_by_no_cache(client: FlaskClient) -> None:
    answer = client.get(address(q="InstanceNumber:1", format="ndjson"))
    assert answer.headers["Content-Disposition"].startswith('attachment; filename="dicomsearch-images-2')
    assert answer.headers["Content-Disposition"].endswith('Z.ndjson"')
    assert answer.headers["Cache-Control"] == "no-store"


def test_json_ndjson_and_paths_have_the_same_results(client: FlaskClient) -> None:
    query = {"q": "InstanceNumber:<1234", "fields": "InstanceNumber,file.path"}
    document = client.get(address(format="json", **query)).json
    lines = [json.loads(line) for line in client.get(address(format="ndjson", **query)).text.splitlines()]
    paths = client.get(address(format="paths", **query)).text
    assert (document["total"], document["level"]) == (1_234, "image")
    assert document["results"] == lines
    assert {line["fields"]["InstanceNumber"] for line in lines} == set(range(1_234))
    assert paths.splitlines() == [line["fields"]["file.path"] for line in lines]
    assert client.get(address(format="paths", null="true", **query)).text == paths.replace("\n", "\0")


def test_the_id_of_a_result_is_told_once(client: FlaskClient) -> None:
    for fields, names in (("", {"PatientName", "InstanceNumber", "batch", "file.path"}), ("id", set())):
        result = json.loads(client.get(address(q="InstanceNumber:5", format="ndjson", fields=fields)).text)
        assert result["id"] == "1.2.5"
        assert set(result["fields"]) == names


def test_paths_are_those_of_images_at_any_level(client: FlaskClient) -> None:
    answer = client.get(address(q="InstanceNumber:<150", format="paths", level="study"))
    assert len(answer.text.splitlines()) == 150


def test_a_sort_order_is_kept(client: FlaskClient) -> None:
    rows = rows_of(client.get(address(q="InstanceNumber:<2500", fields="InstanceNumber", sort="-InstanceNumber")).text)
    assert [int(row["InstanceNumber"]) for row in rows] == list(range(2_499, -1, -1))


def test_filters_narrow_the_export(client: FlaskClient) -> None:
    answer = client.get(address(q="batch:MANY", filter=["InstanceNumber:=5", "InstanceNumber:=7"], fields="id"))
    assert sorted(row["id"] for row in rows_of(answer.text)) == ["1.2.5", "1.2.7"]


def test_nothing_found_is_a_file_without_rows(client: FlaskClient) -> None:
    assert client.get(address(q="zzzz", fields="Modality")).text == "Modality\r\n"
    nothing = {"total": 0, "level": "image", "partial": False, "results": []}
    assert client.get(address(q="zzzz", format="json")).json == nothing
    assert client.get(address(q="zzzz", format="ndjson")).text == ""


def test_real_images_come_as_pydicom_reads_them(web: FlaskClient, images: list[Indexed]) -> None:
    rows = rows_of(
        web.get(address(fields="id,Modality,ImageOrientationPatient,Rows", bom="true")).get_data().decode("utf-8-sig")
    )
    by_id = {row["id"]: row for row in rows}
    assert by_id.keys() == {image.id for image in images}
    oriented = [image for image in images if image.dataset.get("ImageOrientationPatient")]
    assert oriented
    for image in oriented:
        cell = by_id[image.id]["ImageOrientationPatient"]
        assert [float(part) for part in cell.split("\\")] == [float(v) for v in image.dataset.ImageOrientationPatient]


@pytest.mark.parametrize("level", [Level.SERIES, Level.STUDY, Level.PATIENT])
@pytest.mark.parametrize("sort", ["", "SliceThickness", "-AcquisitionDate"])
def test_rows_of_a_level_are_those_that_pages_show(
    settings: Settings, elasticsearch: Elasticsearch, level: Level, sort: str
) -> None:
    documents = [{"_index": write_alias(settings.index), **document} for document in random_documents(7, 400)]
    bulk(elasticsearch, documents, refresh=True)
    archive = build_archive(settings)
    request = SearchRequest("Modality:CT", 1_000, sort=sort, level=level, fields=("Modality", "SliceThickness"))
    with archive.read(request) as reading:
        reading.page_size = 3
        read = [result for page in reading for result in page]
    expected = archive.search(request)
    assert read == expected.results
    assert reading.total == expected.total == len(read)


def test_csv_of_studies_counts_what_is_below(client: FlaskClient) -> None:
    rows = rows_of(client.get(address(q="InstanceNumber:<10050", level="study")).text)
    assert len(rows) == 101
    assert rows[0].keys() >= {"id", "PatientName", "below.images", "below.modalities"}
    last = next(row for row in rows if row["id"] == "s100")
    assert (last["below.found"], last["below.images"], last["below.series"]) == ("50", "100", "1")


def test_an_export_is_of_one_point_in_time(settings: Settings, elasticsearch: Elasticsearch) -> None:
    bulk(elasticsearch, [small(number, settings) for number in range(2_000)], refresh=True)
    with open_export(build_archive(settings), ExportRequest(SearchRequest(fields=("id",)), Format.NDJSON)) as export:
        written = [next(export), next(export)]
        changes: list[dict[str, Any]] = [small(number, settings) for number in range(5_000, 6_000)]
        changes += [
            {"_op_type": "delete", "_index": write_alias(settings.index), "_id": f"1.2.{number}"}
            for number in range(1_500)
        ]
        bulk(elasticsearch, changes, refresh=True)
        written += list(export)
    ids = [json.loads(line)["id"] for line in b"".join(written).splitlines()]
    assert sorted(ids) == sorted(f"1.2.{number}" for number in range(2_000))


def open_contexts(client: Elasticsearch) -> int:
    nodes = client.nodes.stats(metric="indices", index_metric="search").body["nodes"]
    return sum(node["indices"]["search"]["open_contexts"] for node in nodes.values())


def test_the_point_in_time_is_closed_wherever_an_export_ends(filled: Settings, elasticsearch: Elasticsearch) -> None:
    app = create_app(filled.model_copy(update={"exports_at_once": 1}))
    before = open_contexts(elasticsearch)
    for read in (0, 1, 3, MANY):  # before it begins, in the middle, and to the end
        answer = app.test_client().get(address(q="batch:MANY"), buffered=False)
        chunks = iter(answer.response)
        for _ in range(read):
            next(chunks, None)
        answer.close()
        assert open_contexts(elasticsearch) == before, read
    with app.test_client().head(address(q="batch:MANY")) as head:
        assert head.headers["X-Total-Count"] == str(MANY)
    assert app.test_client().get(address(q="batch:MANY", fields="PatientNme")).status_code == 400
    assert open_contexts(elasticsearch) == before


@pytest.mark.parametrize(
    ("parameters", "kind", "detail"),
    [
        ({"q": "PatientNme:x"}, "query-syntax", "Did you mean PatientName"),
        ({"q": "Modality:/a(/"}, "query-refused", "cannot run this query"),
        ({"fields": "PatientNme"}, "fields", "Did you mean PatientName"),
        ({"fields": "below.images"}, "fields", "images do not"),
        ({"sort": "PatientNme"}, "sort", "Did you mean PatientName"),
        ({"sort": "Modality,StudyDate", "level": "study"}, "sort", "one field"),
        ({"filter": "a b"}, "filter", "is no filter"),
        ({"format": "xml"}, "parameters", "format"),
        ({"level": "frame"}, "parameters", "level"),
        ({"size": "5"}, "parameters", "size"),
    ],
)
def test_a_wrong_request_is_a_problem_before_anything_is_sent(
    client: FlaskClient, parameters: dict[str, str], kind: str, detail: str
) -> None:
    answer = client.get(address(**parameters))
    assert (answer.status_code, answer.content_type) == (400, "application/problem+json")
    assert answer.json["type"] == f"urn:dicomsearch:problem:{kind}"
    assert detail in answer.json["detail"]
    assert "Content-Disposition" not in answer.headers


def test_there_are_limits_of_rows_and_of_exports_at_a_time(filled: Settings) -> None:
    app = create_app(filled.model_copy(update={"export_rows": 1_000, "exports_at_once": 1}))
    too_large = app.test_client().get(address(q="InstanceNumber:<1001"))
    assert too_large.status_code == 400
    assert "1,001 results, and an export may have 1,000" in too_large.json["detail"]
    running = app.test_client().get(address(q="InstanceNumber:<1000"), buffered=False)
    busy = app.test_client().get(address(q="InstanceNumber:1"))
    assert (busy.status_code, busy.json["type"]) == (429, "urn:dicomsearch:problem:exports-busy")
    assert int(busy.headers["Retry-After"]) > 0
    running.close()
    assert app.test_client().get(address(q="InstanceNumber:1")).status_code == 200


@pytest.mark.parametrize("form", list(Format))
def test_an_export_that_breaks_off_is_an_error_and_no_whole_file(filled: Settings, form: Format) -> None:
    with fault_proxy(filled.elasticsearch_url) as proxy:
        archive = build_archive(filled.model_copy(update={"elasticsearch_url": proxy.url}))
        written: list[bytes] = []
        with open_export(archive, ExportRequest(SearchRequest(fields=("id",)), form)) as export:
            proxy.searches_left = 1
            with pytest.raises(ArchiveUnavailableError):
                written.extend(export)
    text = b"".join(written).decode()
    assert 0 < export.rows < MANY
    match form:
        case Format.CSV:
            assert f"INCOMPLETE: stopped after {export.rows:,} of 20,000 rows. Elasticsearch does not answer" in text
            with pytest.raises(csv.Error):
                rows_of(text)
        case Format.NDJSON:
            assert "error" in json.loads(text.splitlines()[-1])
        case Format.JSON:
            with pytest.raises(json.JSONDecodeError):
                json.loads(text)
        case Format.PATHS:
            assert len(text.splitlines()) == export.rows


def test_a_point_in_time_that_has_gone_is_told_apart_from_an_index_that_is_not_there(filled: Settings) -> None:
    with build_archive(filled).read(SearchRequest()) as reading:
        next(reading)
        reading.close()
        with pytest.raises(ArchiveUnavailableError, match="let go of the point in time"):
            next(reading)


def test_elasticsearch_away_is_a_problem(settings: Settings) -> None:
    answer = create_app(settings).test_client().get(address())
    assert (answer.status_code, answer.json["type"]) == (503, "urn:dicomsearch:problem:archive-unavailable")


def peak_of(archive: Archive, rows: int, form: Format) -> int:
    """Bytes that Python has allocated at most while exporting."""
    request = ExportRequest(SearchRequest(f"InstanceNumber:<{rows}"), form)
    tracemalloc.start()
    try:
        with open_export(archive, request) as export:
            for _ in export:
                pass
        assert export.rows == rows
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("form", list(Format))
def test_memory_does_not_grow_with_the_number_of_rows(filled: Settings, form: Format) -> None:
    archive = build_archive(filled)
    peak_of(archive, 100, form)  # what is made once and kept
    assert peak_of(archive, MANY, form) < 1.2 * peak_of(archive, 5_000, form)


def test_pages_become_smaller_where_values_are_long(settings: Settings, elasticsearch: Elasticsearch) -> None:
    long = "x" * 7_000
    documents = [small(number, settings) | {"ImageComments": [long] * 20} for number in range(300)]
    bulk(elasticsearch, documents, refresh=True)
    sizes = []
    request = ExportRequest(SearchRequest(fields=("ImageComments",)), Format.NDJSON)
    with open_export(build_archive(settings), request) as export:
        before = 0
        for _ in export:
            sizes.append(export.rows - before)
            before = export.rows
    assert sum(sizes) == 300
    assert max(sizes[2:]) < 40


def test_a_reading_that_was_never_read_can_be_closed(filled: Settings, elasticsearch: Elasticsearch) -> None:
    before = open_contexts(elasticsearch)
    reading: Reading = build_archive(filled).read(SearchRequest())
    assert open_contexts(elasticsearch) == before + 1
    reading.close()
    assert open_contexts(elasticsearch) == before


def test_gunicorn_cuts_the_connection_where_an_export_breaks_off(filled: Settings, tmp_path: Path) -> None:
    port = free_port()
    with fault_proxy(filled.elasticsearch_url) as proxy:
        settings = filled.model_copy(update={"elasticsearch_url": proxy.url})
        with processes(settings, tmp_path / "logs") as running:
            running.start("gunicorn", "--bind", f"127.0.0.1:{port}", "--threads", "2", "app:create_app()")

            def get(path: str) -> bytes:
                connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
                with closing(connection):
                    connection.request("GET", path)
                    with connection.getresponse() as answer:
                        return answer.read()

            def answers() -> bool:
                try:
                    return b"ok" in get("/healthz")
                except OSError:
                    return False

            wait_for(answers)
            many = address(q="batch:MANY", format="ndjson", fields="id")
            assert get(many).count(b"\n") == MANY
            proxy.searches_left = 3
            with pytest.raises(http.client.IncompleteRead) as read:
                get(many)
            lines = read.value.partial.splitlines()
            assert "error" in json.loads(lines[-1])
            assert 0 < len(lines) < MANY
            assert answers()
