"""What an APM server is told: names, numbers and places, and nothing of what was asked or found."""

from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import pytest
from elasticsearch import Elasticsearch
from flask.testing import FlaskClient
from pydantic import SecretStr
from redis import Redis

from app import create_app
from app.accounts.rules import OPEN, RULES
from indexer.observing import observed
from indexer.queue import create_app as create_queue
from indexer.services import Services, build_services
from indexer.settings import Settings
from indexer.traces import start_tracing, stop_tracing
from local.ports import free_port
from tests.integration.observing.crashing import SECRETS
from tests.integration.observing.intake import Intake, intake

NAME, _, PATIENT, UID, OTHER = SECRETS


@pytest.fixture
def apm() -> Iterator[Intake]:
    with intake() as taken:
        yield taken
    stop_tracing()


def web_of(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> FlaskClient:
    """A client of an application with a route that fails and quotes what it was asked."""
    monkeypatch.setitem(RULES, "crash", OPEN)
    app = create_app(settings)

    def crash(uid: str) -> str:
        try:
            return {NAME: ""}[uid]
        except KeyError as error:
            raise RuntimeError(f"cannot read {uid} of {PATIENT}") from error

    app.add_url_rule("/crash/<uid>", "crash", crash)
    return app.test_client()


def told(apm: Intake, settings: Settings, monkeypatch: pytest.MonkeyPatch, **headers: str) -> Intake:
    """What is told of some requests."""
    wanted = {"apm_server_url": apm.url, "apm_secret_token": SecretStr("token-17"), "apm_environment": "test"}
    web = web_of(settings.model_copy(update=wanted), monkeypatch)
    given = {
        "Cookie": f"a={NAME}",
        "User-Agent": NAME,
        "Referer": f"http://x/?q={NAME}",
        "traceparent": NAME,
        **headers,
    }
    for path in (
        f"/search?q=PatientName:{NAME}",
        f"/api/search?q=PatientID:{PATIENT}&facets=PatientName&filter=PatientName:={quote(OTHER)}",
        f"/api/search?q=PatientName:/{NAME}.*/",
        f"/api/images/{UID}",
        f"/{UID}/{PATIENT}",
        f"/crash/{UID}?q={NAME}",
    ):
        web.get(path, headers=given)
    web.post("/api/saved-searches", json={"name": NAME, "q": f"PatientName:{NAME}"}, headers=given)
    stop_tracing()
    return apm


@pytest.fixture
def quiet(settings: Settings) -> Settings:
    return settings.model_copy(update={"audit": "off"})


def test_requests_are_told_by_their_routes_and_nothing_that_was_asked(
    apm: Intake, quiet: Settings, elasticsearch: Elasticsearch, redis_client: Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    told(apm, quiet, monkeypatch)
    transactions = apm.events("transaction")
    assert [(one["name"], one["result"], one["outcome"]) for one in transactions] == [
        ("GET search.index", "HTTP 2xx", "success"),
        ("GET api_search.search", "HTTP 2xx", "success"),
        ("GET api_search.search", "HTTP 2xx", "success"),
        ("GET api_images.show_image", "HTTP 4xx", "success"),
        ("GET -", "HTTP 4xx", "success"),
        ("GET crash", "HTTP 5xx", "failure"),
        ("POST api_saved_searches.add_saved_search", "HTTP 2xx", "success"),
    ]
    assert all(one["type"] == "request" and one["duration"] >= 0 and "context" not in one for one in transactions)
    spans = apm.events("span")
    assert {one["name"] for one in spans} == {"results"}
    assert {one["transaction_id"] for one in spans} <= {one["id"] for one in transactions}
    [error] = apm.events("error")
    assert (error["exception"]["type"], error["exception"]["message"]) == ("RuntimeError", "RuntimeError")
    assert error["exception"]["cause"][0]["type"] == "KeyError"
    assert error["exception"]["stacktrace"][-1]["function"] == "crash"
    assert error["transaction_id"] in {one["id"] for one in transactions}
    metadata = apm.events("metadata")[0]
    assert (metadata["service"]["name"], metadata["service"]["environment"]) == ("dicomsearch", "test")
    assert {headers["Authorization"] for headers in apm.headers} == {"Bearer token-17"}
    everything = "\n".join([*apm.texts, *map(str, apm.headers)])
    assert [secret for secret in SECRETS if secret in everything or quote(secret) in everything] == []


def test_variables_of_the_agent_itself_let_nothing_more_out(
    apm: Intake, quiet: Settings, elasticsearch: Elasticsearch, redis_client: Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in (
        ("COLLECT_LOCAL_VARIABLES", "all"),
        ("CAPTURE_BODY", "all"),
        ("CAPTURE_HEADERS", "true"),
        ("SOURCE_LINES_ERROR_APP_FRAMES", "9"),
    ):
        monkeypatch.setenv(f"ELASTIC_APM_{name}", value)
    told(apm, quiet, monkeypatch)
    [error] = apm.events("error")
    assert set(error["exception"]["stacktrace"][-1]) <= {
        *("filename", "abs_path", "module", "function", "lineno", "library_frame")
    }
    assert [secret for secret in SECRETS if secret in "\n".join(apm.texts)] == []


def test_tasks_are_told_by_their_names_and_errors_by_their_types(
    apm: Intake, settings: Settings, elasticsearch: Elasticsearch, redis_client: Redis
) -> None:
    services: Services = build_services(settings.model_copy(update={"apm_server_url": apm.url}))
    celery = create_queue(settings)

    @celery.task(shared=False, name="tests.task", base=observed(lambda: services))
    def task(batch: str, value: str) -> None:
        if value:
            raise RuntimeError(f"cannot index {value}")

    task.apply(args=["CASE-17", ""])
    task.apply(args=["CASE-17", PATIENT])
    stop_tracing()
    assert [(one["name"], one["type"], one["result"]) for one in apm.events("transaction")] == [
        ("tests.task", "task", "SUCCESS"),
        ("tests.task", "task", "FAILURE"),
    ]
    [error] = apm.events("error")
    assert error["exception"]["message"] == "RuntimeError"
    assert PATIENT not in "\n".join(apm.texts)


def test_a_server_that_is_away_changes_no_answer(
    quiet: Settings, elasticsearch: Elasticsearch, redis_client: Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    nobody = f"http://127.0.0.1:{free_port()}"
    web = web_of(quiet.model_copy(update={"apm_server_url": nobody}), monkeypatch)
    try:
        assert web.get(f"/api/search?q={NAME}").json["total"] == 0
        assert web.get(f"/crash/{UID}").status_code == 500
    finally:
        stop_tracing()


def test_nothing_is_traced_unless_a_server_is_named(tmp_path: Path) -> None:
    from indexer import traces

    start_tracing(Settings(home=tmp_path))
    assert traces._running == []
