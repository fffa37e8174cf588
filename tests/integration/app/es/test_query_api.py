"""`/es/` over a real Elasticsearch with users and roles, asked by Elasticsearch's own client and by hand."""

import inspect
import json
import pkgutil
import re
from collections.abc import Iterator
from importlib import import_module

import elasticsearch._sync.client as clients
import pytest
from elasticsearch import AuthorizationException, Elasticsearch
from flask import Flask
from flask.testing import FlaskClient
from pydantic import SecretStr
from redis import Redis

from app import create_app
from app.accounts.model import Role
from indexer.settings import Settings
from mappings.index import ensure_index
from tests.accounts import PASSWORD, accounts_of, log_in, with_accounts
from tests.auditing import messages_in
from tests.secured import OURS, Secured
from tests.serving import served

IMAGES = 3


@pytest.fixture
def index(secured_elasticsearch: Secured, secured_settings: Settings) -> str:
    """The alias of an index with three images."""
    with secured_elasticsearch.client(OURS) as client:
        ensure_index(client, secured_settings.index)
        for number in range(IMAGES):
            client.index(
                index=f"{secured_settings.index}-write",
                id=f"1.2.{number}",
                document={"Modality": "CT", "SliceThickness": number / 2, "batch": "CASE-1"},
                version=1,
                version_type="external",
            )
        client.indices.refresh(index=secured_settings.index)
    return secured_settings.index


@pytest.fixture
def guarded(index: str, secured_settings: Settings, redis_client: Redis) -> Flask:
    """The application in front of it; people have to sign in."""
    app = create_app(with_accounts(secured_settings))
    app.testing = False
    accounts_of(app).users.add("jdoe", Role.VIEWER, PASSWORD)
    return app


@pytest.fixture
def token(guarded: Flask) -> str:
    """A token of jdoe, a viewer."""
    return accounts_of(guarded).tokens.create("jdoe", "a program", Role.VIEWER)[1]


@pytest.fixture
def program(guarded: Flask, token: str) -> FlaskClient:
    """A program with the token."""
    client = guarded.test_client()
    client.environ_base["HTTP_AUTHORIZATION"] = f"Bearer {token}"
    return client


@pytest.fixture
def elastic(guarded: Flask, token: str) -> Iterator[Elasticsearch]:
    """Elasticsearch's own client, pointed at `/es/`."""
    with served(guarded) as address, Elasticsearch(f"{address}/es", bearer_auth=token, request_timeout=30) as client:
        yield client


def test_elasticsearchs_own_client_searches_counts_and_asks_for_fields(elastic: Elasticsearch, index: str) -> None:
    found = elastic.search(index=index, query={"term": {"Modality": "CT"}}, sort=["SliceThickness"])
    assert [hit["_id"] for hit in found["hits"]["hits"]] == ["1.2.0", "1.2.1", "1.2.2"]
    assert elastic.count(index=index)["count"] == IMAGES
    several = elastic.msearch(index=index, searches=[{}, {"size": 0}, {"index": index}, {"size": 1}])
    assert [len(one["hits"]["hits"]) for one in several["responses"]] == [0, 1]
    assert "Modality" in elastic.field_caps(index=index, fields="Modal*")["fields"]
    assert "SliceThickness" in str(elastic.indices.get_mapping(index=index))
    assert "SliceThickness" in str(elastic.indices.get_field_mapping(index=index, fields="SliceThickness"))


def test_it_walks_through_all_images_as_of_one_moment(elastic: Elasticsearch, index: str) -> None:
    point = elastic.open_point_in_time(index=index, keep_alive="1m")["id"]
    page = elastic.search(pit={"id": point, "keep_alive": "1m"}, size=2, sort=["_shard_doc"])
    rest = elastic.search(pit={"id": point}, size=2, sort=["_shard_doc"], search_after=page["hits"]["hits"][-1]["sort"])
    assert len(page["hits"]["hits"]) + len(rest["hits"]["hits"]) == IMAGES
    assert elastic.close_point_in_time(id=point)["succeeded"] is True


def test_nothing_else_of_the_whole_api_is_offered(program: FlaskClient, index: str) -> None:
    offered = set()
    operations = set(_operations(index))
    assert len(operations) > 400
    for method, path in sorted(operations):
        answer = program.open(f"/es{path}", method=method, json=None if method in ("GET", "HEAD") else {})
        if answer.status_code not in (403, 404, 405):
            offered.add(f"{method} {path.replace(index, 'INDEX')}")
    assert offered == {
        *("GET /INDEX/_search", "POST /INDEX/_search", "GET /INDEX/_count", "POST /INDEX/_count"),
        *("GET /INDEX/_msearch", "POST /INDEX/_msearch", "GET /INDEX/_field_caps", "POST /INDEX/_field_caps"),
        *("GET /INDEX/_mapping", "GET /INDEX/_mapping/field/x", "POST /INDEX/_pit", "DELETE /_pit"),
    }


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "dicom-audit/_search"),
        ("GET", "_all/_search"),
        ("GET", "*/_search"),
        ("GET", "INDEX,dicom-audit/_search"),
        ("GET", "INDEX-000001/_search"),
        ("GET", "INDEX-write/_search"),
        ("GET", "_search"),
        ("GET", "_msearch"),
        ("GET", "INDEX/_search/"),
        ("GET", "INDEX/_search/scroll"),
        ("GET", "INDEX/_search?scroll=1m"),
        ("GET", "INDEX/_search?source=%7B%7D&source_content_type=application/json"),
        ("GET", "INDEX/../_cluster/health"),
        ("GET", "INDEX/%2e%2e/_cluster/health"),
        ("GET", "INDEX%2F_search%2F..%2F..%2F_cluster%2Fhealth"),
        ("GET", "INDEX/_doc/1.2.0"),
        ("POST", "INDEX/_doc"),
        ("POST", "INDEX/_delete_by_query"),
        ("PUT", "INDEX/_mapping"),
        ("DELETE", "INDEX"),
        ("POST", "_bulk"),
        ("GET", "_cat/indices"),
        ("GET", "_cluster/health"),
        ("GET", "_security/user"),
        ("GET", "index\nX/_search"),
    ],
)
def test_what_is_not_reading_the_images_is_refused(method: str, path: str, program: FlaskClient, index: str) -> None:
    address = "/es/" + path.replace("INDEX", index).replace("\n", "%0A")
    answer = program.open(address, method=method, json={} if method != "GET" else None)
    assert answer.status_code in (403, 404, 405), answer.text
    assert answer.content_type == "application/problem+json"


