"""Saved searches: kept in Redis, by API and by forms; and requests of other sites, which change nothing."""

import re
import threading
from typing import Any

import pytest
from flask.testing import FlaskClient
from redis import Redis

from app import create_app
from app.saved import NameTakenError, SavedSearches, SavedState
from indexer.settings import Settings
from indexer.status import connect
from local.ports import free_port

API = "/api/saved-searches"
CHEST: dict[str, Any] = {
    "name": "Thin CT of the chest",
    "q": "Modality:CT chest",
    "level": "series",
    "sort": "-SliceThickness",
    "fields": "PatientName,(0018,0050)",
    "facets": "Modality,BodyPartExamined",
    "filter": ["Modality:=CT", "-BodyPartExamined:*"],
}
OURS = {"Origin": "http://localhost"}


def test_a_saved_search_has_the_whole_state_and_can_be_run(web: FlaskClient) -> None:
    answer = web.post(API, json=CHEST)
    assert answer.status_code == 201
    saved = answer.json
    assert {name: saved[name] for name in CHEST} == CHEST
    assert saved["add_date"] == saved["modify_date"]
    assert saved["add_date"].endswith("Z")
    assert answer.headers["Location"] == f"{API}/{saved['id']}"
    assert web.get(answer.headers["Location"]).json == saved
    assert web.get(saved["url"]).status_code == 200


def test_saved_searches_are_one_hash_in_redis(web: FlaskClient, redis_client: Redis) -> None:
    saved = web.post(API, json=CHEST).json
    assert list(redis_client.hgetall("saved-searches")) == [saved["id"]]


def test_they_are_listed_by_name_in_pages(web: FlaskClient) -> None:
    assert web.get(API).json == {"count": 0, "next": None, "previous": None, "results": []}
    for name in ("b", "Ärzte", "C", "a"):
        web.post(API, json={"name": name})
    page = web.get(f"{API}?size=3").json
    assert (page["count"], [one["name"] for one in page["results"]]) == (4, ["a", "b", "C"])
    last = web.get(page["next"]).json
    assert [one["name"] for one in last["results"]] == ["Ärzte"]
    assert last["next"] is None
    assert web.get(last["previous"]).json == page


def test_a_saved_search_can_be_replaced_and_deleted(web: FlaskClient) -> None:
    saved = web.post(API, json=CHEST).json
    address = f"{API}/{saved['id']}"
    changed = web.put(address, json={"name": "THIN CT OF THE CHEST", "q": "Modality:MR"}).json
    assert (changed["id"], changed["name"], changed["q"]) == (saved["id"], "THIN CT OF THE CHEST", "Modality:MR")
    assert (changed["filter"], changed["level"], changed["add_date"]) == ([], "image", saved["add_date"])
    assert web.delete(address).status_code == 204
    for method in ("get", "delete"):
        gone = getattr(web, method)(address)
        assert (gone.status_code, gone.json["type"]) == (404, "urn:dicomsearch:problem:saved-search-not-found")
    assert web.put(address, json=CHEST).status_code == 404


@pytest.mark.parametrize("name", ["Thin CT", "  thin   ct ", "THIN CT", "Ｔｈｉｎ CT"])
def test_names_are_unique_whatever_their_case(web: FlaskClient, name: str) -> None:
    web.post(API, json={"name": "Thin CT"})
    other = web.post(API, json={"name": "Other"}).json
    for answer in (web.post(API, json={"name": name}), web.put(f"{API}/{other['id']}", json={"name": name})):
        assert (answer.status_code, answer.json["type"]) == (409, "urn:dicomsearch:problem:name-taken")
        assert "choose another one" in answer.json["detail"]
    assert web.get(API).json["count"] == 2


