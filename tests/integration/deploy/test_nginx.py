"""What nginx does itself: for whom it answers, what it hands on, and what it says when nobody is behind it."""

import json
import re
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import REPOSITORY
from tests.integration.deploy.compose_file import settings_values
from tests.integration.deploy.proxy import Proxy, nginx
from tests.integration.deploy.upstreams import NOWHERE, serving, silent

FORGED = (
    *(
        "X-Forwarded-For",
        "X-Forwarded-Proto",
        "X-Forwarded-Host",
        "X-Forwarded-Port",
        "X-Forwarded-Prefix",
        "Forwarded",
    ),
    *("X-Forwarded-User", "X-Remote-User", "x-remote-user", "Remote-User", "X_Remote_User", "X-Dicomsearch-User"),
    *("X-Real-IP", "X-Request-ID", "X-Original-URL", "X-Rewrite-URL", "X-HTTP-Method-Override", "Proxy"),
)
PAGES = sorted((REPOSITORY / "nginx" / "own" / "pages").glob("*.html"))


@pytest.fixture(scope="module")
def mirrored() -> Iterator[Proxy]:
    """In front of a web server and a Kibana that answer with what they were asked."""
    with serving() as address, nginx(address, kibana=address, HOSTS="dicom.example archive.example") as proxy:
        yield proxy


@pytest.fixture(scope="module")
def deserted() -> Iterator[Proxy]:
    """In front of nobody."""
    with nginx(NOWHERE) as proxy:
        yield proxy


def test_the_compose_file_sets_exactly_the_variables_of_the_configuration(compose: dict[str, Any]) -> None:
    template = (REPOSITORY / "nginx" / "nginx.conf.template").read_text()
    used = {name.removeprefix("DICOMSEARCH_").lower() for name in re.findall(r"\$\{(DICOMSEARCH_\w+)\}", template)}
    assert set(settings_values(compose["services"]["nginx"])) == used


@pytest.mark.parametrize(
    "host",
    [
        "localhost",
        "LOCALHOST",
        "localhost:8080",
        "127.0.0.1:8080",
        "[::1]:8080",
        "dicom.example",
        "archive.example:443",
    ],
)
def test_it_answers_to_its_names(mirrored: Proxy, host: str) -> None:
    answer = mirrored.ask("/", headers={"Host": host})
    assert answer.status == 200
    assert f"Host: {host}" in answer.body.decode()


@pytest.mark.parametrize("host", ["evil.example", "localhost.evil.example", "x.dicom.example", "10.0.0.5", "[::2]:80"])
@pytest.mark.parametrize("path", ["/", "/api/search?q=a", "/kibana/", "/-/alive"])
@pytest.mark.parametrize("tls", [True, False])
def test_it_answers_to_no_other_name(mirrored: Proxy, host: str, path: str, tls: bool) -> None:
    answer = mirrored.ask(path, headers={"Host": host}, tls=tls)
    assert answer.status == 421
    assert b"DICOMSEARCH_HOSTS" in answer.body
    assert answer.header("Content-Security-Policy")


def test_the_path_is_handed_on_as_it_came(mirrored: Proxy) -> None:
    for path in ("/images/1.2.3?x=%2F&q=a+b", "/batches/CASE%2017", "/es/dicom-images/_search?q=a+b", "/a//b"):
        assert mirrored.ask(path).body.decode().startswith(f"GET {path}\n")


def test_what_a_client_says_about_itself_is_not_handed_on(mirrored: Proxy) -> None:
    said = mirrored.ask("/", headers=dict.fromkeys(FORGED, "forged")).body.decode()
    assert "forged" not in said
    assert "X-Forwarded-For: 127.0.0.1" in said
    assert "X-Forwarded-Proto: https" in said
    assert re.search(r"^X-Request-ID: [0-9a-f]{32}$", said, re.MULTILINE)


def test_kibana_without_a_slash_leads_to_kibana(mirrored: Proxy) -> None:
    answer = mirrored.ask("/kibana")
    assert (answer.status, answer.header("Location")) == (308, "/kibana/")


def test_a_page_that_receives_too_much_says_so(mirrored: Proxy) -> None:
    answer = mirrored.ask("/search", "POST", b"x" * 1_100_000)
    assert answer.status == 413
    assert "Too large" in answer.body.decode()


