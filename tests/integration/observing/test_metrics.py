"""`/metrics`: what it tells of a status, also of a large one, and while services are away."""

import re
import time
from pathlib import Path

import pytest
import yaml
from elasticsearch import Elasticsearch
from flask.testing import FlaskClient
from pydantic import SecretStr
from redis import Redis

from app import create_app
from indexer.queue import TaskQueue, queued_at
from indexer.queue import create_app as create_queue
from indexer.settings import Settings
from indexer.status import ErrorCode, Gate, ImageStatus, Lease, Leases, Ledger, Outcome, Presence
from indexer.status.ledger import FoundFile
from indexer.status.totals import read_totals
from local.ports import free_port
from local.redis import redis_service, redis_url
from local.service import Service
from tests.conftest import REPOSITORY

PORT = 9464
MONITORING = REPOSITORY / "monitoring"


@pytest.fixture
def measured(settings: Settings) -> Settings:
    return settings.model_copy(update={"metrics_port": PORT})


@pytest.fixture
def web(measured: Settings, redis_client: Redis) -> FlaskClient:
    return create_app(measured).test_client()


def samples(web: FlaskClient) -> dict[str, float]:
    """What is told: sample with labels → value."""
    answer = web.get("/metrics", base_url=f"http://localhost:{PORT}")
    assert answer.status_code == 200
    assert answer.content_type == "text/plain; version=0.0.4; charset=utf-8"
    lines = [line.rsplit(" ", 1) for line in answer.text.splitlines() if not line.startswith("#")]
    return {name: float(value) for name, value in lines}


@pytest.fixture
def ledger(redis_client: Redis) -> Ledger:
    return Ledger(redis_client)


def begun(ledger: Ledger, batch: str, images: int = 3) -> list[FoundFile]:
    """Files of a batch that a task has taken."""
    ledger.add(batch, batch, f"/in/{batch}", "watcher", "1")
    files = [FoundFile(f"{at}.dcm", 100, "1") for at in range(images)]
    ledger.register(batch, files)
    ledger.registered(batch)
    return ledger.begin(batch, [file.path for file in files])


def test_images_are_counted_once_and_never_less(web: FlaskClient, ledger: Ledger) -> None:
    one, two, three = begun(ledger, "CASE-1")
    outcomes = [
        Outcome(one, ImageStatus.DONE, uid="1", duplicate=True),
        Outcome(two, ImageStatus.ERROR, code=ErrorCode.EMPTY, reason="it is empty"),
        Outcome(three, ImageStatus.IGNORED),
    ]
    ledger.settle("CASE-1", outcomes)
    ledger.settle("CASE-1", outcomes)  # a task that was delivered twice
    counted = {name: value for name, value in samples(web).items() if name.startswith("dicomsearch_image") and value}
    assert counted == {
        'dicomsearch_images_total{code="",outcome="done"}': 1,
        'dicomsearch_images_total{code="",outcome="ignored"}': 1,
        'dicomsearch_images_total{code="empty",outcome="error"}': 1,
        "dicomsearch_image_duplicates_total": 1,
        "dicomsearch_image_file_bytes_total": 300,
    }
    ledger.mark_deleting("CASE-1", files=False)
    ledger.delete("CASE-1")
    found = samples(web)
    assert {name: found[name] for name in counted} == counted
    assert found['dicomsearch_batches{status="done"}'] == 0


def test_cancelled_images_are_errors(web: FlaskClient, ledger: Ledger) -> None:
    ledger.add("CASE-1", "CASE-1", "/in/CASE-1", "watcher", "1")
    ledger.register("CASE-1", [FoundFile("1.dcm", 100, "1")])
    ledger.cancel("CASE-1")
    assert samples(web)['dicomsearch_images_total{code="cancelled",outcome="error"}'] == 1