@pytest.mark.parametrize(
    ("body", "kind", "detail"),
    [
        ({}, "parameters", "name"),
        ({"name": ""}, "parameters", "name"),
        ({"name": "x" * 101}, "parameters", "name"),
        ({"name": " "}, "saved-search", "Give the search a name"),
        ({"name": "a\u0007b"}, "saved-search", "cannot be shown"),
        ({"name": "a\ud800"}, "", ""),
        ({"name": "a", "colour": "red"}, "parameters", "colour"),
        ({"name": "a", "level": "frame"}, "parameters", "level"),
        ({"name": "a", "q": "PatientNme:x"}, "query-syntax", "Did you mean PatientName"),
        ({"name": "a", "q": "x" * 10_001}, "query-syntax", "10,000"),
        ({"name": "a", "sort": "PatientNme"}, "sort", "Did you mean PatientName"),
        ({"name": "a", "fields": "PatientNme"}, "fields", "Did you mean PatientName"),
        ({"name": "a", "facets": "PatientNme"}, "facets", "PatientName"),
        ({"name": "a", "filter": ["a b"]}, "filter", "is no filter"),
        ({"name": "a", "filter": ["Modality:" + "x" * 10_000]}, "saved-search", "10,000 characters"),
        ([], "parameters", ""),
        ("a", "parameters", ""),
    ],
)
def test_what_could_not_be_run_or_shown_is_not_saved(web: FlaskClient, body: Any, kind: str, detail: str) -> None:
    answer = web.post(API, json=body)
    assert (answer.status_code, answer.content_type) == (400, "application/problem+json")
    assert answer.json["type"].endswith(kind)
    assert detail in answer.json["detail"]
    assert web.get(API).json["count"] == 0


def test_there_is_a_limit_of_saved_searches(archive_settings: Settings, redis_client: Redis) -> None:
    web = create_app(archive_settings.model_copy(update={"saved_searches": 2})).test_client()
    for name in ("a", "b"):
        assert web.post(API, json={"name": name}).status_code == 201
    full = web.post(API, json={"name": "c"})
    assert (full.status_code, full.json["type"]) == (409, "urn:dicomsearch:problem:saved-searches-full")


