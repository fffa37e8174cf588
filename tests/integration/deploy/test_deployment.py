"""The services with the commands, variables and health checks of docker-compose.yml, behind a real nginx.

What is missing is the containers: addresses are those of this machine, and Redis is the embedded one.
"""

import gzip
import json
import secrets
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from elasticsearch import NotFoundError
from pydicom.data import get_testdata_file

from indexer.status import connect
from local.ports import free_port
from local.readiness import http_status
from tests.integration.deploy.compose_file import REQUIRED, services_of
from tests.integration.deploy.deployment import Deployment
from tests.integration.deploy.proxy import Answer, nginx
from tests.integration.deploy.upstreams import NOWHERE
from tests.processes import wait_for

CSS = "/static/theme.css"
PAGES = ("/", "/search", "/search?q=Modality:CT", "/batches/CASE-17", "/api/docs")
ANSWERS_OF_API = ("/api/batches", "/api/search?q=Modality:CT", "/api/openapi.json")
REFUSALS = ("/nothing", "/api/nothing", "/api/search?q=Modality:(")
OWN = ("web", "worker", "watcher", "flower")

# Three nodes of Elasticsearch are started here, beside all other services.
pytestmark = pytest.mark.timeout(600)


@pytest.fixture(scope="module")
def deployment(redis_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Deployment]:
    """Everything but Kibana and Prometheus, with one batch in it; the first user has signed in."""
    values = REQUIRED | {"DICOMSEARCH_ELASTICSEARCH_HEAP_MB": "512"}
    folder = Path(tempfile.mkdtemp(prefix="dicomsearch-deployment-"))
    folder.chmod(0o755)
    own_redis = redis_url.removesuffix("/0") + "/7"
    deployed = Deployment(services_of(tmp_path_factory.mktemp("compose"), values), folder, own_redis)
    try:
        assert deployed.run("setup-files").returncode == 0
        deployed.nodes.start("elasticsearch")
        for step in ("setup-index", "setup-users"):
            done = deployed.run(step)
            assert done.returncode == 0, done.stderr
        for service in OWN:
            deployed.start(service)
        certificates = str(deployed.setup / "nginx")
        with nginx(
            deployed.address, flower=deployed.flower_address, kibana=NOWHERE, NGINX_CERTIFICATES=certificates
        ) as proxy:
            proxy.ca = deployed.setup / "trust" / "ca.crt"
            deployed.proxy = proxy
            for service in OWN:
                deployed.wait_until_healthy(service)
            assert deployed.sign_in("admin", REQUIRED["DICOMSEARCH_ADMIN_PASSWORD"]).status == 303
            deployed.deliver(str(get_testdata_file("CT_small.dcm")), "CASE-17")
            wait_for(lambda: _is_done(deployed, "CASE-17"), 60)
            yield deployed
    finally:
        deployed.end()
        with connect(own_redis) as client:
            client.flushdb()
        shutil.rmtree(folder)


def _is_done(deployed: Deployment, batch: str) -> bool:
    answer = deployed.ask(f"/api/batches/{batch}")
    return answer.status == 200 and json.loads(answer.body)["status"] == "DONE"


def test_a_folder_in_the_watched_folder_is_found_through_nginx(deployment: Deployment) -> None:
    assert deployment.json("/api/batches/CASE-17")["counts"]["done"] == 1
    [found] = deployment.json("/api/search?q=Modality:CT&fields=Modality")["results"]
    assert found["fields"]["Modality"] == "CT"
    assert deployment.json("/readyz")["status"] == "ok"


def test_who_has_not_signed_in_sees_nothing(deployment: Deployment) -> None:
    assert deployment.proxy is not None
    page = deployment.proxy.ask("/search?q=Modality:CT")
    assert page.status in {302, 303}
    assert (page.header("Location") or "").startswith("/login?next=")
    for path in ("/api/search?q=Modality:CT", "/api/batches", "/es/dicom-images/_search"):
        assert deployment.proxy.ask(path).status == 401
    assert deployment.sign_in("admin", "some other password").status == 401


@pytest.mark.parametrize("step", ["setup-files", "setup-index", "setup-users"])
def test_a_step_that_is_done_again_changes_nothing(deployment: Deployment, step: str) -> None:
    before = {path: path.read_bytes() for path in deployment.setup.rglob("*") if path.is_file()}
    done = deployment.run(step)
    assert done.returncode == 0, done.stderr
    assert {path: path.read_bytes() for path in deployment.setup.rglob("*") if path.is_file()} == before
    assert deployment.json("/api/search?q=Modality:CT")["total"] == 1


def test_the_files_of_each_service_are_read_by_their_group_and_nobody_else(deployment: Deployment) -> None:
    deployment.run("setup-files")
    modes = {
        str(path.relative_to(deployment.setup)): oct(path.stat().st_mode)[-3:]
        for path in deployment.setup.rglob("*")
        if path.parent != deployment.setup or path.name != "authority"
    }
    assert modes["authority/ca.key"] == "600"
    assert {modes[f"nginx/{name}"] for name in ("tls.key",)} == {"640"}
    assert {modes[f"elasticsearch/{name}"] for name in ("tls.key", "users", "service_tokens")} == {"640"}
    assert modes["trust/ca.crt"] == "644"


