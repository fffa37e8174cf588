"""A whole run: web, worker and watcher as a deployment starts them, images with known values, and what goes wrong."""

import http.client
import json
import secrets
import socket
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pydicom
import pytest
from elasticsearch import Elasticsearch
from pydicom.data import get_testdata_file

from indexer.queue import TaskQueue, create_app
from indexer.settings import Settings
from indexer.status import connect
from local.ports import free_port
from local.stack import build_stack
from tests.conftest import REPOSITORY
from tests.integration.observing.crashing import CRASHING, SECRETS
from tests.processes import Processes, processes, wait_for

REQUEST_ID = "of-the-proxy-in-front-17"
CRASHES = "tests.integration.observing.crashing"


@dataclass(frozen=True)
class Run:
    """What ran, and what it left."""

    settings: Settings
    running: Processes
    ids: dict[str, str]

    @property
    def lines(self) -> list[dict[str, Any]]:
        """All lines of all logs; each has to be JSON."""
        return [json.loads(line) for line in self.running.log().splitlines() if line.strip()]

    def get(self, path: str, *, port: int | None = None, **headers: str) -> tuple[int, str, dict[str, str]]:
        """Ask web: status, text and headers of the answer."""
        address = f"http://127.0.0.1:{port or self.settings.port}{path}"
        try:
            with urllib.request.urlopen(urllib.request.Request(address, headers=headers), timeout=30) as answer:
                return answer.status, answer.read().decode(), dict(answer.headers)
        except urllib.error.HTTPError as error:
            return error.code, error.read().decode(), dict(error.headers)

    @property
    def metrics(self) -> str:
        """What Prometheus gets."""
        assert self.settings.metrics_port is not None
        return self.get("/metrics", port=self.settings.metrics_port)[1]


def write_images(folder: Path) -> None:
    """Write two images, one of them twice, a file that is none, and one that is damaged."""
    folder.mkdir()
    for at in (1, 2):
        image = pydicom.dcmread(get_testdata_file("CT_small.dcm"))
        image.PatientName, image.PatientBirthDate, image.PatientID, image.OtherPatientIDs = (
            f"{SECRETS[0]}^{SECRETS[4]}",
            SECRETS[1],
            SECRETS[2],
            SECRETS[4],
        )
        image.SpecificCharacterSet = "ISO_IR 192"
        image.SOPInstanceUID = image.file_meta.MediaStorageSOPInstanceUID = f"{SECRETS[3]}.{at}"
        image.save_as(folder / f"{at}.dcm")
    (folder / "again.dcm").write_bytes((folder / "1.dcm").read_bytes())
    whole = (folder / "1.dcm").read_bytes()
    (folder / "damaged.dcm").write_bytes(whole[: whole.index(SECRETS[2].encode()) + 20])
    (folder / "DICOMDIR").write_bytes(whole)


@pytest.fixture(scope="package")
def run(elasticsearch_url: str, redis_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Run]:
    """Everything that a run may say has been said when a test gets it."""
    home = tmp_path_factory.mktemp("run")
    index = f"observed-{secrets.token_hex(4)}"
    port = free_port()
    settings = Settings(
        home=home,
        port=port,
        metrics_port=free_port(taken=frozenset({port})),
        elasticsearch_url=elasticsearch_url,
        redis_url=redis_url.removesuffix("/0") + "/9",
        index=index,
        heartbeat_seconds=1,
        settle_seconds=0.2,
        worker_processes=1,
        audit="off",
        log_level="DEBUG",
    )
    client = connect(settings.redis_url)
    client.flushdb()
    with processes(settings, home / "logs") as running:
        ours = {"app:create_app()": f"{CRASHES}:web()", "indexer.worker": CRASHES}
        for spec in build_stack(settings).specs:
            command = [ours.get(word, word) for word in spec.command]
            running.start(Path(command[0]).name, *command[1:], PYTHONPATH=str(REPOSITORY))
        done = Run(settings, running, {})
        _use(done)
        yield done
    with Elasticsearch(elasticsearch_url, request_timeout=30) as elasticsearch:
        for name in elasticsearch.indices.get(index=f"{index}-*", expand_wildcards="all"):
            elasticsearch.indices.delete(index=name)
        elasticsearch.indices.delete_index_template(name=index)
    client.flushdb()


def _use(run: Run) -> None:
    settings = run.settings
    wait_for(lambda: _answers(run))
    write_images(settings.home / "incoming" / "CASE-17.tmp")
    (settings.home / "incoming" / "CASE-17.tmp").rename(settings.home / "incoming" / "CASE-17")
    wait_for(lambda: _status(run) == "DONE")
    TaskQueue(create_app(settings), connect(settings.redis_url)).finish(CRASHING)
    name, uid = quote(SECRETS[4]), f"{SECRETS[3]}.1"
    for path in (
        f"/search?q=PatientName:{name}",
        f"/search?q=PatientName:(({name}",
        f"/api/search?q=PatientID:{SECRETS[2]}&facets=PatientName",
        f"/api/search?q=PatientName:/[{SECRETS[0]}/&facets=PatientName",
        f"/api/search/export?q=PatientID:{SECRETS[2]}&format=ndjson",
        f"/images/{uid}?q={SECRETS[2]}",
        f"/api/images/{uid}/header",
        f"/api/images/{uid}.nothing",
        f"/headers/PatientName?q={name}",
        f"/{uid}/{name}",
        f"/crash/{uid}?q={name}",
        f"/api/saved-searches/{SECRETS[2]}",
    ):
        run.ids[path] = run.get(path)[2]["X-Request-ID"]
    with pytest.raises(http.client.HTTPException):
        run.get(f"/stream/{uid}?q={name}")
    _send(settings.port, f"GET /search?q={SECRETS[2]} NONSENSE/{SECRETS[0]}\r\n\r\n")
    _send(settings.port, f"GET /search HTTP/1.1\r\nBad Header {SECRETS[2]}: {SECRETS[0]}\r\n\r\n")
    retry = urllib.request.Request(
        f"http://127.0.0.1:{settings.port}/api/batches/CASE-17/retry",
        data=b"{}",
        headers={"Content-Type": "application/json", "X-Request-ID": REQUEST_ID},
    )
    with urllib.request.urlopen(retry, timeout=30) as answer:
        run.ids["retry"] = answer.headers["X-Request-ID"]
    wait_for(lambda: _was_retried(run))


def _answers(run: Run) -> bool:
    try:
        return run.get("/healthz")[0] == 200
    except OSError:
        return False


def _status(run: Run) -> str:
    status, text, _ = run.get("/api/batches/CASE-17")
    return str(json.loads(text)["status"]) if status == 200 else ""


def _was_retried(run: Run) -> bool:
    text = run.running.log()
    return "cannot finish" not in text and "RuntimeError" in text and text.count(f'"{REQUEST_ID}"') > 3


def _send(port: int, text: str) -> None:
    """Send what is no request."""
    with socket.create_connection(("127.0.0.1", port), timeout=10) as connection:
        connection.sendall(text.encode())
        assert connection.recv(1_000).startswith(b"HTTP/1.1 4")
