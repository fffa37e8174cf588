"""What can be done with batches, by the API and by forms that ask before they do harm."""

import json
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient
from redis import Redis

from indexer.status import ImageStatus, Ledger, Outcome, StatusStore
from indexer.status.ledger import FoundFile
from tests.integration.app.test_api import fill

OURS = {"Origin": "http://localhost"}


def queued(redis: Redis) -> list[list[Any]]:
    """Arguments of the tasks that wait, the latest first."""
    return [json.loads(message)["headers"]["argsrepr"] for message in redis.lrange("dicomsearch", 0, -1)]


@pytest.fixture
def folder(redis_client: Redis, tmp_path: Path) -> Path:
    """The folder of a batch DISK that is done, with the files a and b."""
    folder = tmp_path / "DISK"
    folder.mkdir()
    ledger = Ledger(redis_client)
    ledger.add("DISK", "DISK", str(folder), "upload", "1")
    found = []
    for name in ("a", "b"):
        (folder / name).write_bytes(b"image")
        facts = (folder / name).stat()
        found.append(FoundFile(name, 5, f"{facts.st_mtime_ns // 10**9}.{facts.st_mtime_ns % 10**9:09d}"))
    ledger.register("DISK", found)
    ledger.registered("DISK")
    ledger.begin("DISK", ["a", "b"])
    ledger.settle("DISK", [Outcome(file, ImageStatus.DONE, uid=f"9.9.{file.path}") for file in found])
    ledger.finish("DISK")
    return folder


def test_tags_and_note_are_changed_each_alone(web: FlaskClient, redis_client: Redis) -> None:
    fill(redis_client, "CASE-17", files=1)
    address = "/api/batches/CASE-17"
    assert web.patch(address, json={"tags": ["trial A", " b  c ", "trial A"]}).json["tags"] == ["trial A", "b c"]
    changed = web.patch(address, json={"note": "<b>fine</b>"}).json
    assert (changed["note"], changed["tags"]) == ("<b>fine</b>", ["trial A", "b c"])
    assert web.get(address).json["note"] == "<b>fine</b>"
    assert web.patch(address, json={"tags": []}).json["tags"] == []
    for body in ({"tags": ["x"] * 51}, {"note": "x" * 10_001}, {"name": "x"}):
        assert web.patch(address, json=body).status_code == 400
    assert web.patch(address, json={"tags": ["x" * 101]}).status_code == 409
    assert web.patch("/api/batches/none", json={}).status_code == 404


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("", ["C", "B", "A"]),
        ("q=trial", ["B", "A"]),
        ("q=TRIAL+two", ["B"]),
        ("q=second+site", ["C"]),
        ("q=b", ["B"]),
        ("tag=Trial+one", ["A"]),
        ("tag=trial", []),
        ("status=NEW", ["C"]),
        ("has_error=true", ["B"]),
        ("has_error=false&status=DONE", ["A"]),
        ("q=trial&size=1", ["B"]),
        ("q=trial&size=1&offset=1", ["A"]),
    ],
)
def test_batches_are_found_by_name_tag_note_and_state(
    web: FlaskClient, redis_client: Redis, query: str, found: list[str]
) -> None:
    fill(redis_client, "A", files=1)
    fill(redis_client, "B", files=2, errors=1)
    fill(redis_client, "C", files=1, finished=False)
    ledger = Ledger(redis_client)
    ledger.describe("A", tags=["trial one"])
    ledger.describe("B", tags=["trial two"])
    ledger.describe("C", note="Second delivery of the site")
    page = web.get(f"/api/batches?{query}").json
    assert [batch["id"] for batch in page["results"]] == found
    if "size=1&offset" in query:
        assert (page["count"], page["previous"]) == (2, "/api/batches?offset=0&size=1&q=trial")
    shown = web.get(f"/?{query.replace('has_error=true', 'errors=1').replace('has_error=false', 'errors=0')}").text
    if "size" not in query:
        assert [name for name in ("C", "B", "A") if f'href="/batches/{name}"' in shown] == found


