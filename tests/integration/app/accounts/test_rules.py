"""Every route × every role, from the routes themselves: a new route without a rule fails here."""

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.routing import Rule as Route
from werkzeug.test import TestResponse

from app import create_app
from app.accounts.model import Role
from app.accounts.rules import RULES, Rule
from indexer.settings import Settings
from tests.accounts import ORIGIN, People, log_in, token_in

_METHODS = {"GET", "POST", "PUT", "PATCH", "DELETE"}
# On a port of its own; tried apart, below; read by its view, which asks for the token itself; tried where it is tested.
_OTHERWISE = {"metrics.metrics", "sessions.log_out", "uploads.upload", "sessions.log_in", "sessions.allowed"}


@pytest.fixture(scope="module")
def routes() -> list[Route]:
    """All routes of the application."""
    return list(create_app(Settings(metrics_port=9_464)).url_map.iter_rules())


def test_every_route_has_a_rule_and_every_rule_a_route(routes: list[Route]) -> None:
    assert {route.endpoint for route in routes} == set(RULES)


def test_who_may_do_what(guarded: Flask, people: People, routes: list[Route]) -> None:
    wrong = []
    for route in routes:
        if route.endpoint in _OTHERWISE:
            continue
        for method in sorted((route.methods or set()) & _METHODS):
            for name, role in (("nobody", None), ("masked", Role.VIEWER), *((r.label, r) for r in Role)):
                client = getattr(people, name)
                answer = _ask(client, route, method, signed_in=role is not None)
                expected = _expected(RULES[route.endpoint], role, masked=name == "masked", route=route, method=method)
                if _outcome(answer) != expected:
                    wrong.append(f"{name}: {method} {route.rule}: {answer.status} and not {expected}")
    assert not wrong, "\n".join(wrong)


def test_the_table_was_not_made_empty_by_mistake() -> None:
    changing = {name for name, rule in RULES.items() if rule.role is Role.ADMIN}
    assert {"operations.delete", "api_batches.delete_batch", "users.add", "audit.index"} <= changing
    assert all(RULES[name].role is not None for name in RULES if name.startswith(("api_search", "images", "search")))


def test_a_route_without_a_rule_is_refused(settings: Settings) -> None:
    app = create_app(settings)
    app.testing = False
    app.add_url_rule("/forgotten", "forgotten", lambda: "secret")
    answer = app.test_client().get("/forgotten")
    assert answer.status_code == 403
    assert "secret" not in answer.text


def test_signing_out_is_for_those_who_have_signed_in(guarded: Flask, people: People) -> None:
    assert people.nobody.post("/logout", headers=ORIGIN).status_code == 401
    for name in ("masked", "viewer", "operator", "admin"):
        client = guarded.test_client()
        log_in(client, name)
        assert client.post("/logout", data={"csrf_token": _token(client)}, headers=ORIGIN).status_code == 303
        assert client.get("/api/me").status_code == 401


def test_uploading_by_a_form_is_for_operators(people: People) -> None:
    for name, expected in (("nobody", 401), ("masked", 403), ("viewer", 403), ("operator", 409), ("admin", 409)):
        client = getattr(people, name)
        form = {"csrf_token": _token(client)} if name != "nobody" else {}
        answer = client.post("/upload", data=form, headers=ORIGIN, content_type="multipart/form-data")
        assert answer.status_code == expected, (name, answer.text)


def test_who_may_use_what_is_behind_nginx(people: People) -> None:
    for what, least in (("kibana", Role.VIEWER), ("flower", Role.ADMIN)):
        address = f"/-/auth?for={what}"
        assert people.nobody.get(address).status_code == 401
        assert people.masked.get(address).status_code == 403
        for role in Role:
            answer = getattr(people, role.label).get(address)
            assert answer.status_code == (204 if role >= least else 403)
    assert people.admin.get("/-/auth?for=anything").status_code == 403


def _ask(client: FlaskClient, route: Route, method: str, *, signed_in: bool) -> TestResponse:
    path = "/" + "/".join("nothing" if part.startswith("<") else part for part in route.rule.strip("/").split("/"))
    if method == "GET":
        return client.get(path)
    headers = dict(ORIGIN) | ({"X-CSRF-Token": _token(client)} if signed_in else {})
    if "/files/" in path:
        return client.open(path, method=method, headers=headers, data=b"", content_type="application/octet-stream")
    if path.startswith(("/api/", "/es/")):
        return client.open(path, method=method, headers=headers, json={})
    return client.open(path, method=method, headers=headers, data={})


def _token(client: FlaskClient) -> str:
    return token_in(client.get("/account").text)


def _outcome(answer: TestResponse) -> str:
    if answer.status_code == 401:
        return "sign in"
    if answer.status_code == 302 and answer.headers["Location"].startswith("/login"):
        return "sign in"
    if answer.status_code == 403 and "problem:not-offered" not in answer.text:
        return "refused"
    assert answer.status_code < 500, answer.text
    return "allowed"


def _expected(rule: Rule, role: Role | None, *, masked: bool, route: Route, method: str) -> str:
    if rule.role is None:
        return "allowed"
    if role is None:
        return "sign in"
    return "allowed" if role >= rule.role and (rule.deidentified or not masked) else "refused"