@pytest.mark.parametrize("service", OWN)
def test_the_health_check_of_a_container_passes_while_its_service_works(deployment: Deployment, service: str) -> None:
    checked = deployment.check(service)
    assert checked.returncode == 0, checked.stderr


@pytest.mark.parametrize("service", ["web", "worker", "watcher"])
def test_the_health_check_of_a_container_fails_without_its_service(
    deployment: Deployment, redis_url: str, service: str
) -> None:
    elsewhere = redis_url.removesuffix("/0") + "/8"
    checked = deployment.check(service, DICOMSEARCH_REDIS_URL=elsewhere, DICOMSEARCH_PORT=str(free_port()))
    assert checked.returncode == 2
    assert f"Error: the {service} of " in checked.stderr


def test_the_health_check_says_when_redis_is_away(deployment: Deployment) -> None:
    checked = deployment.check("worker", DICOMSEARCH_REDIS_URL="redis://127.0.0.1:1/0")
    assert checked.returncode == 2
    assert checked.stderr.count("\n") == 1
    assert "Redis" in checked.stderr


def test_the_health_check_of_elasticsearch_passes_only_while_it_answers(deployment: Deployment) -> None:
    assert deployment.nodes.check("elasticsearch") == 0
    shutil.copytree(
        deployment.nodes.folder("elasticsearch") / "config", deployment.nodes.folder("elasticsearch-2") / "config"
    )
    assert deployment.nodes.check("elasticsearch-2") == 1


def test_metrics_are_answered_on_a_port_of_their_own_and_nothing_else_is(deployment: Deployment) -> None:
    host, _, port = deployment.metrics_address.partition(":")
    assert http_status(host, int(port), "/metrics") == 200
    assert http_status(host, int(port), "/api/batches") == 404
    assert deployment.ask("/metrics").status == 404


def test_only_administrators_reach_flower(deployment: Deployment) -> None:
    answer = deployment.ask("/flower/workers")
    assert answer.status == 200
    assert b"Flower" in answer.body
    assert deployment.ask("/flower/static/css/flower.css").status == 200
    assert deployment.proxy is not None
    assert deployment.proxy.ask("/flower/workers").status == 401
    assert deployment.proxy.ask("/flower/api/workers").status == 401


def test_kibana_is_asked_for_by_the_application_first(deployment: Deployment) -> None:
    assert "Kibana does not answer" in deployment.ask("/kibana/").body.decode()
    assert deployment.proxy is not None
    assert deployment.proxy.ask("/kibana/").status == 401


@pytest.mark.parametrize("path", [*PAGES, *ANSWERS_OF_API, *REFUSALS, CSS, "/healthz"])
def test_every_answer_of_the_application_has_each_security_header_once(deployment: Deployment, path: str) -> None:
    answer = deployment.ask(path)
    assert answer.status in ({400, 404} if path in REFUSALS else {200})
    for name, value in {
        "Content-Security-Policy": "default-src 'none'",
        "X-Content-Type-Options": "nosniff",
        "X-Frame-Options": "DENY",
        "Referrer-Policy": "same-origin",
        "Cross-Origin-Opener-Policy": "same-origin",
        "Permissions-Policy": "camera=()",
        "Cache-Control": "no-",
    }.items():
        assert (answer.header(name) or "").startswith(value)
    assert "unsafe-inline" not in (answer.header("Content-Security-Policy") or "")


@pytest.mark.parametrize("path", ["/", "/api/batches", "/nothing", "/kibana/", "/-/page.css"])
def test_no_answer_tells_the_version_of_a_server(deployment: Deployment, path: str) -> None:
    answer = deployment.ask(path)
    assert answer.header("Server") == "nginx"
    assert not answer.names & {"x-powered-by", "via"}
    assert b"nginx/" not in answer.body
    assert b"gunicorn" not in answer.body


GZIP = {"Accept-Encoding": "gzip"}


def unpacked(answer: Answer) -> bytes:
    assert answer.header("Content-Encoding") == "gzip"
    return gzip.decompress(answer.body)


@pytest.mark.parametrize("path", [CSS, "/api/docs/static/css/swagger-ui.css"])
def test_what_is_the_same_for_everybody_is_compressed_for_those_who_take_it(deployment: Deployment, path: str) -> None:
    plain = deployment.ask(path)
    packed = deployment.ask(path, **GZIP)
    assert plain.header("Content-Encoding") is None
    assert len(packed.body) < len(plain.body) / 2
    assert unpacked(packed) == plain.body
    assert "Accept-Encoding" in (packed.header("Vary") or "")


@pytest.mark.parametrize("path", ["/search?q=Modality:CT", "/api/search?q=Modality:CT", "/api/openapi.json"])
def test_what_the_one_who_has_signed_in_gets_is_not_compressed(deployment: Deployment, path: str) -> None:
    assert deployment.ask(path, **GZIP).header("Content-Encoding") is None


