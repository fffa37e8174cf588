"""Every route is in the table of the audit log, and each that is recorded is, with what it is about."""

from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from redis import Redis

from app import create_app
from app.accounts.rules import RULES
from app.audit.routes import ROUTES, Recorded, Unrecorded
from indexer.settings import Settings
from tests.archive import Indexed
from tests.auditing import last_in, records_in
from tests.serving import served

# What stands for each part of an address, and the kind that it has in the log.
PARTS = {
    "batch": "BATCH-1",
    "keyword": "PatientName",
    "upload": "0123456789abcdef0123456789abcdef",
    "search": "0123456789abcdef",
    "name": "anna",
    "token": "0123456789abcdef",
    "path": "a.dcm",
    "filename": "theme.css",
    "endpoint": "_search",
}
KINDS = {"image": "image", "batch": "batch", "keyword": "field", "upload": "upload", "name": "user", "token": "token"}
# Asked with a method and an address of their own: `test_es` of the query API looks at it.
ELSEWHERE = ("es.", "metrics.")


def rules(app: Flask) -> dict[str, Any]:
    return {rule.endpoint: rule for rule in app.url_map.iter_rules()}


def test_every_route_is_in_the_table(application: Flask) -> None:
    there = set(rules(application))
    missing = there - ROUTES.keys()
    assert not missing, f"say in app/audit/routes.py as what they are recorded, or why not: {sorted(missing)}"
    assert ROUTES.keys() - there - RULES.keys() == set(), "these are no routes any more"


def test_what_changes_something_is_recorded(application: Flask) -> None:
    """Whatever is no question is recorded; the steps of an upload are by its end."""
    steps = {"api_uploads.put_file"}
    for endpoint, rule in rules(application).items():
        if {"POST", "PUT", "PATCH", "DELETE"} & rule.methods and not endpoint.startswith(ELSEWHERE):
            assert isinstance(ROUTES[endpoint], Recorded) or endpoint in steps, endpoint


def test_every_reason_says_something() -> None:
    assert all(len(route.why) > 10 for route in ROUTES.values() if isinstance(route, Unrecorded))


RECORDED = sorted(endpoint for endpoint, route in ROUTES.items() if isinstance(route, Recorded))


@pytest.mark.parametrize("endpoint", [one for one in RECORDED if not one.startswith(ELSEWHERE)])
def test_each_request_is_recorded_as_what_it_is(
    application: Flask, web: FlaskClient, redis_client: Redis, images: list[Indexed], endpoint: str
) -> None:
    rule = rules(application)[endpoint]
    parts = {name: PARTS.get(name, images[0].id if name == "image" else "x") for name in rule.arguments}
    with application.test_request_context():
        address = rule.build(parts, append_unknown=False)[1]
    method = next(iter(rule.methods - {"HEAD", "OPTIONS"}))
    is_api = address.startswith("/api/")
    body = {"json": {}} if is_api and method in ("POST", "PUT", "PATCH") else {}
    answer = web.open(address, method=method, headers={"Origin": "http://localhost"}, **body)
    event = last_in(redis_client)
    assert event.operation == ROUTES[endpoint].operation.title  # type: ignore[union-attr]
    assert len(records_in(redis_client)) == 1
    assert (event.user, event.role, event.via, event.address) == ("local", "admin", "local", "127.0.0.1")
    assert (event.outcome == "success") is (answer.status_code < 400)
    assert event.description == ("" if answer.status_code < 400 else answer.status.title().replace("Of", "of"))
    answer.close()
    named = {(one.kind, one.id) for one in event.objects}
    assert {(KINDS[name], value) for name, value in parts.items() if name in KINDS} <= named


def test_questions_of_machines_are_not_recorded(web: FlaskClient, redis_client: Redis) -> None:
    for address in ("/healthz", "/readyz", "/static/theme.css", "/", "/api/batches", "/api/headers", "/api/docs"):
        with web.get(address) as answer:
            assert answer.status_code == 200
    assert web.get("/no/such/page").status_code == 404
    assert web.open("/search", method="OPTIONS").status_code == 200
    assert records_in(redis_client) == []


def test_nothing_is_recorded_where_the_log_is_off(
    audited: Settings, images: list[Indexed], redis_client: Redis
) -> None:
    web = create_app(audited.model_copy(update={"audit": "off"})).test_client()
    assert web.get("/search?q=chest").status_code == 200
    assert redis_client.exists("audit") == 0
    assert "Nothing is recorded" in web.get("/audit").text


def test_requests_that_come_at_once_are_one_chain(application: Flask, redis_client: Redis) -> None:
    """Through a real port and threads: every request has an event, and their numbers are without a gap."""
    import concurrent.futures
    import urllib.request

    with served(application) as address, concurrent.futures.ThreadPoolExecutor(8) as pool:

        def ask(number: int) -> int:
            with urllib.request.urlopen(f"{address}/api/search?q=Rows:{number}&size=0", timeout=60) as answer:
                return int(answer.status)

        assert set(pool.map(ask, range(40))) == {200}
    entries: Any = redis_client.xrange("audit")
    assert [int(fields["number"]) for _, fields in entries] == list(range(1, 41))
    assert [fields["previous"] for _, fields in entries[1:]] == [fields["hash"] for _, fields in entries[:-1]]
    asked = {one.objects[0].query for one in records_in(redis_client)}
    assert asked == {f"Rows:{number}" for number in range(40)}
