"""The services with the commands and health checks of docker-compose.yml, behind a real nginx.

What is missing is the containers: addresses are those of this machine, Elasticsearch and Redis the embedded ones.
"""

import gzip
import json
import secrets
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from elasticsearch import Elasticsearch, NotFoundError
from pydicom.data import get_testdata_file

from indexer.settings import Settings
from local.ports import free_port
from tests.integration.deploy.proxy import Answer, Proxy, nginx
from tests.processes import environment_of, processes, wait_for

CSS = "/static/theme.css"
PAGES = ("/", "/search", "/search?q=Modality:CT", "/batches/CASE-17", "/api/docs")
ANSWERS_OF_API = ("/api/batches", "/api/search?q=Modality:CT", "/api/openapi.json")
REFUSALS = ("/nothing", "/api/nothing", "/api/search?q=Modality:(")


@dataclass(frozen=True)
class Deployment:
    """The running services, their settings, and nginx in front."""

    proxy: Proxy
    settings: dict[str, Settings]
    compose: dict[str, Any]

    def check(self, service: str) -> subprocess.CompletedProcess[str]:
        """Run the health check of a container."""
        kind, program, *arguments = self.compose["services"][service]["healthcheck"]["test"]
        assert kind == "CMD"
        return subprocess.run(
            [Path(sys.executable).parent / program, *arguments],
            env=environment_of(self.settings[service]),
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    def is_healthy(self, service: str) -> bool:
        """Whether its health check passes."""
        return self.check(service).returncode == 0

    def json(self, path: str) -> Any:
        """What the API answers, through nginx."""
        answer = self.proxy.ask(path)
        assert answer.status == 200, answer.body
        return json.loads(answer.body)


@pytest.fixture(scope="module")
def settings_here(
    elasticsearch_url: str, redis_url: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Settings]:
    """Settings of the services: a folder, a status and an index of their own."""
    folder = tmp_path_factory.mktemp("deployment")
    (folder / "incoming").mkdir()
    index = f"deployed-{secrets.token_hex(4)}"
    yield Settings(
        home=folder,
        incoming=folder / "incoming",
        port=free_port(),
        elasticsearch_url=elasticsearch_url,
        redis_url=redis_url.removesuffix("/0") + "/7",
        index=index,
        heartbeat_seconds=1,
        settle_seconds=0.2,
    )
    with Elasticsearch(elasticsearch_url, request_timeout=30) as client:
        for name in client.indices.get(index=f"{index}-*", expand_wildcards="all"):
            client.indices.delete(index=name)
        client.indices.delete_index_template(name=index)


@pytest.fixture(scope="module")
def deployment(compose: dict[str, Any], settings_here: Settings) -> Iterator[Deployment]:
    here = settings_here
    # The container of the watcher has no network to Elasticsearch.
    apart = here.model_copy(update={"elasticsearch_url": "http://127.0.0.1:1"})
    settings = {"web": here, "worker": here, "watcher": apart}
    address = f"127.0.0.1:{here.port}"
    with ExitStack() as running:
        proxy = running.enter_context(nginx(address))
        for service, own in settings.items():
            command = compose["services"][service]["command"]
            started = running.enter_context(processes(own, here.home / service))
            started.start(*(address if word == "0.0.0.0:8080" else word for word in command))
        deployed = Deployment(proxy, settings, compose)
        wait_for(lambda: all(map(deployed.is_healthy, settings)), 90)
        _deliver(deployed, here.incoming_folder)
        yield deployed


def _deliver(deployed: Deployment, incoming: Path) -> None:
    """Put one batch into the watched folder, as a user does."""
    arriving = incoming / "CASE-17.tmp"
    arriving.mkdir()
    shutil.copy(str(get_testdata_file("CT_small.dcm")), arriving)
    arriving.rename(incoming / "CASE-17")

    def is_done() -> bool:
        answer = deployed.proxy.ask("/api/batches/CASE-17")
        return answer.status == 200 and json.loads(answer.body)["status"] == "DONE"

    wait_for(is_done, 60)


def test_a_folder_in_the_watched_folder_is_found_through_nginx(deployment: Deployment) -> None:
    assert deployment.json("/api/batches/CASE-17")["counts"]["done"] == 1
    [found] = deployment.json("/api/search?q=Modality:CT&fields=Modality")["results"]
    assert found["fields"]["Modality"] == "CT"
    assert deployment.json("/readyz")["status"] == "ok"


@pytest.mark.parametrize("service", ["web", "worker", "watcher"])
def test_the_health_check_of_a_container_passes_while_its_service_works(deployment: Deployment, service: str) -> None:
    checked = deployment.check(service)
    assert (checked.returncode, checked.stdout) == (0, f"{service}: alive\n")


@pytest.mark.parametrize("service", ["web", "worker", "watcher"])
def test_the_health_check_of_a_container_fails_without_its_service(
    deployment: Deployment, redis_url: str, service: str
) -> None:
    elsewhere = {"redis_url": redis_url.removesuffix("/0") + "/8", "port": free_port()}
    own = {service: deployment.settings[service].model_copy(update=elsewhere)}
    checked = Deployment(deployment.proxy, own, deployment.compose).check(service)
    assert checked.returncode == 2
    assert f"Error: the {service} of " in checked.stderr


def test_the_health_check_says_when_redis_is_away(deployment: Deployment) -> None:
    own = {"worker": deployment.settings["worker"].model_copy(update={"redis_url": "redis://127.0.0.1:1/0"})}
    checked = Deployment(deployment.proxy, own, deployment.compose).check("worker")
    assert checked.returncode == 2
    assert checked.stderr.count("\n") == 1
    assert "Redis" in checked.stderr


@pytest.mark.parametrize("path", [*PAGES, *ANSWERS_OF_API, *REFUSALS, CSS, "/healthz"])
def test_every_answer_of_the_application_has_each_security_header_once(deployment: Deployment, path: str) -> None:
    answer = deployment.proxy.ask(path)
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
    answer = deployment.proxy.ask(path)
    assert answer.header("Server") == "nginx"
    assert not answer.names & {"x-powered-by", "via"}
    assert b"nginx/" not in answer.body
    assert b"gunicorn" not in answer.body


def unpacked(answer: Answer) -> bytes:
    assert answer.header("Content-Encoding") == "gzip"
    return gzip.decompress(answer.body)


@pytest.mark.parametrize("path", [CSS, "/api/docs", "/api/openapi.json"])
def test_what_is_long_is_compressed_for_those_who_take_it(deployment: Deployment, path: str) -> None:
    plain = deployment.proxy.ask(path)
    packed = deployment.proxy.ask(path, headers={"Accept-Encoding": "gzip"})
    assert plain.header("Content-Encoding") is None
    assert len(packed.body) < len(plain.body) / 2
    assert unpacked(packed) == plain.body
    assert "Accept-Encoding" in (packed.header("Vary") or "")


TRAVERSALS = [
    f"{start}{step * 8}etc/passwd"
    for start in ("/", "/static/", "/-/", "/-", "/api/docs/static/", "/images/", "/kibana/")
    for step in ("../", "..%2f", "%2e%2e/", "%2e%2e%2f", "..%5c", "....//", "..%252f", "..;/")
]


@pytest.mark.parametrize("path", TRAVERSALS)
def test_no_path_leads_to_a_file_of_the_machine(deployment: Deployment, path: str) -> None:
    answer = deployment.proxy.ask(path)
    assert answer.status in {400, 403, 404, 502}  # 502: there is no Kibana here
    assert b"root:" not in answer.body


@pytest.mark.parametrize("name", ["nginx.conf.template", "headers.conf", "../headers.conf", "..%2fheaders.conf", ""])
def test_nginx_shows_no_file_of_its_own_but_pages(deployment: Deployment, name: str) -> None:
    answer = deployment.proxy.ask(f"/-/{name}")
    assert answer.status in {403, 404}
    assert b"add_header" not in answer.body


def test_what_nginx_answers_itself_has_the_headers_of_the_application(deployment: Deployment) -> None:
    ours = {"date", "server", "content-type", "content-length", "connection", "last-modified", "etag", "accept-ranges"}
    application = deployment.proxy.ask("/nothing").names - ours
    assert "content-security-policy" in application
    for path in ("/-/alive", "/-/page.css", "/-/away.html", "/kibana/"):
        assert deployment.proxy.ask(path).names - ours - {"vary"} == application - {"vary"}


def test_nothing_of_a_query_is_logged(deployment: Deployment) -> None:
    for path in ("/search?q=PatientName:Geheim", "/api/search?q=PatientName:(Geheim"):
        deployment.proxy.ask(path, headers={"Referer": "http://localhost/search?q=Geheim"})
    lines = [json.loads(line) for line in deployment.proxy.log().splitlines()]
    assert [line["path"] for line in lines[-2:]] == ["/search", "/api/search"]
    logs = [path.read_text() for path in deployment.settings["web"].home.glob("*/*.log")]
    assert len(logs) == 3
    assert "Geheim" not in deployment.proxy.log()
    assert not any("Geheim" in log for log in logs)


def test_elasticsearch_makes_no_index_of_ours_by_itself_but_those_of_kibana(
    compose: dict[str, Any], elasticsearch_url: str
) -> None:
    name = "action.auto_create_index"
    value = compose["services"]["elasticsearch"]["environment"][name]
    with Elasticsearch(elasticsearch_url, request_timeout=30) as client:
        client.cluster.put_settings(persistent={name: value})
        try:
            for ours in ("dicom-images", "dicom-images-write", "dicom-images-000002"):
                with pytest.raises(NotFoundError, match="index_not_found"):
                    client.index(index=ours, document={})
            client.index(index="made-by-kibana", document={})
            client.indices.delete(index="made-by-kibana")
        finally:
            client.cluster.put_settings(persistent={name: None})
