"""The other routes of the API: batches, images, health, the OpenAPI document; and errors, whatever is away."""

import re
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from pydicom.dataset import Dataset
from redis import Redis

from app import create_app
from indexer.flatten import flatten
from indexer.reader import read_header
from indexer.settings import Settings
from indexer.status import ErrorCode, ImageStatus, Ledger, Outcome
from indexer.status.ledger import FoundFile
from local.ports import free_port
from tests.archive import BATCH_OF_PYDICOM, Indexed
from tests.made_images import HOSTILE, uid

NO_UTF_8 = "scan-\udcff.dcm"


def fill(redis: Redis, batch: str, files: int, errors: int = 0, *, finished: bool = True) -> None:
    """Put a batch into the status, as watcher and workers do."""
    ledger = Ledger(redis)
    ledger.add(batch, batch, f"/data/{batch}", "watcher", "1")
    found = [FoundFile(f"image-{number:04d}.dcm", 1_000 + number, "1700000000.5") for number in range(files)]
    found.append(FoundFile(NO_UTF_8, 5, "1700000000.5"))
    ledger.register(batch, found)
    ledger.registered(batch)
    if not finished:
        return
    ledger.begin(batch, [file.path for file in found])
    reason = "the file ends inside an element"
    outcomes = [
        Outcome(file, ImageStatus.ERROR, code=ErrorCode.TRUNCATED, reason=reason)
        if number < errors
        else Outcome(file, ImageStatus.DONE, uid=f"1.2.{number}")
        for number, file in enumerate(found)
    ]
    ledger.settle(batch, outcomes)
    ledger.finish(batch)


def test_a_batch_has_the_promised_shape(web: FlaskClient, redis_client: Redis) -> None:
    fill(redis_client, "CASE-17", files=3, errors=2)
    batch = web.get("/api/batches/CASE-17").json
    for date in ("add_date", "modify_date", "finished_at"):
        assert batch.pop(date).endswith("Z")
    reason = "the file ends inside an element"
    assert batch == {
        "id": "CASE-17",
        "name": "CASE-17",
        "status": "DONE",
        "has_error": True,
        "errors": [{"path": f"image-000{n}.dcm", "code": "truncated", "reason": reason} for n in (0, 1)],
        "counts": {
            "total": 4,
            "new": 0,
            "processing": 0,
            "done": 2,
            "error": 2,
            "ignored": 0,
            "duplicates": 0,
        },
        "tags": [],
        "note": "",
        "source": "watcher",
        "rate": 0.0,
        "seconds_left": None,
        "cancelled": False,
        "deleting": False,
        "cleaned": "",
        "shrunk": False,
    }


def test_batches_are_listed_in_pages_with_links(web: FlaskClient, redis_client: Redis) -> None:
    for number in range(5):
        fill(redis_client, f"B{number}", files=1, finished=number > 0)
    seen: list[str] = []
    address: str | None = "/api/batches?size=2"
    while address:
        page: Any = web.get(address).json
        assert page["count"] == 5
        assert all("errors" not in batch for batch in page["results"])
        seen += [batch["id"] for batch in page["results"]]
        address = page["next"]
    assert sorted(seen) == [f"B{number}" for number in range(5)]
    assert web.get(page["previous"]).json["results"][0]["id"] == seen[2]


def test_files_of_a_batch_are_listed_by_path_and_status(web: FlaskClient, redis_client: Redis) -> None:
    fill(redis_client, "CASE-17", files=3, errors=2)
    page = web.get("/api/batches/CASE-17/images?size=1").json
    assert page["count"] == 4
    assert page["results"] == [
        {"path": "image-0000.dcm", "status": "ERROR", "uid": None, "size": 1_000, "mtime": "2023-11-14T22:13:20.500Z"}
    ]
    done = web.get("/api/batches/CASE-17/images?status=DONE&size=1").json
    assert done["count"] == 2
    assert "status=DONE" in done["next"]
    last = web.get(done["next"]).json["results"][0]
    assert last["path"] == NO_UTF_8
    assert web.get("/api/batches/CASE-17/images?status=LOST").status_code == 400


