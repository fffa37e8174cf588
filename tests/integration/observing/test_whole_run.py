"""What web, worker and watcher say of a whole run: each line an object, and none with a value of a header."""

import pytest

from tests.integration.observing.conftest import REQUEST_ID, Run
from tests.integration.observing.crashing import SECRETS


@pytest.mark.parametrize("secret", SECRETS)
def test_no_value_of_a_header_is_in_any_log(run: Run, secret: str) -> None:
    assert secret not in run.running.log()
    assert ascii(secret)[1:-1] not in run.running.log()


def test_every_line_is_an_object_that_says_when_and_who(run: Run) -> None:
    lines = run.lines
    assert {line["service"] for line in lines} == {"web", "worker", "watcher"}
    assert all(line["event"] and line["level"] for line in lines)


def test_each_request_has_one_line_with_its_route_and_its_id(run: Run) -> None:
    lines = [line for line in run.lines if line["event"] == "request"]
    for path, id_ in run.ids.items():
        [line] = [line for line in lines if line["request_id"] == id_]
        assert "?" not in line["route"], path
        assert line["seconds"] >= 0
        # The route that fails is open to all, so that nobody asks who it is.
        who = (None, None) if line["endpoint"] == "crash" else ("local", "local")
        assert (line["user"], line["via"]) == who
    by_endpoint = {line["endpoint"]: line for line in lines}
    assert by_endpoint["images.show"]["route"] == "/images/<image>"
    assert by_endpoint["api_exports.export"]["bytes"] > 100
    assert by_endpoint["search.index"]["bytes"] > 1_000
    assert by_endpoint[None]["route"] == "-"
    assert by_endpoint["crash"]["status"] == 500


def test_an_error_is_told_by_its_type_and_place(run: Run) -> None:
    [failed] = [line for line in run.lines if line["event"] == "request failed"]
    assert (failed["error"], failed["route"]) == ("RuntimeError", "/crash/<uid>")
    assert failed["at"][-1].startswith("crashing.py:")
    [task] = [line for line in run.lines if line.get("exception") == "RuntimeError" and line["service"] == "worker"]
    assert task["batch"] == "CASE-CRASH"
    assert task["at"][-1].startswith("crashing.py:")
    assert [line for line in run.lines if line.get("kind") == "UserWarning"]


def test_tasks_carry_the_id_of_the_request_that_wanted_them(run: Run) -> None:
    assert run.ids["retry"] == REQUEST_ID
    worked = [line for line in run.lines if line["service"] == "worker" and line.get("request_id") == REQUEST_ID]
    assert {line["batch"] for line in worked} == {"CASE-17"}
    assert all(line["task_id"] for line in worked)


@pytest.mark.parametrize("given", ["", "short", "has spaces in it", "x" * 65, "läßt-sich-nicht"])
def test_an_id_that_makes_no_sense_is_replaced(run: Run, given: str) -> None:
    answer = run.get("/healthz", **{"X-Request-ID": given.encode().decode("latin-1")})
    assert len(answer[2]["X-Request-ID"]) == 32


def test_metrics_are_on_their_own_port_alone(run: Run) -> None:
    port = run.settings.metrics_port
    assert run.get("/metrics")[0] == 404
    assert run.get("/metrics", **{"X-Forwarded-Port": str(port), "Host": f"127.0.0.1:{port}"})[0] == 404
    assert run.get("/metrics", port=port)[0] == 200
    for path in ("/", "/search?q=x", "/api/search", "/healthz", "/static/theme.css", "/nothing", "/metrics/"):
        assert run.get(path, port=port)[:2] == (404, "This port answers /metrics.\n")


def test_metrics_count_what_all_processes_did(run: Run) -> None:
    samples = dict(line.rsplit(" ", 1) for line in run.metrics.splitlines() if not line.startswith("#"))
    found = {name: float(value) for name, value in samples.items()}
    assert found['dicomsearch_images_total{code="",outcome="done"}'] == 3
    assert found['dicomsearch_images_total{code="truncated",outcome="error"}'] == 2  # it was tried again
    assert found['dicomsearch_images_total{code="",outcome="ignored"}'] == 1
    assert found["dicomsearch_image_duplicates_total"] >= 1
    assert found["dicomsearch_image_file_bytes_total"] > 3 * 39_000
    assert found["dicomsearch_bulk_request_documents_sum"] == 3
    assert found["dicomsearch_bulk_request_seconds_count"] >= 1
    assert found['dicomsearch_task_failures_total{task="dicomsearch.finish_batch"}'] == 1
    assert found['dicomsearch_http_requests_total{endpoint="crash",status="5xx"}'] == 1
    assert found['dicomsearch_http_requests_total{endpoint="images.show",status="2xx"}'] == 1
    for kind in ("page", "api", "facets", "export"):
        assert found[f'dicomsearch_search_seconds_count{{kind="{kind}"}}'] >= 1, kind
    assert found['dicomsearch_batches{status="done"}'] == 1
    assert found["dicomsearch_workers_alive"] == found["dicomsearch_watcher_alive"] == 1
    assert found["dicomsearch_redis_up"] == found["dicomsearch_elasticsearch_up"] == 1
    assert found["dicomsearch_index_documents"] == 2
    assert found["dicomsearch_index_size_bytes"] > 1_000
    assert not [secret for secret in SECRETS if secret in run.metrics]