@pytest.mark.parametrize("query", ["status=GONE", "has_error=maybe", "colour=red"])
def test_filters_that_make_no_sense_are_refused(web: FlaskClient, query: str) -> None:
    assert web.get(f"/api/batches?{query}").status_code == 400


def test_errors_are_tried_again_all_or_those_of_one_code(web: FlaskClient, redis_client: Redis) -> None:
    fill(redis_client, "CASE-17", files=5, errors=3)
    address = "/api/batches/CASE-17/retry"
    assert web.post(address, json={"code": "timeout"}).json == {"images": 0}
    assert web.post(address, json={"code": "truncated"}).json == {"images": 3}
    assert redis_client.llen("dicomsearch") == 1
    batch = web.get("/api/batches/CASE-17").json
    assert (batch["status"], batch["counts"]["error"], batch["counts"]["new"]) == ("PROCESSING", 0, 3)
    assert web.post(address, json={"code": "tired"}).status_code == 400
    assert web.post("/api/batches/none/retry", json={}).status_code == 404


def test_a_batch_is_cancelled(web: FlaskClient, redis_client: Redis) -> None:
    fill(redis_client, "CASE-17", files=5, finished=False)
    assert web.post("/api/batches/CASE-17/cancel", json={}).json == {"images": 6}
    batch = web.get("/api/batches/CASE-17").json
    assert (batch["cancelled"], batch["has_error"], batch["counts"]["error"]) == (True, True, 6)
    assert {error["code"] for error in batch["errors"]} == {"cancelled"}
    page = web.get("/batches/CASE-17").text
    assert "Cancelled" in page


def test_deleting_is_handed_to_a_worker_and_shown_until_it_is_done(web: FlaskClient, redis_client: Redis) -> None:
    fill(redis_client, "CASE-17", files=2)
    answer = web.delete("/api/batches/CASE-17")
    assert (answer.status_code, answer.json["deleting"]) == (202, True)
    assert redis_client.llen("dicomsearch") == 1
    again = web.delete("/api/batches/CASE-17?files=true")
    assert (again.status_code, again.json["type"]) == (409, "urn:dicomsearch:problem:batch-busy")
    assert web.post("/api/batches/CASE-17/retry", json={}).status_code == 409
    assert "Deleting" in web.get("/").text
    page = web.get("/batches/CASE-17").text
    assert "being deleted" in page
    assert "/batches/CASE-17/delete" not in page
    assert web.delete("/api/batches/none").status_code == 404


def test_a_small_batch_is_compared_with_its_folder_at_once(web: FlaskClient, folder: Path) -> None:
    agrees = web.post("/api/batches/DISK/sync", json={}).json
    assert (agrees["gone"], agrees["changed"], agrees["new"], agrees["applied"]) == (0, 0, 0, False)
    (folder / "a").unlink()
    (folder / "new").write_bytes(b"x")
    report = web.post("/api/batches/DISK/sync", json={}).json
    assert (report["gone_paths"], report["new_paths"]) == (["a"], ["new"])
    events = web.get("/api/batches/DISK/events").json["results"]
    assert events[0]["text"] == "Compared with its folder: 1 gone, 1 new. Nothing was changed."
    assert web.post("/api/batches/DISK/sync", json={"apply": True}).json["applied"] is True
    assert web.get("/api/batches/DISK/images").json["count"] == 1


def test_a_small_batch_is_checked_against_the_index_at_once(web: FlaskClient, folder: Path) -> None:
    report = web.post("/api/batches/DISK/verify", json={}).json
    assert (report["agrees"], report["counts"], report["repaired"]) == (False, {"lost": 2}, False)
    assert {one["what"] for one in report["differences"]} == {"a", "b"}