@pytest.mark.parametrize(
    "address", ["/api/batches/none", "/api/batches/none/images", "/api/batches/none/unusual", "/api/batches/a%2Fb"]
)
def test_an_unknown_batch_is_not_found(web: FlaskClient, address: str) -> None:
    answer = web.get(address)
    assert (answer.status_code, answer.content_type) == (404, "application/problem+json")


def test_an_image_has_its_attributes_and_what_is_known_of_its_file(web: FlaskClient) -> None:
    image = web.get(f"/api/images/{uid(6)}").json
    assert image["id"] == uid(6)
    assert image["batch"] == "MADE"
    assert image["file"]["name"] == "made-6.dcm"
    assert image["derived"]["transfer_syntax"] == "Explicit VR Little Endian"
    assert image["receipt"]["elements"] > 20
    assert image["fields"]["PatientName"] == HOSTILE
    assert image["fields"]["nested"]["CodeValue"] == "V6"
    assert not {"header", "text", "folded"} & image["fields"].keys()


@pytest.mark.filterwarnings("ignore::UserWarning:pydicom")
def test_a_header_is_dicom_json_that_pydicom_reads_back(web: FlaskClient, images: list[Indexed]) -> None:
    answer = web.get(f"/api/images/{uid(4)}/header")
    assert answer.content_type == "application/dicom+json"
    header = Dataset.from_json(answer.json, bulk_data_uri_handler=lambda *_: b"")
    original = next(image.dataset for image in images if image.id == uid(4))
    assert header.PatientName == original.PatientName
    assert header.RequestAttributesSequence[0].ScheduledProcedureStepID == "A-4"
    assert header.PixelSpacing == original.PixelSpacing
    assert {element.tag for element in original} <= {element.tag for element in header}


@pytest.mark.parametrize(
    "image", ["1.2.3.4", "sha256-00", "%22%3E%3Cscript%3E", "*", "a%00b", "x" * 600, "%F0%9F%A9%BB", "_all", "..%2F.."]
)
def test_an_unknown_image_is_not_found_whatever_its_id(web: FlaskClient, image: str) -> None:
    for address in (f"/api/images/{image}", f"/api/images/{image}/header"):
        answer = web.get(address)
        assert (answer.status_code, answer.content_type) == (404, "application/problem+json")


def test_an_unknown_route_is_a_problem(web: FlaskClient) -> None:
    answer = web.get("/api/nothing")
    assert answer.status_code == 404
    assert answer.json["type"] == "about:blank"


