"""`dicomsearch setup` against the real secured node, and against a server that answers as Kibana does."""

import json
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.message import Message
from email.parser import BytesParser
from email.policy import HTTP
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from indexer.setup.certificates import new_authority
from tests.integration.setup.conftest import Run
from tests.secured import Secured


@dataclass
class Kibana:
    """What Kibana has been asked, and what it answers: each one after the other."""

    url: str = ""
    statuses: list[tuple[int, Any]] = field(
        default_factory=lambda: [(200, {"status": {"overall": {"level": "available"}}})]
    )
    imports: list[tuple[int, Any]] = field(default_factory=list)
    asked: list[tuple[str, str, Message]] = field(default_factory=list)
    files: dict[str, bytes] = field(default_factory=dict)

    def answer(self, method: str, path: str, headers: Message, body: bytes) -> tuple[int, Any]:
        self.asked.append((method, path, headers))
        if path == "/kibana/api/status":
            return self.statuses.pop(0) if len(self.statuses) > 1 else self.statuses[0]
        # https://www.elastic.co/docs/api/doc/kibana/operation/operation-post-saved-objects-import
        assert (method, path) == ("POST", "/kibana/api/saved_objects/_import?overwrite=true")
        whole = BytesParser(policy=HTTP).parsebytes(
            b"Content-Type: " + headers["Content-Type"].encode() + b"\r\n\r\n" + body
        )
        [part] = whole.iter_parts()
        assert part.get_param("name", header="Content-Disposition") == "file"
        content = part.get_payload(decode=True)
        self.files[part.get_filename()] = content
        if self.imports:
            return self.imports.pop(0)
        number = len(content.splitlines())
        return 200, {"successCount": number, "success": True, "warnings": [], "successResults": []}


