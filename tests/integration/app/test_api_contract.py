"""The API keeps what its OpenAPI document says: asked by schemathesis with all that the document allows and forbids.

A few requests for each operation, always the same ones. DICOMSEARCH_CONTRACT_EXAMPLES=100 asks many more.
"""

import itertools
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest
from flask import Flask
from flask.testing import FlaskClient
from redis import Redis

from app import create_app
from indexer.settings import Settings
from tests.archive import archive_of
from tests.integration.app.test_api import fill
from tests.serving import served

CONFIGURATION = Path(__file__).with_name("api_contract.toml")
EXAMPLES = os.environ.get("DICOMSEARCH_CONTRACT_EXAMPLES", "5")
METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")
# Nothing that people read.
WITHOUT_EXAMPLE = ("image/png", "application/dicom", "application/gzip")


def fill_all(application: Flask, redis: Redis) -> Flask:
    """Give an application some batches and saved searches."""
    fill(redis, "CASE-17", files=30, errors=2)
    fill(redis, "MADE", files=3)
    fill(redis, "PYDICOM", files=3, finished=False)
    for number in range(3):
        body = {"name": f"Search {number}", "q": f"InstanceNumber:{number}"}
        assert application.test_client().post("/api/saved-searches", json=body).status_code == 201
    return application


@pytest.fixture
def filled(application: Flask, redis_client: Redis) -> Flask:
    """The application, with some batches and saved searches."""
    return fill_all(application, redis_client)


@pytest.fixture
def throw_away(settings: Settings, redis_client: Redis, tmp_path: Path) -> Iterator[Flask]:
    """An application with an archive of its own, which may be changed and spoilt."""
    folder = tmp_path / "made"
    folder.mkdir()
    with archive_of(settings, folder):
        application = create_app(settings)
        application.testing = False
        yield fill_all(application, redis_client)


@pytest.fixture
def document(web: FlaskClient) -> dict[str, Any]:
    """The OpenAPI document."""
    return web.get("/api/openapi.json").json


def test_every_answer_is_as_the_document_says(throw_away: Flask, tmp_path: Path) -> None:
    schemathesis = [sys.executable, "-m", "schemathesis.cli", "--config-file", str(CONFIGURATION)]
    with served(throw_away) as address:
        run = [*schemathesis, "run", f"{address}/api/openapi.json"]
        options = ["--max-examples", EXAMPLES, "--generation-deterministic", "--no-color"]
        ran = subprocess.run([*run, *options], cwd=tmp_path, capture_output=True, text=True, timeout=1_800)
    assert ran.returncode == 0, ran.stdout + ran.stderr


def operations(document: dict[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            yield path, method, operation


def problems_of(document: dict[str, Any], schema: dict[str, Any], example: Any) -> list[str]:
    """What an example has that its schema does not allow."""
    validator = jsonschema_rs.validator_for({"components": document["components"], "allOf": [schema]})
    return [str(error) for error in validator.iter_errors(example)]


def test_every_parameter_and_every_answer_has_an_example_that_fits(document: dict[str, Any]) -> None:
    schemas = document["components"]["schemas"]
    wrong: dict[str, list[str]] = {}
    for path, method, operation in operations(document):
        parts = {f"parameter {one['name']}": one for one in operation.get("parameters", [])}
        parts |= {f"body {kind}": one for kind, one in operation.get("requestBody", {}).get("content", {}).items()}
        for status, response in operation["responses"].items():
            parts |= {f"{status} {kind}": one for kind, one in response.get("content", {}).items()}
        for name, part in parts.items():
            if name.endswith(WITHOUT_EXAMPLE):
                continue
            schema = part["schema"]
            named = schemas.get(schema.get("$ref", "").rpartition("/")[2], {})
            found = [part["example"]] if "example" in part else named.get("examples", [])
            faults = [fault for one in found for fault in problems_of(document, schema, one)]
            if faults or not found:
                wrong[f"{method} {path} {name}"] = faults
    assert wrong == {}


def test_every_operation_tells_what_it_does_and_what_goes_wrong(document: dict[str, Any]) -> None:
    names = set()
    for path, method, operation in operations(document):
        assert operation["summary"], path
        assert operation["description"], path
        names.add(operation["operationId"])
        statuses = set(operation["responses"])
        assert statuses & {"200", "201", "202", "204"}, path
        assert {"400", "503"} <= statuses, path
        assert ("404" in statuses) or "{" not in path, path
        for status, response in operation["responses"].items():
            assert response["description"], path
            if status >= "400":
                ((kind, problem),) = response["content"].items()
                assert kind == "application/problem+json"
                assert problem["example"]["status"] == int(status)
        assert method != "get" or "requestBody" not in operation
    assert len(names) == len(list(operations(document)))


def test_a_method_that_an_address_does_not_take_is_refused_with_those_that_it_takes(
    web: FlaskClient, document: dict[str, Any]
) -> None:
    for path, described in document["paths"].items():
        address = path.replace("{", "").replace("}", "")
        for method in METHODS:
            if method.lower() in described:
                continue
            answer = web.open(address, method=method)
            assert (answer.status_code, answer.content_type) == (405, "application/problem+json"), address
            allowed = {name.strip() for name in answer.headers["Allow"].split(",")}
            assert allowed - {"HEAD", "OPTIONS"} == {name.upper() for name in described}, address


@pytest.mark.parametrize(
    "address", ["/api/batches", "/api/batches/CASE-17/images", "/api/headers?q=date", "/api/saved-searches"]
)
@pytest.mark.parametrize("size", [2, 1_000])
def test_the_pages_of_a_list_are_linked_in_both_directions(filled: Flask, address: str, size: int) -> None:
    client = filled.test_client()
    whole = client.get(f"{address}{'&' if '?' in address else '?'}size=1000").json
    assert whole["count"] == len(whole["results"]) > 2
    pages: list[dict[str, Any]] = []
    link: str | None = f"{address}{'&' if '?' in address else '?'}size={size}"
    while link:
        page: Any = client.get(link).json
        assert list(page)[:4] == ["count", "next", "previous", "results"]
        pages.append(page)
        link = page["next"]
    assert [one for page in pages for one in page["results"]] == whole["results"]
    assert {page["count"] for page in pages} == {whole["count"]}
    assert pages[0]["previous"] is None
    for before, page in itertools.pairwise(pages):
        assert client.get(page["previous"]).json["results"] == before["results"]


@pytest.mark.parametrize("level", ["image", "series", "study", "patient"])
def test_the_pages_of_a_search_lead_there_and_back(web: FlaskClient, level: str) -> None:
    asked = {"q": "batch:MADE OR PatientName:citizen", "level": level, "size": "3", "sort": "-StudyDate"}
    pages: list[dict[str, Any]] = []
    after: str | None = ""
    while after is not None and len(pages) < 5:
        page: Any = web.get("/api/search", query_string={**asked, "after": after}).json
        pages.append(page)
        after = page["next"]
    found = [one["id"] for page in pages for one in page["results"]]
    assert len(set(found)) == len(found)
    assert (after is None) == (len(found) == pages[0]["total"])
    assert pages[0]["previous"] is None
    for before, page in itertools.pairwise(pages):
        back: Any = web.get("/api/search", query_string={**asked, "after": page["previous"]}).json
        assert [one["id"] for one in back["results"]] == [one["id"] for one in before["results"]]