def test_batches_queue_and_processes_are_told_as_they_are(
    web: FlaskClient, ledger: Ledger, redis_client: Redis, measured: Settings
) -> None:
    done = begun(ledger, "DONE", 1)
    ledger.settle("DONE", [Outcome(done[0], ImageStatus.DONE, uid="1")])
    ledger.finish("DONE")
    begun(ledger, "BUSY", 2)
    ledger.add("NEW", "NEW", "/in/NEW", "watcher", "1")
    redis_client.hset("batch:NEW", mapping={"add_date": time.time() - 1_000, "modify_date": time.time() - 500})
    presence = Presence(redis_client, 60)
    presence.worker_beats("idle")
    presence.worker_beats("busy")
    presence.watcher_beats("/in", None)
    presence.worked("busy", 300)
    presence.waits("Elasticsearch does not answer")
    Leases(redis_client, 60).start(Lease("a", "BUSY", ("0.dcm",)), "busy")
    Gate(redis_client).close()
    TaskQueue(create_queue(measured), redis_client).index(Lease("a", "BUSY", ("0.dcm",)))
    assert (queued_at(redis_client.lindex("dicomsearch", -1)) or 0) > time.time() - 60
    found = samples(web)
    assert found['dicomsearch_batches{status="new"}'] == 1
    assert found['dicomsearch_batches{status="processing"}'] == 1
    assert found['dicomsearch_batches{status="done"}'] == 1
    assert found['dicomsearch_images_open{status="processing"}'] == 2
    assert 1_000 <= found["dicomsearch_batch_oldest_open_seconds"] < 1_100
    assert 500 <= found["dicomsearch_batch_longest_still_seconds"] < 600
    assert found["dicomsearch_queue_tasks"] == 1
    assert 0 <= found["dicomsearch_queue_oldest_seconds"] < 60
    assert (found["dicomsearch_workers_alive"], found["dicomsearch_workers_busy"]) == (2, 1)
    assert found["dicomsearch_images_per_second"] > 1
    assert found["dicomsearch_watcher_alive"] == 1
    assert found["dicomsearch_gate_closings_total"] == 1
    assert "dicomsearch_indexing_waits_seconds" in found
    assert found["dicomsearch_redis_memory_bytes"] > 100_000


def test_of_very_many_open_batches_only_some_are_looked_at(redis_client: Redis) -> None:
    pipeline = redis_client.pipeline()
    for at in range(400):
        values = {
            "status": "NEW" if at % 2 else "PROCESSING",
            "new": 10,
            "processing": 0,
            "add_date": at,
            "modify_date": at,
        }
        pipeline.hset(f"batch:{at}", mapping=values)
        pipeline.zadd("batches", {str(at): at})
        pipeline.sadd("batches:active", at)
    pipeline.zadd("batches", {"done": 1})
    pipeline.execute()
    exact = read_totals(redis_client)
    assert (exact.new, exact.processing, exact.done, exact.images_new, exact.oldest) == (200, 200, 1, 4_000, 0.0)
    about = read_totals(redis_client, most=100)
    assert about.new + about.processing == 400
    assert (about.done, about.images_new) == (1, 4_000)


def test_the_index_is_told_when_there_is_one(web: FlaskClient, elasticsearch: Elasticsearch) -> None:
    found = samples(web)
    assert found["dicomsearch_elasticsearch_up"] == 1
    assert sum(found[f'dicomsearch_elasticsearch_health{{status="{c}"}}'] for c in ("green", "yellow", "red")) == 1
    assert found["dicomsearch_index_documents"] == 0
    assert found["dicomsearch_index_size_bytes"] > 0


def test_while_elasticsearch_is_away_the_rest_is_told(measured: Settings, redis_client: Redis) -> None:
    away = measured.model_copy(update={"elasticsearch_url": f"http://127.0.0.1:{free_port()}"})
    found = samples(create_app(away).test_client())
    assert (found["dicomsearch_elasticsearch_up"], found["dicomsearch_redis_up"]) == (0, 1)
    assert found["dicomsearch_queue_tasks"] == 0
    assert "dicomsearch_index_documents" not in found


