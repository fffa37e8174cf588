"""What nginx bounds: how often and how slowly it is asked; and what it compresses and keeps."""

import gzip
import json
import socket
from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from tests.integration.deploy.proxy import Answer, Proxy, nginx
from tests.integration.deploy.upstreams import Verbose, serving, silent

GZIP = {"Accept-Encoding": "gzip"}
SIGNED_IN = {"Cookie": "__Host-dicomsearch=abc"}


@pytest.fixture(scope="module")
def verbose() -> Iterator[Proxy]:
    """In front of a server whose answers are long, and may be kept."""
    with serving(Verbose) as address, nginx(address) as proxy:
        yield proxy


@pytest.fixture
def strict() -> Iterator[Proxy]:
    """It answers few searches, and lets few sign in."""
    with serving() as address, nginx(address, SEARCHES_PER_SECOND="1", LOGINS_PER_MINUTE="1") as proxy:
        yield proxy


def refused(answers: list[Answer]) -> list[Answer]:
    """Those that were refused; the first ones were not, and only the limit refuses."""
    assert {answer.status for answer in answers} == {200, 429}
    assert answers[0].status == 200
    return [answer for answer in answers if answer.status == 429]


def test_who_searches_too_often_is_told_so_on_a_page(strict: Proxy) -> None:
    [*_, page] = refused([strict.ask("/search?q=PatientName:Geheim") for _ in range(60)])
    assert page.header("Content-Type") == "text/html; charset=utf-8"
    assert page.header("Retry-After") == "10"
    assert "Too many requests" in page.body.decode()
    assert page.header("Content-Security-Policy")
    assert strict.ask("/").status == 200  # everything else goes on


@pytest.mark.parametrize("path", ["/api/search?q=a", "/api/search/export?q=a", "/es/dicom-images/_search"])
def test_a_program_that_searches_too_often_gets_a_problem_document(strict: Proxy, path: str) -> None:
    [*_, answer] = refused([strict.ask(path) for _ in range(60)])
    assert answer.header("Content-Type") == "application/problem+json"
    assert answer.header("Retry-After") == "10"
    assert json.loads(answer.body)["status"] == 429


def test_passwords_cannot_be_tried_out_quickly_but_the_page_is_always_shown(strict: Proxy) -> None:
    answers = [strict.ask("/login", "POST", b"name=a&password=b") for _ in range(30)]
    assert len(refused(answers)) > 10
    assert {strict.ask("/login").status for _ in range(30)} == {200}


def test_every_refusal_is_logged_without_what_was_asked(strict: Proxy) -> None:
    for _ in range(60):
        strict.ask("/search?q=PatientName:Geheim")
    lines = [json.loads(line) for line in strict.log().splitlines()]
    assert {line["limited"] for line in lines if line["status"] == 200} == {False}
    assert {(line["limited"], line["path"]) for line in lines if line["status"] == 429} == {(True, "/search")}
    assert "Geheim" not in strict.log()


def test_one_address_runs_four_exports_at_a_time() -> None:
    with silent() as address, nginx(address) as proxy, ExitStack() as running:
        for _ in range(4):
            connection = running.enter_context(proxy.connected())
            connection.sendall(b"GET /api/search/export?q=a HTTP/1.1\r\nHost: localhost\r\n\r\n")
            connection.settimeout(0.5)
            with pytest.raises(TimeoutError):  # it is running
                connection.recv(1)
        assert proxy.ask("/api/search/export?q=a").status == 429


@pytest.mark.parametrize(
    ("limit", "sent"),
    [
        ("client_header_timeout 15s", b"GET / HTTP/1.1\r\nHost: localh"),
        ("client_body_timeout 15s", b"POST /search HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\n\r\nabc"),
    ],
)
def test_clients_that_send_slowly_are_cut_off(limit: str, sent: bytes) -> None:
    with serving() as address, nginx(address, change=(limit, limit.replace("15s", "1s"))) as proxy:
        with proxy.connected() as connection:
            connection.sendall(sent)
            assert _ends(connection)
        assert proxy.ask("/").status == 200


def test_clients_that_say_nothing_after_connecting_are_cut_off() -> None:
    with (
        serving() as address,
        nginx(address, change=("client_header_timeout 15s", "client_header_timeout 1s")) as proxy,
    ):
        for port in (proxy.port, proxy.plain_port):
            with socket.create_connection(("127.0.0.1", port), timeout=30) as connection:
                assert _ends(connection)


def _ends(connection: socket.socket) -> bool:
    """Whether the other side ends it, at most with a word that it took too long."""
    connection.settimeout(30)
    try:
        said = connection.recv(1000)
    except ConnectionResetError:
        return True
    return said == b"" or b" 408 " in said.splitlines()[0]


@pytest.mark.parametrize("path", ["/static/theme.css?v=1", "/api/docs/a.js"])
def test_what_is_the_same_for_everybody_is_compressed(verbose: Proxy, path: str) -> None:
    answer = verbose.ask(path, headers=GZIP | SIGNED_IN)
    assert answer.header("Content-Encoding") == "gzip"
    assert answer.header("Vary") == "Accept-Encoding"
    assert len(answer.body) < 1000 < len(gzip.decompress(answer.body))


@pytest.mark.parametrize("path", ["/api/search", "/api/batches", "/api/search/export", "/es/dicom-images/_search"])
def test_what_programs_get_is_compressed_but_not_what_browsers_get_that_have_signed_in(
    verbose: Proxy, path: str
) -> None:
    assert verbose.ask(path, headers=GZIP).header("Content-Encoding") == "gzip"
    assert verbose.ask(path, headers=GZIP | SIGNED_IN).header("Content-Encoding") is None


@pytest.mark.parametrize("path", ["/", "/search?q=a", "/login", "/images/1.2.3"])
def test_pages_are_not_compressed(verbose: Proxy, path: str) -> None:
    for more in ({}, SIGNED_IN):
        assert verbose.ask(path, headers=GZIP | more).header("Content-Encoding") is None


def test_only_what_the_application_lets_be_kept_of_its_static_files_is_kept(verbose: Proxy) -> None:
    for path, times in {
        "/static/kept.css?v=1": 1,
        "/static/kept.css?v=2": 1,
        "/images/1.2.3": 2,
        "/api/search": 2,
    }.items():
        Verbose.answers.clear()
        bodies = {verbose.ask(path).body.splitlines()[0] for _ in range(2)}
        assert bodies == {f"GET {path}".encode()}
        assert Verbose.answers == [path] * times
