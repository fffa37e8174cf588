"""Administrators find events by page and API, and take them with them; nobody else does."""

import csv
import io
import json
from collections.abc import Callable
from typing import Any

import pytest
from elasticsearch import Elasticsearch
from flask.testing import FlaskClient
from redis import Redis

from app import create_app
from indexer.audit.chain import canonical, digest_of, link, message_of
from indexer.settings import Settings
from local.ports import free_port
from mappings.audit import months
from tests.accounts import People
from tests.archive import Indexed
from tests.auditing import append, last_in

Moved = Callable[[], int]


@pytest.fixture
def log(web: FlaskClient, audited: Settings, redis_client: Redis, moved: Moved, images: list[Indexed]) -> FlaskClient:
    """Some events of two users, in Elasticsearch, and no others."""
    with Elasticsearch(audited.elasticsearch_url) as client:
        for month in months(client, audited.audit_index):
            client.indices.delete(index=f"{audited.audit_index}-{month}")
    append(redis_client, "chest contrast", user="anna")
    append(redis_client, "=cmd|' /C calc'!A0", "<script>alert(1)</script>", user="bert")
    web.get(f"/images/{images[0].id}")
    web.get("/batches/CASE-17")
    moved()
    return web


def numbers(answer: Any) -> list[int]:
    return [one["number"] for one in answer.json["results"]]


def ours(log: FlaskClient, **filters: str) -> list[str]:
    """The operations that are found, but for what the tests themselves did to find them."""
    answer = log.get("/api/audit", query_string={"size": "1000", **filters})
    assert answer.status_code == 200
    return [one["operation"] for one in answer.json["results"]]


def test_the_latest_event_comes_first_with_all_that_is_known_of_it(log: FlaskClient, images: list[Indexed]) -> None:
    answer = log.get("/api/audit?size=5").json
    newest, image, *_, oldest = answer["results"]
    assert [one["number"] for one in answer["results"]] == [5, 4, 3, 2, 1]
    assert (newest["operation"], newest["outcome"], newest["description"]) == ("batch.view", "failure", "404 Not Found")
    assert image["objects"] == [{"kind": "image", "id": images[0].id, "query": "", "details": {}}]
    assert image["resolved"]["study"]
    assert (oldest["user"], oldest["role"], oldest["via"]) == ("anna", "viewer", "session")
    assert oldest["objects"][0]["query"] == "chest contrast"
    chain = oldest["message"]["chain"]
    assert oldest["hash"] == chain["hash"] == link(1, "", digest_of(canonical(message_of(oldest["message"]))))


def test_events_are_found_by_each_filter(log: FlaskClient, images: list[Indexed]) -> None:
    study = str(images[0].dataset.StudyInstanceUID)
    assert ours(log, user="ANNA") == ["search"]
    assert ours(log, user="nobody") == []
    assert ours(log, operation="search") == ["search"] * 3
    assert ours(log, operation="110103") == ["batch.view", "image.view"]
    assert ours(log, outcome="failure") == ["batch.view"]
    assert "batch.view" not in ours(log, outcome="success")
    assert ours(log, object=images[0].id) == ["image.view"]
    assert ours(log, object=study) == ["image.view"]
    assert ours(log, object=str(images[0].dataset.PatientID)) == ["image.view"]
    assert ours(log, object="CASE-17") == ["batch.view"]
    assert ours(log, text="contrast chest") == ["search"]
    assert ours(log, text="contrast abdomen") == []
    assert ours(log, since="2020-01-01", until="2020-01-02") == []
    assert len(ours(log, since="2020-01-01")) == 5
    assert ours(log, until="2020-01-01T12:00") == []
    assert ours(log, user="bert", operation="search", text="script") == ["search"]


@pytest.mark.parametrize(
    ("parameter", "words"),
    [
        ("since=yesterday", "since: write a day"),
        ("until=2026-13-01", "until: write a day"),
        ("after=1", "no page"),
        ("before=%27", "no page"),
        ("outcome=well", "outcome"),
        ("size=0", "size"),
        ("colour=red", "colour"),
    ],
)
def test_what_makes_no_sense_is_said(log: FlaskClient, parameter: str, words: str) -> None:
    answer = log.get(f"/api/audit?{parameter}")
    assert (answer.status_code, answer.content_type) == (400, "application/problem+json")
    assert words in answer.json["detail"]
    if "size" not in parameter and "colour" not in parameter:
        page = log.get(f"/audit?{parameter}")
        assert page.status_code == 400
        assert 'role="alert"' in page.text