def test_while_redis_is_away_requests_go_on_and_are_counted_later(
    measured: Settings, elasticsearch: Elasticsearch, tmp_path: Path
) -> None:
    port = free_port()
    own = Service(redis_service(tmp_path, port=port, password="b1c2d3"), tmp_path / "redis.log")
    url = redis_url(port, "b1c2d3")
    web = create_app(measured.model_copy(update={"audit": "off", "redis_url": url})).test_client()
    # A request is counted when its answer has gone out.
    assert web.get("/api/search", buffered=True).status_code == 200
    found = samples(web)
    assert (found["dicomsearch_redis_up"], found["dicomsearch_elasticsearch_up"]) == (0, 1)
    assert "dicomsearch_queue_tasks" not in found
    own.start()
    try:
        own.wait_ready()
        found = samples(web)
    finally:
        own.stop()
    assert found["dicomsearch_redis_up"] == 1
    assert found['dicomsearch_http_requests_total{endpoint="api_search.search",status="2xx"}'] == 1
    assert found['dicomsearch_search_seconds_count{kind="api"}'] == 1


def test_nothing_is_counted_where_metrics_have_no_port(settings: Settings, redis_client: Redis) -> None:
    app = create_app(settings)
    web = app.test_client()
    web.get("/healthz")
    assert web.get("/metrics").status_code == 404
    app.extensions["dicomsearch-meter"].flush()
    assert redis_client.hgetall("metrics") == {}


def test_what_cannot_sign_in_is_counted(measured: Settings, redis_client: Redis) -> None:
    key = SecretStr("0123456789abcdef" * 4)
    needed = measured.model_copy(update={"audit": "off", "host": "0.0.0.0", "secret_key": key})
    web = create_app(needed).test_client()
    assert web.get("/api/batches", headers={"Authorization": "Bearer dst_wrong"}).status_code == 401
    found = samples(web)  # which asks nobody to sign in
    assert found['dicomsearch_sign_in_failures_total{way="token"}'] == 1
    assert found['dicomsearch_sign_in_failures_total{way="password"}'] == 0


@pytest.fixture
def told(web: FlaskClient, elasticsearch: Elasticsearch) -> set[str]:
    """Names of all samples that there are, also of those that a first event makes."""
    web.get("/healthz")
    answer = web.get("/metrics", base_url=f"http://localhost:{PORT}").text
    families = re.findall(r"^# TYPE (\w+) (\w+)$", answer, re.M)
    return {
        name + end
        for name, kind in families
        for end in (("_bucket", "_sum", "_count") if kind == "histogram" else ("",))
    }


def rules() -> list[dict[str, object]]:
    groups = yaml.safe_load((MONITORING / "alerts.yml").read_text())["groups"]
    return [rule for group in groups for rule in group["rules"]]


def test_alerts_are_about_metrics_that_there_are(told: set[str]) -> None:
    for rule in rules():
        named = set(re.findall(r"\bdicomsearch_\w+", str(rule["expr"])))
        assert named <= told, rule["alert"]
        assert named or "up{" in str(rule["expr"])
        assert set(rule) <= {"alert", "expr", "for", "labels", "annotations"}
        assert str(rule["expr"]).count("(") == str(rule["expr"]).count(")")
    assert len({rule["alert"] for rule in rules()}) == len(rules())


def test_the_document_has_every_metric_and_every_alert(told: set[str]) -> None:
    text = (REPOSITORY / "docs" / "operations.md").read_text()
    for name in told:
        assert f"`{re.sub('_(bucket|sum|count)$', '', name).removeprefix('dicomsearch_')}" in text, name
    for rule in rules():
        assert f"`{rule['alert']}`" in text


def test_prometheus_asks_the_port_of_the_deployment(tmp_path: Path) -> None:
    configuration = yaml.safe_load((MONITORING / "prometheus.yml").read_text())
    assert configuration["rule_files"] == ["alerts.yml"]
    [job] = configuration["scrape_configs"]
    assert job["job_name"] == "dicomsearch"
    assert job["static_configs"] == [{"targets": [f"web:{PORT}"]}]