@pytest.mark.parametrize("path", ["/api/search", "/api/search/export", "/es/dicom-images/_search"])
def test_an_api_that_receives_too_much_says_so_to_programs(mirrored: Proxy, path: str) -> None:
    answer = mirrored.ask(path, "POST", b"x" * 1_100_000)
    assert answer.status == 413
    assert answer.header("Content-Type") == "application/problem+json"
    assert json.loads(answer.body)["status"] == 413


@pytest.mark.parametrize(("path", "method"), [("/api/uploads/1/files/a", "PUT"), ("/upload", "POST")])
def test_uploads_of_any_size_are_handed_on_as_they_come(mirrored: Proxy, path: str, method: str) -> None:
    answer = mirrored.ask(path, method, b"x" * 1_100_000)
    assert answer.status == 200
    assert answer.body.decode().startswith(f"{method} {path}\n")


def test_an_address_that_is_too_long_is_refused_with_a_page(mirrored: Proxy) -> None:
    answer = mirrored.ask(f"/search?q={'a' * 20_000}")
    assert answer.status == 414
    assert "too long" in answer.body.decode()


@pytest.mark.parametrize("port", ["port", "plain_port"])
def test_what_is_no_request_is_refused(mirrored: Proxy, port: str) -> None:
    with socket.create_connection(("127.0.0.1", getattr(mirrored, port)), timeout=10) as connection:
        connection.sendall(b"no request\r\n\r\n")
        assert b" 400 " in connection.makefile("rb").readline()


def test_a_request_without_a_name_is_refused(mirrored: Proxy) -> None:
    with mirrored.connected() as connection:
        connection.sendall(b"GET / HTTP/1.1\r\n\r\n")
        assert b" 400 " in connection.makefile("rb").readline()


@pytest.mark.parametrize("path", ["/", "/search?q=a", "/static/theme.css"])
def test_without_the_application_people_read_what_happens(deserted: Proxy, path: str) -> None:
    answer = deserted.ask(path)
    assert answer.status == 502
    assert answer.header("Content-Type") == "text/html; charset=utf-8"
    assert "dicomsearch does not answer" in answer.body.decode()
    assert answer.header("Cache-Control") == "no-store"


@pytest.mark.parametrize("path", ["/api/search?q=a", "/api/search/export?q=a", "/api/batches", "/es/_search"])
def test_without_the_application_programs_get_a_problem_document(deserted: Proxy, path: str) -> None:
    answer = deserted.ask(path)
    assert answer.status == 502
    assert answer.header("Content-Type") == "application/problem+json"
    assert answer.header("Retry-After") == "5"
    assert set(json.loads(answer.body)) == {"type", "title", "status", "detail"}
    assert answer.header("Content-Security-Policy")


def test_nothing_of_a_query_is_logged_when_the_application_is_away(deserted: Proxy) -> None:
    for path in ("/search?q=PatientName:Geheim", "/api/search?q=PatientName:Geheim"):
        assert deserted.ask(path, headers={"Referer": "http://localhost/?q=Geheim"}).status == 502
    assert "Geheim" not in deserted.log()
    lines = [json.loads(line) for line in deserted.log().splitlines()]
    assert [(line["path"], line["status"]) for line in lines[-2:]] == [("/search", 502), ("/api/search", 502)]


def test_an_application_that_does_not_answer_in_time_is_not_waited_for_for_ever() -> None:
    with silent() as address, nginx(address, change=("proxy_read_timeout 60s", "proxy_read_timeout 1s")) as proxy:
        page, program = proxy.ask("/search"), proxy.ask("/api/search")
    assert (page.status, program.status) == (504, 504)
    assert "No answer in time" in page.body.decode()
    assert json.loads(program.body)["status"] == 504


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_pages_of_nginx_can_be_shown_under_their_policy(deserted: Proxy, page: Path) -> None:
    answer = deserted.ask(f"/-/{page.name}")
    text = answer.body.decode()
    assert answer.status == 200
    assert not re.search(r"<script|<style|\sstyle=|\son\w+=|https?://", text)
    [stylesheet] = re.findall(r'<link rel="stylesheet" href="([^"]+)">', text)
    assert deserted.ask(stylesheet).header("Content-Type") == "text/css"
    assert "style-src 'self'" in (answer.header("Content-Security-Policy") or "")