@pytest.fixture
def kibana() -> Iterator[Kibana]:
    found = Kibana()

    class Handler(BaseHTTPRequestHandler):
        def handle_any(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            status, answer = found.answer(self.command, self.path, self.headers, body)
            content = answer.encode() if isinstance(answer, str) else json.dumps(answer).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        do_GET = do_POST = handle_any  # noqa: N815

        def log_message(self, *_: object) -> None:
            return

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    found.url = f"http://127.0.0.1:{server.server_port}/kibana/"
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield found
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def dashboards(tmp_path: Path) -> Path:
    folder = tmp_path / "kibana"
    folder.mkdir()
    (folder / "dashboards.ndjson").write_text('{"type": "dashboard", "id": "a"}\n{"type": "search", "id": "b"}\n')
    (folder / "views.ndjson").write_text('{"type": "index-pattern", "id": "c"}\n')
    (folder / "notes.txt").write_text("not imported")
    return folder


def test_the_index_is_made_once_and_kept(run: Run, secured_elasticsearch: Secured) -> None:
    snapshots = secured_elasticsearch.known.snapshots
    first = run("setup", "index")
    assert (first.exit_code, first.output) == (
        0,
        "index: dicom-images-000001 was made and put behind the alias dicom-images\n"
        f"backups: kept by Elasticsearch in {snapshots}\n",
    )
    again = run("setup")
    assert again.output == first.output.replace("was made and put", "is")
    with secured_elasticsearch.client() as client:
        assert set(client.indices.get_alias(index="dicom-images-000001")["dicom-images-000001"]["aliases"]) == {
            "dicom-images",
            "dicom-images-write",
        }


def test_a_place_for_backups_that_elasticsearch_may_not_use_is_an_error(run: Run, tmp_path: Path) -> None:
    result = run("setup", "index", snapshots=tmp_path / "elsewhere")
    assert result.exit_code == 2
    assert "Elasticsearch answered 500 (repository_exception)" in result.output


def test_elasticsearch_is_waited_for_but_not_for_ever(run: Run) -> None:
    result = run("setup", "index", "--wait", "0", elasticsearch_url="https://127.0.0.1:1")
    assert result.exit_code == 2
    assert "Elasticsearch was not ready after 0 s: Elasticsearch cannot be reached" in result.output


def test_everything_is_set_up_by_one_command(run: Run, kibana: Kibana, dashboards: Path) -> None:
    kibana.statuses = [(503, "Kibana server is not ready yet"), *kibana.statuses]
    result = run("setup", kibana_url=kibana.url, kibana_files=dashboards)
    assert result.exit_code == 0, result.output
    assert [line.split(":")[0] for line in result.output.splitlines()] == [
        "index", "backups", "waiting for Kibana", "Kibana", "Kibana",
    ]  # fmt: skip
    assert result.output.endswith(
        "waiting for Kibana: it answered 503\n"
        "Kibana: dashboards.ndjson is imported, 2 objects\n"
        "Kibana: views.ndjson is imported, 1 objects\n"
    )
    assert kibana.files == {file.name: file.read_bytes() for file in dashboards.glob("*.ndjson")}


def test_kibana_is_asked_as_its_analyst(
    run: Run, kibana: Kibana, dashboards: Path, secured_elasticsearch: Secured
) -> None:
    result = run("setup", "kibana", kibana_url=kibana.url, kibana_files=dashboards)
    assert result.exit_code == 0, result.output
    assert {headers["kbn-xsrf"] for _, _, headers in kibana.asked} == {"dicomsearch"}
    assert all(headers["Authorization"].startswith("Basic ") for _, _, headers in kibana.asked)
    password = secured_elasticsearch.passwords["dicomsearch_analyst"]
    assert password not in result.output


@pytest.mark.parametrize(
    ("imports", "said"),
    [
        ((401, {"message": "Unauthorized"}), "DICOMSEARCH_ANALYST_PASSWORD is not the password of the user"),
        ((403, {"message": "Forbidden"}), "the user 'dicomsearch_analyst' may not import into Kibana"),
        ((413, {"message": "Payload too large"}), "Kibana refuses dashboards.ndjson (413: Payload too large)"),
        ((502, "<html>"), "Kibana refuses dashboards.ndjson (502: no reason)"),
        (
            (200, {
                "success": False,
                "successCount": 1,
                "errors": [{"type": "dashboard", "id": "a", "error": {"type": "missing_references"}}],
            }),
            "Kibana did not import all of dashboards.ndjson: dashboard a: missing_references",
        ),
    ],
)  # fmt: skip
def test_what_kibana_refuses_is_told(
    run: Run, kibana: Kibana, dashboards: Path, imports: tuple[int, Any], said: str
) -> None:
    kibana.imports = [imports]
    result = run("setup", "kibana", kibana_url=kibana.url, kibana_files=dashboards)
    assert result.exit_code == 2
    assert said in result.output


@pytest.mark.parametrize(
    ("status", "said"),
    [
        ((503, "Kibana server is not ready yet"), "Kibana was not ready after 0 s: it answered 503"),
        ((200, {"status": {"overall": {"level": "degraded"}}}), "Kibana was not ready after 0 s: it is degraded"),
        ((200, "no JSON"), "Kibana was not ready after 0 s: it is starting"),
        ((401, {}), "DICOMSEARCH_ANALYST_PASSWORD is not the password of the user 'dicomsearch_analyst' of Kibana"),
    ],
)
def test_why_kibana_is_not_ready_is_told(
    run: Run, kibana: Kibana, dashboards: Path, status: tuple[int, Any], said: str
) -> None:
    kibana.statuses = [status]
    result = run("setup", "kibana", "--wait", "0", kibana_url=kibana.url, kibana_files=dashboards)
    assert result.exit_code == 2
    assert said in result.output
    assert kibana.files == {}


def test_what_is_missing_for_kibana_is_named(run: Run, kibana: Kibana, tmp_path: Path, dashboards: Path) -> None:
    assert "DICOMSEARCH_KIBANA_URL is not set" in run("setup", "kibana", kibana_files=dashboards).output
    nothing = run("setup", "kibana", kibana_url=kibana.url, kibana_files=tmp_path)
    assert f"there is no .ndjson file in {tmp_path}: set DICOMSEARCH_KIBANA_FILES" in nothing.output
    away = run("setup", "kibana", "--wait", "0", kibana_url="http://127.0.0.1:1/kibana", kibana_files=dashboards)
    assert "Kibana was not ready after 0 s: it cannot be reached" in away.output


def test_https_of_kibana_is_checked_by_the_authority(
    run: Run, secured_elasticsearch: Secured, dashboards: Path
) -> None:
    """The secured node stands in for Kibana's https: it has a certificate of the authority, and is no Kibana."""
    url = secured_elasticsearch.url
    trusted = run("setup", "kibana", "--wait", "0", kibana_url=url, kibana_files=dashboards)
    assert "Kibana was not ready after 0 s: it answered 400" in trusted.output
    refused = run(
        "setup",
        "kibana",
        "--wait",
        "0",
        kibana_url=url,
        kibana_files=dashboards,
        elasticsearch_ca=_other_authority(dashboards),
    )
    assert "the certificate of DICOMSEARCH_KIBANA_URL is refused" in refused.output


def _other_authority(folder: Path) -> Path:
    file = folder / "other.crt"
    file.write_bytes(new_authority(datetime.now(UTC)).certificate)
    return file


def test_a_wrong_password_of_the_analyst_does_not_show(run: Run, kibana: Kibana, dashboards: Path) -> None:
    kibana.statuses = [(401, {})]
    wrong = SecretStr("certainly not the password")
    result = run("setup", "kibana", kibana_url=kibana.url, kibana_files=dashboards, analyst_password=wrong)
    assert (result.exit_code, wrong.get_secret_value() in result.output) == (2, False)