def test_pages_lead_there_and_back(log: FlaskClient) -> None:
    first = log.get("/api/audit?size=2")
    second = log.get(first.json["next"])
    third = log.get(second.json["next"])
    assert [numbers(one) for one in (first, second, third)] == [[5, 4], [3, 2], [1]]
    assert (first.json["previous"], third.json["next"]) == (None, None)
    assert numbers(log.get(third.json["previous"])) == [3, 2]
    back = log.get(second.json["previous"])
    assert numbers(back) == [5, 4]
    assert {one.json["count"] for one in (first, second, third, back)} == {5}


def test_the_page_shows_events_without_taking_their_texts_for_markup(log: FlaskClient, images: list[Indexed]) -> None:
    page = log.get("/audit").text
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page
    assert "<script>alert(1)" not in page
    assert f'href="/images/{images[0].id}"' in page
    assert "5 events" in page
    assert 'aria-current="page">Audit</a>' in page
    found = log.get("/audit?user=anna&operation=search&since=2020-01-01&text=chest").text
    assert "1 event," in found
    for value in ('value="anna"', '<option value="search" selected>', 'value="2020-01-01"', 'value="chest"'):
        assert value in found
    assert "No event is like that" in log.get("/audit?user=nobody").text


def test_a_file_has_all_events_that_the_filters_describe(log: FlaskClient) -> None:
    answer = log.get("/audit/export?format=csv&operation=search")
    assert answer.content_type.startswith("text/csv")
    assert answer.headers["Content-Disposition"].startswith('attachment; filename="dicomsearch-audit-')
    rows = list(csv.DictReader(io.StringIO(answer.text)))
    assert [(row["number"], row["user"]) for row in rows] == [("1", "anna"), ("2", "bert"), ("3", "bert")]
    # No spreadsheet runs it.
    assert rows[1]["query"] == "'=cmd|' /C calc'!A0"
    lines = log.get("/audit/export?format=json").text.splitlines()
    assert [json.loads(line)["chain"]["number"] for line in lines] == [1, 2, 3, 4, 5]


def test_reading_the_log_is_recorded_in_it(log: FlaskClient, redis_client: Redis) -> None:
    for address, operation in (
        ("/audit?user=anna", "audit.search"),
        ("/api/audit?user=anna", "audit.search"),
        ("/audit/export?user=anna", "audit.export"),
    ):
        log.get(address)
        event = last_in(redis_client)
        assert (event.operation, event.event) == (operation, "Audit Log Used")
        assert event.objects[0].details == {"user": "anna", "results": "1"}


def test_only_administrators_read_it(people: People, redis_client: Redis, moved: Moved) -> None:
    append(redis_client, "Citizen^Jane")
    moved()
    for address in ("/audit", "/api/audit", "/audit/export?format=csv", "/audit/export?format=json"):
        for who in (people.masked, people.viewer, people.operator):
            refused = who.get(address)
            assert refused.status_code == 403
            assert "Citizen" not in refused.text
        assert people.nobody.get(address).status_code in (302, 401)
        assert "Citizen^Jane" in people.admin.get(address).text
    assert 'href="/audit"' in people.admin.get("/search").text
    assert 'href="/audit"' not in people.viewer.get("/search").text


def test_before_the_first_event_there_is_an_empty_log(web: FlaskClient, audited: Settings) -> None:
    empty = create_app(audited.model_copy(update={"audit_index": "audit-nothing-yet"})).test_client()
    assert empty.get("/api/audit").json == {"count": 0, "next": None, "previous": None, "results": []}
    assert "Nothing is in the log yet" in empty.get("/audit").text
    assert empty.get("/audit/export?format=json").text == ""


def test_without_elasticsearch_the_log_cannot_be_read(audited: Settings, redis_client: Redis) -> None:
    away = audited.model_copy(update={"elasticsearch_url": f"http://127.0.0.1:{free_port()}"})
    web = create_app(away).test_client()
    for address in ("/audit", "/api/audit", "/audit/export"):
        assert web.get(address).status_code == 503
        assert last_in(redis_client).outcome == "serious failure"


def test_events_that_wait_long_are_told(web: FlaskClient, redis_client: Redis) -> None:
    seconds: Any = redis_client.time()[0]  # type: ignore[index]
    redis_client.xadd("audit", {"message": "{}"}, id=f"{(seconds - 600) * 1000}-0")
    assert "in Redis</strong>" in web.get("/audit").text
    assert "Audit log" in web.get("/").text