@pytest.mark.parametrize(
    "body",
    [
        b'{"index": "dicom-audit"}\n{}\n',
        b'{"index": ["INDEX", "dicom-audit"]}\n{}\n',
        b'{}\n{}\n{"index": "*"}\n{}\n',
        b"[]\n{}\n",
        b"{\n",
    ],
)
def test_several_searches_are_of_the_images_too(body: bytes, program: FlaskClient, index: str) -> None:
    answer = program.post(
        f"/es/{index}/_msearch", data=body.replace(b"INDEX", index.encode()), content_type="application/x-ndjson"
    )
    assert answer.status_code == 403


def test_a_query_cannot_reach_into_another_index(program: FlaskClient, index: str) -> None:
    lookup = {"query": {"terms": {"Modality": {"index": "dicom-audit-2026-01", "id": "1", "path": "user"}}}}
    assert program.post(f"/es/{index}/_search", json=lookup).status_code in (403, 404)


def test_what_elasticsearch_refuses_is_told_as_it_tells_it(program: FlaskClient, index: str) -> None:
    answer = program.post(f"/es/{index}/_search", json={"query": {"no_such_query": {}}})
    assert answer.status_code == 400
    assert "no_such_query" in answer.json["error"]["reason"]  # type: ignore[index]


def test_it_asks_for_a_token_a_type_and_a_size(guarded: Flask, program: FlaskClient, index: str) -> None:
    assert guarded.test_client().get(f"/es/{index}/_search").status_code == 401
    form = {"query": "{}"}
    assert program.post(f"/es/{index}/_search", data=form).status_code == 415
    large = {"query": {"terms": {"Modality": ["x" * 100] * 20_000}}}
    assert program.post(f"/es/{index}/_search", json=large).status_code == 413
    browser = guarded.test_client()
    log_in(browser, "jdoe")
    assert browser.get(f"/es/{index}/_count").json["count"] == IMAGES  # type: ignore[index]
    assert browser.post(f"/es/{index}/_count", json={}).status_code == 403  # no token of the form


def test_one_for_whom_it_is_masked_may_not(guarded: Flask, index: str) -> None:
    text = accounts_of(guarded).tokens.create("jdoe", "masked", Role.VIEWER, deidentified=True)[1]
    answer = guarded.test_client().get(f"/es/{index}/_search", headers={"Authorization": f"Bearer {text}"})
    assert answer.status_code == 403
    assert "CT" not in answer.text


def test_the_user_behind_it_may_not_write_either(secured_elasticsearch: Secured, index: str) -> None:
    with secured_elasticsearch.client("dicomsearch_query") as client, pytest.raises(AuthorizationException):
        client.index(index=f"{index}-write", document={})


def test_a_wrong_password_is_said_to_be_wrong(guarded: Flask, index: str, secured_settings: Settings) -> None:
    wrong = secured_settings.model_copy(update={"elasticsearch_query_password": SecretStr("wrong" * 5)})
    answer = create_app(wrong).test_client().get(f"/es/{index}/_search")
    assert answer.status_code == 503
    assert "DICOMSEARCH_ELASTICSEARCH_QUERY_PASSWORD is not the password" in answer.json["detail"]  # type: ignore[index]


def test_queries_are_in_the_audit_log(program: FlaskClient, index: str, redis_client: Redis) -> None:
    program.post(f"/es/{index}/_count", json={"query": {"term": {"PatientName.keyword": "DOE^JANE"}}})
    (event,) = messages_in(redis_client)
    assert "es.query" in json.dumps(event)
    assert "DOE^JANE" in json.dumps(event)


def _operations(index: str) -> Iterator[tuple[str, str]]:
    """Method and path of every operation that Elasticsearch's own client knows, with names filled in."""
    rooms = [import_module(f"{clients.__name__}.{found.name}") for found in pkgutil.iter_modules(clients.__path__)]
    for text in map(inspect.getsource, [clients, *rooms]):
        for part in text.split("    def ")[1:]:
            paths = [path for _, path in re.findall(r"""__path = f?(['"])(/.*?)\1\n""", part)]
            methods = re.findall(r'self\.perform_request\(  # type: ignore\[return-value\]\s+"([A-Z]+)"', part)
            for method in {*methods, *(("GET", "POST") if {"GET", "POST"} & set(methods) else ())}:
                for path in paths:
                    filled = re.sub(r"\{__path_parts\[.?index.?\]\}", index, path)
                    filled = re.sub(r"\{__path_parts\[[^]]*\]\}", "x", filled)
                    yield method, filled
