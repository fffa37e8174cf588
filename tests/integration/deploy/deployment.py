"""The services of docker-compose.yml without containers: their commands and variables, addresses of this machine."""

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
from elasticsearch import Elasticsearch

from indexer.settings import Settings
from local.ports import free_port
from tests.integration.deploy.nodes import ROOT, ROOT_PASSWORD, Nodes
from tests.integration.deploy.proxy import Answer, Proxy, give_to_its_user
from tests.processes import Processes, wait_for


class Deployment:
    """What runs, and how it is asked.

    Parameters
    ----------
    compose
        The whole project.
    folder
        For everything; the accounts that run Elasticsearch and nginx reach it.
    redis_url
        An empty Redis.

    Attributes
    ----------
    setup
        What `setup-files` makes.
    address, metrics_address, flower_address
        Of web, of its metrics, and of Flower.
    proxy
        nginx, once it runs.
    """

    def __init__(self, compose: dict[str, Any], folder: Path, redis_url: str) -> None:
        self.compose = compose
        self.setup = folder / "setup"
        self.incoming = folder / "incoming"
        self.incoming.mkdir()
        self.nodes = Nodes(compose, self.setup / "elasticsearch", folder / "nodes")
        self._folder = folder
        self._redis_url = redis_url
        self._ports = {name: free_port() for name in ("web", "metrics", "flower")}
        self.address = f"127.0.0.1:{self._ports['web']}"
        self.metrics_address = f"127.0.0.1:{self._ports['metrics']}"
        self.flower_address = f"127.0.0.1:{self._ports['flower']}"
        self.processes = Processes(Settings(), self._made("logs"))
        self.proxy: Proxy | None = None
        self.signed_in: dict[str, str] = {}

    def environment(self, service: str) -> dict[str, str]:
        """The variables of a container, with what is different here; and nobody waits as long as people do."""
        here = {
            "DICOMSEARCH_HOME": str(self._made("home")),
            "DICOMSEARCH_INCOMING": str(self.incoming),
            "DICOMSEARCH_PORT": str(self._ports["web"]),
            "DICOMSEARCH_METRICS_PORT": str(self._ports["metrics"]),
            "DICOMSEARCH_ELASTICSEARCH_URL": self.nodes.url(),
            "DICOMSEARCH_ELASTICSEARCH_CA": str(self.setup / "trust" / "ca.crt"),
            "DICOMSEARCH_REDIS_URL": self._redis_url,
            "DICOMSEARCH_SNAPSHOTS": str(self.nodes.snapshots),
        }
        own: dict[str, str] = self.compose["services"][service]["environment"]
        quick = {"DICOMSEARCH_HEARTBEAT_SECONDS": "1", "DICOMSEARCH_SETTLE_SECONDS": "0.2"}
        return own | {name: value for name, value in here.items() if name in own} | quick

    def command(self, service: str) -> list[str]:
        """The command of a container, with what is different here."""
        here = {
            "0.0.0.0:8080": self.address,
            "0.0.0.0:9464": self.metrics_address,
            "/setup": str(self.setup),
            "--address=0.0.0.0": "--address=127.0.0.1",
            "--port=5555": f"--port={self._ports['flower']}",
        }
        return [here.get(word, word) for word in self.compose["services"][service]["command"]]

    def run(self, service: str) -> subprocess.CompletedProcess[str]:
        """Do a step that is done once."""
        done = self._run(service, self.command(service))
        if service == "setup-files":
            give_to_its_user(self.setup)
        return done

    def start(self, service: str) -> None:
        """Start a service that lasts."""
        self.processes.start(*self.command(service), **self.environment(service))

    def check(self, service: str, **changes: str) -> subprocess.CompletedProcess[str]:
        """Run the health check of a container, with variables changed."""
        kind, *words = self.compose["services"][service]["healthcheck"]["test"]
        assert kind == "CMD"
        return self._run(service, [word.replace("127.0.0.1:5555", self.flower_address) for word in words], **changes)

    def wait_until_healthy(self, service: str) -> None:
        """Wait until the health check of a container passes."""
        try:
            wait_for(lambda: self.check(service).returncode == 0, 150)
        except TimeoutError:
            pytest.fail(f"{service} is not healthy: {self.check(service).stderr}\n{self.processes.log()}")

    def deliver(self, file: str, batch: str) -> None:
        """Put one batch into the watched folder, as a user does."""
        arriving = self.incoming / f"{batch}.tmp"
        arriving.mkdir()
        shutil.copy(file, arriving)
        arriving.rename(self.incoming / batch)

    def sign_in(self, name: str, password: str) -> Answer:
        """Sign in through nginx, as a browser does; who succeeds is who asks from then on."""
        assert self.proxy is not None
        page = self.proxy.ask("/login")
        form = re.search(r'name="csrf_token" value="([^"]+)"', page.body.decode())
        assert form is not None
        body = urlencode({"name": name, "password": password, "csrf_token": form[1]}).encode()
        headers = {
            "Cookie": _cookie(page),
            "Origin": f"https://127.0.0.1:{self.proxy.port}",
            "Content-Type": "application/x-www-form-urlencoded",
        }
        answer = self.proxy.ask("/login", "POST", body, headers)
        if answer.status == 303:
            self.signed_in = {"Cookie": _cookie(answer)}
        return answer

    def ask(self, path: str, **headers: str) -> Answer:
        """Ask through nginx, as the one who has signed in."""
        assert self.proxy is not None
        return self.proxy.ask(path, headers=self.signed_in | headers)

    def json(self, path: str) -> Any:
        """What the API answers, through nginx."""
        answer = self.ask(path)
        assert answer.status == 200, answer.body
        return json.loads(answer.body)

    def client(self, node: str = "elasticsearch") -> Elasticsearch:
        """A client of a node that may do everything; close it."""
        ca = str(self.setup / "trust" / "ca.crt")
        return Elasticsearch(self.nodes.url(node), ca_certs=ca, basic_auth=(ROOT, ROOT_PASSWORD), request_timeout=120)

    def end(self) -> None:
        """Stop everything but nginx."""
        self.processes.end()
        self.nodes.stop()

    def _run(self, service: str, command: list[str], **changes: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [Path(sys.executable).with_name(command[0]), *command[1:]],
            env=_without_ours(os.environ) | self.environment(service) | changes,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )

    def _made(self, name: str) -> Path:
        folder = self._folder / name
        folder.mkdir(exist_ok=True)
        return folder


def _without_ours(environment: Mapping[str, str]) -> dict[str, str]:
    return {name: value for name, value in environment.items() if not name.startswith("DICOMSEARCH_")}


def _cookie(answer: Answer) -> str:
    cookie = answer.header("Set-Cookie")
    assert cookie is not None
    assert {"Secure", "HttpOnly"} <= set(re.split(r"; ?", cookie))
    return cookie.partition(";")[0]