TRAVERSALS = [
    f"{start}{step * 8}etc/passwd"
    for start in ("/", "/static/", "/-/", "/-", "/api/docs/static/", "/images/", "/kibana/")
    for step in ("../", "..%2f", "%2e%2e/", "%2e%2e%2f", "..%5c", "....//", "..%252f", "..;/")
]


@pytest.mark.parametrize("path", TRAVERSALS)
def test_no_path_leads_to_a_file_of_the_machine(deployment: Deployment, path: str) -> None:
    answer = deployment.ask(path)
    assert answer.status in {400, 403, 404, 502}  # 502: there is no Kibana here
    assert b"root:" not in answer.body


@pytest.mark.parametrize("name", ["nginx.conf.template", "headers.conf", "../headers.conf", "..%2fheaders.conf", ""])
def test_nginx_shows_no_file_of_its_own_but_pages(deployment: Deployment, name: str) -> None:
    answer = deployment.proxy.ask(f"/-/{name}")
    assert answer.status in {403, 404}
    assert b"add_header" not in answer.body


def test_what_nginx_answers_itself_has_the_headers_of_the_application(deployment: Deployment) -> None:
    ours = {"date", "server", "content-type", "content-length", "connection", "last-modified", "etag", "accept-ranges"}
    ours |= {"vary", "set-cookie", "x-request-id"}
    application = deployment.ask("/nothing").names - ours
    assert "content-security-policy" in application
    for path in ("/-/alive", "/-/page.css", "/-/away.html", "/kibana/", "/metrics"):
        assert deployment.ask(path).names - ours == application


def test_nothing_of_a_query_is_logged(deployment: Deployment) -> None:
    for path in ("/search?q=PatientName:Geheim", "/api/search?q=PatientName:(Geheim"):
        deployment.ask(path, Referer="https://localhost/search?q=Geheim")
    assert deployment.proxy is not None
    lines = [json.loads(line) for line in deployment.proxy.log().splitlines()]
    assert [line["path"] for line in lines[-2:]] == ["/search", "/api/search"]
    assert "Geheim" not in deployment.proxy.log()
    logs = deployment.processes.log()
    assert "Geheim" not in logs
    assert "/api/search" in logs  # it is the log of those who were asked


def test_no_secret_is_logged(deployment: Deployment) -> None:
    logs = deployment.processes.log() + deployment.nodes.log()
    for name, value in REQUIRED.items():
        if name != "DICOMSEARCH_INCOMING":
            assert value not in logs, name


def test_elasticsearch_makes_no_index_of_ours_by_itself_but_those_of_kibana(deployment: Deployment) -> None:
    with deployment.client() as client:
        for ours in ("dicom-images-other", "dicom-images-000007", "dicom-audit-other"):
            with pytest.raises(NotFoundError, match="index_not_found"):
                client.index(index=ours, document={})
        client.index(index="made-by-kibana", document={})
        client.indices.delete(index="made-by-kibana")


def test_elasticsearch_knows_its_users_and_nobody_else(deployment: Deployment) -> None:
    with deployment.client() as client:
        users = {
            "dicomsearch": "DICOMSEARCH_ELASTICSEARCH_PASSWORD",
            "dicomsearch_query": "DICOMSEARCH_ELASTICSEARCH_QUERY_PASSWORD",
            "dicomsearch_analyst": "DICOMSEARCH_ANALYST_PASSWORD",
        }
        for user, variable in users.items():
            one = client.options(basic_auth=(user, REQUIRED[variable]))
            assert one.security.authenticate()["authentication_realm"]["type"] == "file"
        token = client.options(headers={"Authorization": f"Bearer {REQUIRED['DICOMSEARCH_KIBANA_TOKEN']}"})
        assert token.security.authenticate()["username"] == "elastic/kibana"
        for user in ("elastic", "kibana_system", "dicomsearch"):
            answer = client.options(basic_auth=(user, secrets.token_hex(8)), ignore_status=401).security.authenticate()
            assert answer.meta.status == 401


def test_a_cluster_grows_by_two_nodes_and_goes_on_without_one(deployment: Deployment) -> None:
    two = ("elasticsearch-2", "elasticsearch-3")
    deployment.nodes.start(*two)
    with deployment.client() as client, deployment.client("elasticsearch-3") as other:
        # As DICOMSEARCH_REPLICAS=1 has them made from the beginning.
        client.indices.put_settings(index=["dicom-images", "dicom-audit*"], settings={"number_of_replicas": 1})
        health = client.cluster.health(wait_for_nodes="3", wait_for_status="green", timeout="60s")
        assert (health["number_of_nodes"], health["status"]) == (3, "green")
        deployment.nodes.stop("elasticsearch-2")
        # A new second copy is made only after a minute, in which a node may come back.
        health = other.cluster.health(wait_for_nodes="2", wait_for_status="yellow", timeout="60s")
        assert (health["number_of_nodes"], health["unassigned_primary_shards"]) == (2, 0)
        assert deployment.json("/api/search?q=Modality:CT")["total"] == 1
