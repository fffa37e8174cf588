"""A real nginx with the configuration of the deployment, and what to ask it with."""

import http.client
import os
import re
import shutil
import socket
import ssl
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import pytest

from local.accounts import account_for_elasticsearch
from local.ports import free_port
from local.readiness import http_status
from tests.conftest import REPOSITORY
from tests.integration.deploy.certificates import Authority
from tests.integration.deploy.upstreams import NOWHERE
from tests.processes import wait_for

NAMES = ("localhost", "127.0.0.1", "dicom.example")


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
    """A running nginx: its ports with and without TLS, and the certificate that clients check it by."""

    def __init__(self, port: int, plain_port: int, folder: Path, ca: Path, command: Sequence[str | Path]) -> None:
        self.port = port
        self.plain_port = plain_port
        self.ca = ca
        self._folder = folder
        self._command = command

    def ask(
        self,
        path: str,
        method: str = "GET",
        body: bytes | None = None,
        headers: Mapping[str, str] | None = None,
        *,
        tls: bool = True,
    ) -> Answer:
        """Send a request as it is: the path is not tidied up."""
        connection: http.client.HTTPConnection
        if tls:
            context = ssl.create_default_context(cafile=self.ca)
            connection = http.client.HTTPSConnection("127.0.0.1", self.port, timeout=60, context=context)
        else:
            connection = http.client.HTTPConnection("127.0.0.1", self.plain_port, timeout=60)
        try:
            with suppress(
                BrokenPipeError, ConnectionResetError, ssl.SSLEOFError
            ):  # it may answer before it has read all
                connection.request(method, path, body, headers or {})
            answer = connection.getresponse()
            return Answer(answer.status, answer.getheaders(), answer.read())
        finally:
            connection.close()

    @contextmanager
    def connected(self, context: ssl.SSLContext | None = None, name: str = "127.0.0.1") -> Iterator[ssl.SSLSocket]:
        """Shake hands as a client of one's own settings does."""
        context = context or ssl.create_default_context(cafile=self.ca)
        with (
            socket.create_connection(("127.0.0.1", self.port), timeout=30) as connection,
            context.wrap_socket(connection, server_hostname=name) as shaken,
        ):
            yield shaken

    def reload(self) -> None:
        """Let it read its configuration and certificates again, as docs/deploy.md says."""
        subprocess.run([*self._command, "-s", "reload"], check=True, timeout=30)

    def log(self) -> str:
        """All that it wrote, access and errors."""
        time.sleep(0.2)
        return (self._folder / "log").read_text()


def rendered(environment: Mapping[str, str]) -> str:
    """Do what the start script of nginx's image does: put in those variables that the environment has."""
    template = (REPOSITORY / "nginx" / "nginx.conf.template").read_text()
    known = {name: value for name, value in environment.items() if name.startswith("DICOMSEARCH_")}
    return re.sub(r"\$\{(\w+)\}", lambda found: known.get(found[1], found[0]), template)


def give_to_its_user(folder: Path) -> None:
    """Let nginx read and write a folder: where root runs the tests, nginx is another user."""
    account = account_for_elasticsearch("nobody")
    if account:
        account.own(folder)


@contextmanager
def nginx(
    web: str,
    *,
    kibana: str = NOWHERE,
    flower: str = NOWHERE,
    change: tuple[str, str] = ("", ""),
    **variables: str,
) -> Iterator[Proxy]:
    """Run nginx in front of a web server, as an ordinary user as in its container.

    Parameters
    ----------
    web, kibana, flower
        Addresses of what stands behind it.
    change
        What is replaced in its configuration, where a test cannot wait as long as people do.
    variables
        Variables of the compose file that are not as they are by default, without their prefix.
    """
    program = shutil.which("nginx", path=f"{os.environ.get('PATH', '')}:/usr/sbin")
    if program is None:
        pytest.skip("nginx is not installed (Debian: apt-get install nginx-light)")
    port, plain_port = free_port(), free_port()
    folder = Path(tempfile.mkdtemp(prefix="dicomsearch-nginx-"))
    shutil.copytree(REPOSITORY / "nginx" / "own", folder / "own")
    authority = Authority(folder)
    authority.certify(folder / "tls", *NAMES)
    (folder / "log").touch()
    give_to_its_user(folder)
    values = {
        "NGINX_LISTEN": f"127.0.0.1:{plain_port}",
        "NGINX_LISTEN_TLS": f"127.0.0.1:{port}",
        "NGINX_FILES": str(folder / "own"),
        "NGINX_CERTIFICATES": str(folder / "tls"),
        "NGINX_RESOLVER": "127.0.0.1:1",
        "NGINX_WEB": web,
        "NGINX_KIBANA": kibana,
        "NGINX_FLOWER": flower,
        "HTTPS_PORT": str(port),
        "HOSTS": "",
        "TRUSTED_USER_HEADER": "",
        "SEARCHES_PER_SECOND": "1000",
        "LOGINS_PER_MINUTE": "1000",
        **variables,
    }
    text = rendered({f"DICOMSEARCH_{name}": value for name, value in values.items()})
    assert change[0] in text
    (folder / "nginx.conf").write_text(text.replace(*change) if change[0] else text)
    account = account_for_elasticsearch("nobody")
    command = (program, "-p", folder, "-c", folder / "nginx.conf", "-e", "stderr")
    with (folder / "log").open("ab") as log:
        process = subprocess.Popen(
            [*command, "-g", "daemon off;"],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            **({"user": account.user, "group": account.group, "extra_groups": []} if account else {}),
        )
    try:
        wait_for(lambda: process.poll() is not None or http_status("127.0.0.1", plain_port, "/-/alive"), 10)
        assert process.poll() is None, (folder / "log").read_text()
        yield Proxy(port, plain_port, folder, authority.file, command)
    finally:
        process.terminate()
        process.wait(timeout=10)
        shutil.rmtree(folder)