def test_something_unexpected_is_a_problem_without_a_stack_trace(
    application: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise RuntimeError("Doe^John")

    monkeypatch.setattr("app.archive.Archive.search", fail)
    answer = application.test_client().get("/api/search")
    assert answer.status_code == 500
    assert answer.json["title"] == "Internal error"
    assert "Doe" not in answer.text
    page = application.test_client().get("/search")
    assert page.status_code == 500
    assert "Doe" not in page.text


def test_health_and_readiness(web: FlaskClient) -> None:
    assert web.get("/healthz").json == {"status": "ok"}
    answer = web.get("/readyz")
    assert (answer.status_code, answer.json) == (
        200,
        {"status": "ok", "checks": {"elasticsearch": "ok", "redis": "ok"}},
    )


def test_the_openapi_document_describes_every_route(application: Flask, web: FlaskClient) -> None:
    document = web.get("/api/openapi.json").json
    assert document["openapi"].startswith("3.1")
    routes = {re.sub(r"<(?:\w+:)?(\w+)>", r"{\1}", str(rule)) for rule in application.url_map.iter_rules()}
    documents = {"/api/openapi.json"}
    assert set(document["paths"]) == {r for r in routes if r.startswith("/api/") and "docs" not in r} - documents
    assert len(document["paths"]) >= 7
    for path in document["paths"].values():
        for status, response in ((s, r) for method in path.values() for s, r in method["responses"].items()):
            if int(status) >= 400:
                assert list(response["content"]) == ["application/problem+json"]
            for content in response.get("content", {}).values():
                reference = content["schema"].get("$ref", "")
                assert not reference or reference.rpartition("/")[2] in document["components"]["schemas"]


@pytest.fixture
def away(settings: Settings) -> dict[str, FlaskClient]:
    """Applications whose Elasticsearch, or Redis, or index is not there."""
    nowhere = free_port()
    return {
        "elasticsearch": create_app(
            settings.model_copy(update={"elasticsearch_url": f"http://127.0.0.1:{nowhere}"})
        ).test_client(),
        "redis": create_app(settings.model_copy(update={"redis_url": f"redis://127.0.0.1:{nowhere}/0"})).test_client(),
        "index": create_app(settings).test_client(),
    }


@pytest.mark.parametrize(
    ("service", "address", "kind", "detail"),
    [
        ("elasticsearch", "/api/search", "archive-unavailable", "Elasticsearch does not answer"),
        ("elasticsearch", "/api/search?q=private.X.0019xx02:a*b", "archive-unavailable", "Elasticsearch"),
        ("elasticsearch", "/api/images/1.2", "archive-unavailable", "DICOMSEARCH_ELASTICSEARCH_URL"),
        ("index", "/api/search", "archive-unavailable", "does not exist yet"),
        ("redis", "/api/batches", "status-unavailable", "Redis does not answer"),
        ("redis", "/api/batches/a", "status-unavailable", "DICOMSEARCH_REDIS_URL"),
        ("redis", "/api/batches/a/images", "status-unavailable", "Redis does not answer"),
    ],
)
def test_a_service_that_is_away_is_said_to_be(
    away: dict[str, FlaskClient], service: str, address: str, kind: str, detail: str
) -> None:
    answer = away[service].get(address)
    assert (answer.status_code, answer.content_type) == (503, "application/problem+json")
    assert answer.json["type"] == f"urn:dicomsearch:problem:{kind}"
    assert detail in answer.json["detail"]
    assert int(answer.headers["Retry-After"]) > 0


def test_pages_say_what_is_away(away: dict[str, FlaskClient]) -> None:
    without_redis = away["redis"].get("/")
    assert without_redis.status_code == 200
    assert "Redis does not answer" in without_redis.text
    without_elasticsearch = away["elasticsearch"].get("/")
    assert without_elasticsearch.status_code == 200
    assert "Elasticsearch does not answer" in without_elasticsearch.text
    assert "No batch yet" in without_elasticsearch.text
    search = away["elasticsearch"].get("/search?q=x")
    assert search.status_code == 503
    assert "Elasticsearch does not answer" in search.text
    assert "does not exist yet" in away["index"].get("/search").text


@pytest.mark.parametrize("service", ["elasticsearch", "redis"])
def test_readiness_names_what_is_away_while_the_process_is_healthy(away: dict[str, FlaskClient], service: str) -> None:
    answer = away[service].get("/readyz")
    assert answer.status_code == 503
    assert answer.json["checks"][service] != "ok"
    assert away[service].get("/healthz").status_code == 200


def test_the_receipt_of_a_batch_is_the_sum_of_its_images_receipts(
    web: FlaskClient, redis_client: Redis, images: list[Indexed], archive_settings: Settings
) -> None:
    name = BATCH_OF_PYDICOM
    fill(redis_client, name, files=1)
    limits = archive_settings.limits
    paths = [image.path for image in images if image.batch == name]
    receipts = [flatten(read_header(path, limits), limits).fields["receipt"] for path in paths]
    answer = web.get(f"/api/batches/{name}/receipt").json
    assert answer["images"] == len(receipts)
    assert answer["elements"] == sum(receipt["elements"] for receipt in receipts) > 100
    columns = ("indexed", "empty", "binary", "malformed", "truncated", "structural")
    assert [answer[column] for column in columns] == [sum(r[column] for r in receipts) for column in columns]
    assert sum(answer[column] for column in columns) == answer["elements"]
    assert web.get("/api/batches/none/receipt").status_code == 404
    shown = web.get(f"/batches/{name}").text
    assert f"{answer['elements']:,} elements" in shown
    assert "receipt.indexed:%3E0" in shown


def test_an_index_older_than_the_code_is_told_where_people_look(
    web: FlaskClient, archive_settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert "warnings" not in web.get("/readyz").json
    # The code of another version has another mapping.
    monkeypatch.setattr("mappings.index.template_hash", lambda: "another")
    ready = web.get("/readyz")
    assert (ready.status_code, ready.json["status"]) == (200, "ok")
    assert "dicomsearch migrate" in ready.json["warnings"][0]
    assert "Old index" in web.get("/").text