@pytest.mark.parametrize("what", ["sync", "verify"])
def test_a_large_batch_is_compared_by_a_worker(
    web: FlaskClient, folder: Path, redis_client: Redis, monkeypatch: pytest.MonkeyPatch, what: str
) -> None:
    monkeypatch.setattr("app.compare.AT_ONCE", 1)
    answer = web.post(f"/api/batches/DISK/{what}", json={})
    assert (answer.status_code, answer.json) == (202, {"queued": True, "events": "/api/batches/DISK/events"})
    assert redis_client.llen("dicomsearch") == 1
    page = web.post(f"/batches/DISK/{what}", headers=OURS, follow_redirects=True).text
    assert "A worker" in page


@pytest.mark.parametrize("what", ["sync", "verify"])
def test_a_batch_that_is_being_indexed_is_not_compared(web: FlaskClient, redis_client: Redis, what: str) -> None:
    fill(redis_client, "CASE-17", files=1, finished=False)
    answer = web.post(f"/api/batches/CASE-17/{what}", json={})
    assert (answer.status_code, answer.json["type"]) == (409, "urn:dicomsearch:problem:batch-busy")
    page = web.post(f"/batches/CASE-17/{what}", headers=OURS)
    assert (page.status_code, page.mimetype) == (409, "text/html")


def test_the_history_is_listed_in_sentences_and_pages(web: FlaskClient, redis_client: Redis) -> None:
    fill(redis_client, "CASE-17", files=2, errors=1)
    page = web.get("/api/batches/CASE-17/events?size=2").json
    assert [event["what"] for event in page["results"]] == ["done", "listed"]
    assert page["results"][0]["text"] == "Done: 2 images are found by search, 1 could not be indexed."
    assert page["results"][0]["at"].endswith("Z")
    last = web.get(page["next"]).json
    assert [event["text"] for event in last["results"]] == ["Found in the watched folder."]
    shown = web.get("/batches/CASE-17").text
    for event in (*page["results"], *last["results"]):
        assert event["text"] in shown
    assert web.get("/api/batches/none/events").status_code == 404


def test_a_batch_page_offers_what_can_be_done(web: FlaskClient, redis_client: Redis) -> None:
    fill(redis_client, "CASE-17", files=2, errors=1)
    fill(redis_client, "CASE-18", files=2, finished=False)
    done, moving = web.get("/batches/CASE-17").text, web.get("/batches/CASE-18").text
    for what in ("retry", "sync", "verify", "delete"):
        assert f'action="/batches/CASE-17/{what}"' in done or f'href="/batches/CASE-17/{what}"' in done
    assert 'href="/batches/CASE-18/cancel"' in moving
    assert "/batches/CASE-18/sync" not in moving
    assert "/batches/CASE-17/cancel" not in done


def test_forms_describe_and_retry_a_batch(web: FlaskClient, redis_client: Redis) -> None:
    fill(redis_client, "CASE-17", files=3, errors=2)
    form = {"tags": "trial A, <b> ,", "note": "As\r\nwritten"}
    answer = web.post("/batches/CASE-17/describe", data=form, headers=OURS)
    assert (answer.status_code, answer.headers["Location"]) == (303, "/batches/CASE-17")
    batch = web.get("/api/batches/CASE-17").json
    assert (batch["tags"], batch["note"]) == (["trial A", "<b>"], "As\nwritten")
    shown = web.get("/batches/CASE-17").text
    assert "&lt;b&gt;" in shown
    assert web.post("/batches/CASE-17/describe", data={"tags": "x" * 101}, headers=OURS).status_code == 409
    assert web.post("/batches/CASE-17/retry", data={"code": "tired"}, headers=OURS).status_code == 400
    assert web.post("/batches/CASE-17/retry", data={"code": "truncated"}, headers=OURS).status_code == 303
    assert web.get("/api/batches/CASE-17").json["counts"]["new"] == 2
    assert "Tried again: 2 files with the error truncated." in web.get("/batches/CASE-17").text


