"""Saved searches of users: their own, and what others share."""

from flask import Flask
from flask.testing import FlaskClient
from redis import Redis

from tests.accounts import ORIGIN, People, token_in

API = "/api/saved-searches"


def _headers(web: FlaskClient) -> dict[str, str]:
    return ORIGIN | {"X-CSRF-Token": token_in(web.get("/account").text)}


def _save(web: FlaskClient, name: str, *, shared: bool) -> str:
    answer = web.post(API, json={"name": name, "q": "Modality:CT", "shared": shared}, headers=_headers(web))
    assert answer.status_code == 201, answer.text
    return str(answer.json["id"])  # type: ignore[index]


def _names(web: FlaskClient) -> set[tuple[str, str]]:
    return {(one["name"], one["owner"]) for one in web.get(API).json["results"]}  # type: ignore[index]


def test_one_sees_ones_own_and_what_is_shared(guarded: Flask, people: People) -> None:
    private = _save(people.viewer, "Doe", shared=False)
    _save(people.viewer, "Thin CT", shared=True)
    _save(people.operator, "doe", shared=False)  # names are unique among one's own
    assert _names(people.viewer) == {("Doe", "viewer"), ("Thin CT", "viewer")}
    assert _names(people.operator) == {("doe", "operator"), ("Thin CT", "viewer")}
    assert _names(people.admin) == {("Thin CT", "viewer")}
    assert people.operator.get(f"{API}/{private}").status_code == 404
    assert people.operator.delete(f"{API}/{private}", headers=_headers(people.operator)).status_code == 404
    page = people.operator.get("/saved-searches").text
    assert "shared by viewer" in page
    assert "Doe" not in page


def test_what_others_share_is_changed_by_administrators_alone(guarded: Flask, people: People) -> None:
    shared = f"{API}/{_save(people.viewer, 'Thin CT', shared=True)}"
    body = {"name": "Thick CT", "q": "", "shared": True}
    assert people.operator.put(shared, json=body, headers=_headers(people.operator)).status_code == 403
    assert people.operator.delete(shared, headers=_headers(people.operator)).status_code == 403
    assert people.admin.put(shared, json=body, headers=_headers(people.admin)).status_code == 200
    assert _names(people.viewer) == {("Thick CT", "viewer")}
    assert people.viewer.put(shared, json=body | {"shared": False}, headers=_headers(people.viewer)).status_code == 200
    assert _names(people.admin) == set()


def test_those_from_before_there_were_accounts_are_shared(guarded: Flask, people: People, redis_client: Redis) -> None:
    old = '{"name": "Old", "state": {"q": "Modality:CT"}, "add_date": "2026-03-02T09:14:07.512+00:00", "modify_date": "2026-03-02T09:14:07.512+00:00"}'  # noqa: E501
    redis_client.hset("saved-searches", "0123456789abcdef", old)
    assert _names(people.viewer) == {("Old", "local")}