def test_of_many_who_take_a_name_at_the_same_time_one_gets_it(redis_url: str, redis_client: Redis) -> None:
    outcomes: list[str] = []

    def save() -> None:
        client = connect(redis_url)
        try:
            SavedSearches(client, 100).add("Mine", SavedState())
            outcomes.append("saved")
        except NameTakenError:
            outcomes.append("taken")
        finally:
            client.close()

    threads = [threading.Thread(target=save) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(outcomes) == ["saved", *["taken"] * 7]


FOREIGN = [
    {"Sec-Fetch-Site": "cross-site"},
    {"Sec-Fetch-Site": "same-site", "Origin": "http://localhost"},
    {"Sec-Fetch-Site": "none"},
    {"Origin": "http://evil.example"},
    {"Origin": "http://localhost:81"},
    {"Origin": "null"},
    {"Origin": "localhost"},
    {"Sec-Fetch-Site": "same-origin", "Origin": "http://evil.example"},
]


@pytest.mark.parametrize("headers", FOREIGN)
def test_requests_of_other_sites_change_nothing(web: FlaskClient, headers: dict[str, str]) -> None:
    saved = web.post(API, json={"name": "kept"}).json
    answers = [
        web.post(API, json=CHEST, headers=headers),
        web.put(f"{API}/{saved['id']}", json=CHEST, headers=headers),
        web.delete(f"{API}/{saved['id']}", headers=headers),
        web.post("/saved-searches", data={"name": "x"}, headers=headers),
        web.post(f"/saved-searches/{saved['id']}/name", data={"name": "x"}, headers=headers),
        web.post(f"/saved-searches/{saved['id']}/delete", headers=headers),
    ]
    assert {answer.status_code for answer in answers} == {403}
    assert answers[0].content_type == "application/problem+json"
    assert web.get(API).json["results"] == [saved]


def test_a_form_is_not_taken_where_nothing_proves_that_it_is_ours(web: FlaskClient) -> None:
    assert web.post("/saved-searches", data={"name": "x"}).status_code == 403
    for headers in (OURS, {"Sec-Fetch-Site": "same-origin"}, OURS | {"Sec-Fetch-Site": "same-origin"}):
        assert web.post("/saved-searches", data={"name": str(headers)}, headers=headers).status_code == 303


@pytest.mark.parametrize("kind", ["application/x-www-form-urlencoded", "text/plain", "multipart/form-data", ""])
def test_the_api_takes_json_only(web: FlaskClient, kind: str) -> None:
    answer = web.post(API, data='{"name": "x"}', content_type=kind)
    assert (answer.status_code, answer.content_type) == (415, "application/problem+json")
    assert "application/json" in answer.json["detail"]


def test_damaged_json_is_a_problem(web: FlaskClient) -> None:
    answer = web.post(API, data='{"name":', content_type="application/json")
    assert (answer.status_code, answer.content_type) == (400, "application/problem+json")


def test_redis_away_is_a_problem_of_saved_searches_but_not_of_searching(
    archive_settings: Settings, web: FlaskClient
) -> None:
    away = archive_settings.model_copy(update={"redis_url": f"redis://127.0.0.1:{free_port()}/0"})
    client = create_app(away).test_client()
    for answer in (client.get(API), client.post(API, json=CHEST), client.get(f"{API}/1"), client.delete(f"{API}/1")):
        assert (answer.status_code, answer.json["type"]) == (503, "urn:dicomsearch:problem:status-unavailable")
    page = client.get("/search?q=batch:MADE")
    assert page.status_code == 200
    assert "8 images" in page.text
    assert "Redis does not answer" in page.text


def test_a_search_is_saved_opened_renamed_and_deleted_by_forms(web: FlaskClient) -> None:
    page = web.get("/search?q=batch:MADE&level=series&filter=Modality:%3DCT&sort=-InstanceNumber&size=50").text
    form = re.search(r'<form class="save-form".*?</form>', page, re.DOTALL)
    assert form
    hidden = re.findall(r'type="hidden" name="([^"]+)" value="([^"]*)"', form[0])
    values = dict(hidden) | {"name": "  Série  1 <b>"}
    saved = web.post("/saved-searches", data=values, headers=OURS)
    assert saved.status_code == 303
    assert saved.headers["Location"] == "/search?q=batch:MADE&level=series&sort=-InstanceNumber&filter=Modality:%3DCT"
    assert "Série 1 &lt;b&gt;" in web.get(saved.headers["Location"]).text
    found = web.get(API).json["results"][0]
    assert (found["name"], found["filter"], found["level"]) == ("Série 1 <b>", ["Modality:=CT"], "series")
    address = f"/saved-searches/{found['id']}"
    assert web.post(f"{address}/name", data={"name": "New"}, headers=OURS).headers["Location"] == "/saved-searches"
    listed = web.get("/saved-searches").text
    assert "<strong>New</strong>" in listed
    assert "batch:MADE" in listed
    assert web.post(f"{address}/delete", headers=OURS).status_code == 303
    assert "Nothing is saved yet" in web.get("/saved-searches").text


def test_a_form_with_a_name_that_cannot_be_is_shown_again(web: FlaskClient) -> None:
    web.post(API, json={"name": "Mine"})
    other = web.post(API, json={"name": "Other"}).json
    taken = web.post("/saved-searches", data={"name": "mine", "q": "Modality:CT"}, headers=OURS)
    assert taken.status_code == 409
    assert "choose another one" in taken.text
    assert 'name="q" value="Modality:CT"' in taken.text
    assert web.post("/saved-searches", data={"name": ""}, headers=OURS).status_code == 400
    renamed = web.post(f"/saved-searches/{other['id']}/name", data={"name": "MINE"}, headers=OURS)
    assert renamed.status_code == 409
    assert "choose another one" in renamed.text


@pytest.mark.parametrize(
    ("path", "data", "status"),
    [
        ("/saved-searches", {"name": "a", "q": "(a"}, 400),
        ("/saved-searches", {"name": "a", "level": "frame"}, 400),
        ("/saved-searches/none/name", {"name": "a"}, 404),
        ("/saved-searches/none/delete", {}, 404),
    ],
)
def test_a_form_that_makes_no_sense_is_a_page_with_the_reason(
    web: FlaskClient, path: str, data: dict[str, str], status: int
) -> None:
    answer = web.post(path, data=data, headers=OURS)
    assert (answer.status_code, answer.mimetype) == (status, "text/html")


def test_the_search_page_offers_to_export_what_it_shows(web: FlaskClient) -> None:
    page = web.get("/search?q=batch:MADE&filter=Modality:%3DCT&fields=InstanceNumber").text
    form = re.search(r"<form[^>]* data-export>.*?</form>", page, re.DOTALL)
    assert form
    hidden = re.findall(r'type="hidden" name="([^"]+)" value="([^"]*)"', form[0])
    answer = web.get("/api/search/export", query_string={**dict(hidden), "format": "csv"})
    assert answer.headers["X-Total-Count"] == "4"
    assert answer.data.decode("utf-8-sig").splitlines()[0] == "InstanceNumber"