def test_pages_ask_before_a_batch_is_cancelled_or_deleted(web: FlaskClient, redis_client: Redis) -> None:
    fill(redis_client, "CASE-17", files=3, finished=False)
    asked = web.get("/batches/CASE-17/cancel").text
    assert 'action="/batches/CASE-17/cancel"' in asked
    assert web.get("/api/batches/CASE-17").json["cancelled"] is False
    assert web.post("/batches/CASE-17/cancel", headers=OURS).status_code == 303
    assert web.get("/api/batches/CASE-17").json["cancelled"] is True
    assert 'action="/batches/CASE-17/delete"' in web.get("/batches/CASE-17/delete").text
    deleted = web.post("/batches/CASE-17/delete", headers=OURS)
    assert (deleted.status_code, deleted.headers["Location"]) == (303, "/")
    assert StatusStore(redis_client).batch("CASE-17").deleting  # type: ignore[union-attr]


@pytest.mark.parametrize("name", ["", "case-17", "CASE-18"])
def test_files_are_only_deleted_by_who_types_the_name(
    web: FlaskClient, folder: Path, redis_client: Redis, name: str
) -> None:
    refused = web.post("/batches/DISK/delete", data={"files": "1", "name": name}, headers=OURS)
    assert refused.status_code == 400
    assert "type the name of the batch" in refused.text
    assert not StatusStore(redis_client).batch("DISK").deleting  # type: ignore[union-attr]


def test_files_go_with_their_batch_when_its_name_is_typed(web: FlaskClient, folder: Path, redis_client: Redis) -> None:
    assert web.post("/batches/DISK/delete", data={"files": "1", "name": " DISK "}, headers=OURS).status_code == 303
    batch = StatusStore(redis_client).batch("DISK")
    assert batch
    assert (batch.deleting, batch.delete_files) == (True, True)


def test_the_folder_is_compared_before_search_follows_it(web: FlaskClient, folder: Path) -> None:
    (folder / "a").unlink()
    assert "Compare" in web.get("/batches/DISK/sync").text
    report = web.post("/batches/DISK/sync", headers=OURS)
    assert report.status_code == 200
    assert "1 file is gone" in report.text
    assert 'name="apply" value="1"' in report.text
    applied = web.post("/batches/DISK/sync", data={"apply": "1"}, headers=OURS)
    assert applied.status_code == 303
    assert "Follows its folder: 1 gone." in web.get("/batches/DISK").text


def test_the_index_is_checked_before_it_is_repaired(web: FlaskClient, folder: Path) -> None:
    report = web.post("/batches/DISK/verify", headers=OURS).text
    assert "2 differences" in report
    assert "has no document in the index" in report
    assert web.post("/batches/DISK/verify", data={"repair": "1"}, headers=OURS).status_code == 303
    assert "2 differences, repaired." in web.get("/batches/DISK").text


@pytest.mark.parametrize("what", ["retry", "cancel", "delete", "sync", "verify", "describe"])
def test_other_sites_do_nothing_with_batches(web: FlaskClient, folder: Path, what: str) -> None:
    assert web.post(f"/batches/DISK/{what}").status_code == 403
    assert web.post(f"/batches/none/{what}", headers=OURS).status_code == 404


def test_a_batch_of_which_only_counts_are_kept_leads_to_search(web: FlaskClient, redis_client: Redis) -> None:
    fill(redis_client, "CASE-17", files=2)
    assert Ledger(redis_client).shrink("CASE-17")
    page = web.get("/batches/CASE-17").text
    assert "Only the counts" in page
    assert "/search?q=batch:%22CASE-17%22" in page
    assert web.get("/api/batches/CASE-17").json["shrunk"] is True
    assert web.get("/batches/CASE-17/sync").status_code == 200
    assert web.post("/batches/CASE-17/sync", headers=OURS).status_code == 409
