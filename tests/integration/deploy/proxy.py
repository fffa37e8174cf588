"""A real nginx with the configuration of the deployment, and what to ask it with."""

import http.client
import os
import re
import shutil
import socket
import subprocess
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from local.accounts import account_for_elasticsearch
from local.ports import free_port
from local.readiness import http_status
from tests.conftest import REPOSITORY
from tests.processes import wait_for

NOWHERE = "127.0.0.1:1"


@dataclass(frozen=True)
class Answer:
    """What a server answered."""

    status: int
    headers: list[tuple[str, str]]
    body: bytes

    def header(self, name: str) -> str | None:
        """The one value of a header; None where it has none."""
        values = [value for key, value in self.headers if key.lower() == name.lower()]
        assert len(values) < 2, f"{name} is there twice: {values}"
        return values[0] if values else None

    @property
    def names(self) -> set[str]:
        """Names of all headers, lower case."""
        return {key.lower() for key, _ in self.headers}


class Proxy:
    """A running nginx."""

    def __init__(self, port: int, folder: Path) -> None:
        self.port = port
        self._folder = folder

    def ask(
        self, path: str, method: str = "GET", body: bytes | None = None, headers: Mapping[str, str] | None = None
    ) -> Answer:
        """Send a request as it is: the path is not tidied up."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        try:
            with suppress(BrokenPipeError, ConnectionResetError):  # it may answer before it has read everything
                connection.request(method, path, body, headers or {})
            answer = connection.getresponse()
            return Answer(answer.status, answer.getheaders(), answer.read())
        finally:
            connection.close()

    def log(self) -> str:
        """All that it wrote, access and errors."""
        time.sleep(0.2)
        return (self._folder / "log").read_text()


def rendered(environment: Mapping[str, str]) -> str:
    """Do what the start script of nginx's image does: put in those variables that the environment has."""
    template = (REPOSITORY / "nginx" / "nginx.conf.template").read_text()
    known = {name: value for name, value in environment.items() if name.startswith("DICOMSEARCH_")}
    return re.sub(r"\$\{(\w+)\}", lambda found: known.get(found[1], found[0]), template)


@contextmanager
def nginx(web: str, *, kibana: str = NOWHERE, hosts: str = "", change: tuple[str, str] = ("", "")) -> Iterator[Proxy]:
    """Run nginx in front of a web server, as an ordinary user as in its container."""
    program = shutil.which("nginx", path=f"{os.environ.get('PATH', '')}:/usr/sbin")
    if program is None:
        pytest.skip("nginx is not installed (Debian: apt-get install nginx-light)")
    port = free_port()
    folder = Path(tempfile.mkdtemp(prefix="dicomsearch-nginx-"))
    shutil.copytree(REPOSITORY / "nginx" / "own", folder / "own")
    text = rendered(
        {
            "DICOMSEARCH_NGINX_LISTEN": f"127.0.0.1:{port}",
            "DICOMSEARCH_NGINX_FILES": str(folder / "own"),
            "DICOMSEARCH_NGINX_RESOLVER": "127.0.0.1:1",
            "DICOMSEARCH_NGINX_WEB": web,
            "DICOMSEARCH_NGINX_KIBANA": kibana,
            "DICOMSEARCH_HOSTS": hosts,
        }
    )
    assert change[0] in text
    (folder / "nginx.conf").write_text(text.replace(*change) if change[0] else text)
    (folder / "log").touch()
    account = account_for_elasticsearch("nobody")
    if account:
        account.own(folder)
    with (folder / "log").open("ab") as log:
        process = subprocess.Popen(
            [program, "-p", folder, "-c", folder / "nginx.conf", "-e", "stderr", "-g", "daemon off;"],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            **({"user": account.user, "group": account.group, "extra_groups": []} if account else {}),
        )
    try:
        wait_for(lambda: process.poll() is not None or http_status("127.0.0.1", port, "/-/alive"), 10)
        assert process.poll() is None, (folder / "log").read_text()
        yield Proxy(port, folder)
    finally:
        process.terminate()
        process.wait(timeout=10)
        shutil.rmtree(folder)


class _Mirror(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        lines = [f"{self.command} {self.path}", *(f"{name}: {value}" for name, value in self.headers.items())]
        body = "\n".join(lines).encode()
        self.send_response(200)
        self.send_header("Content-Type", "text/plain")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_POST(self) -> None:
        self.do_GET()

    def do_PUT(self) -> None:
        self.do_GET()

    def log_request(self, *_: object) -> None:
        """Write nothing."""


@contextmanager
def mirror() -> Iterator[str]:
    """Run a server that answers with what it was asked; its address."""
    with ThreadingHTTPServer(("127.0.0.1", 0), _Mirror) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield f"127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()


@contextmanager
def silent() -> Iterator[str]:
    """Listen and never answer; the address."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield f"127.0.0.1:{server.getsockname()[1]}"
