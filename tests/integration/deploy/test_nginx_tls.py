"""TLS of nginx: what is spoken, with whom, and what becomes of those who speak none."""

import json
import shutil
import ssl
import subprocess
import tempfile
import warnings
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from pydantic import SecretStr

from indexer.settings import Settings
from indexer.setup.files import SetupFiles, make_files
from indexer.setup.secrets import new_password, secrets_of
from tests.integration.deploy.proxy import Proxy, give_to_its_user, nginx
from tests.integration.deploy.upstreams import serving
from tests.processes import wait_for

LONG_AGO = datetime.now(UTC) - timedelta(days=500)


@pytest.fixture(scope="module")
def mirrored() -> Iterator[Proxy]:
    """In front of a web server that answers with what it was asked."""
    with serving() as address, nginx(address, HOSTS="dicom.example") as proxy:
        yield proxy


def speaking(proxy: Proxy, version: ssl.TLSVersion) -> ssl.SSLContext:
    """A client that speaks one version, and all ciphers that there ever were."""
    context = ssl.create_default_context(cafile=proxy.ca)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        context.minimum_version = context.maximum_version = version
    context.set_ciphers("ALL:@SECLEVEL=0")
    return context


@pytest.mark.parametrize("version", ["TLSv1_2", "TLSv1_3"])
def test_tls_is_spoken_with_forward_secrecy(mirrored: Proxy, version: str) -> None:
    with mirrored.connected(speaking(mirrored, ssl.TLSVersion[version])) as connection:
        cipher = connection.cipher()
    assert cipher is not None
    assert cipher[0].startswith(("ECDHE-", "TLS_"))
    assert "GCM" in cipher[0] or "CHACHA20" in cipher[0]


@pytest.mark.parametrize("version", ["TLSv1", "TLSv1_1"])
def test_old_versions_are_refused(mirrored: Proxy, version: str) -> None:
    context = speaking(mirrored, ssl.TLSVersion[version])
    # The alert is the server's: the client would have spoken it.
    with pytest.raises(ssl.SSLError, match="TLSV1_ALERT_PROTOCOL_VERSION"), mirrored.connected(context):
        pass


@pytest.mark.parametrize("cipher", ["AES128-SHA", "AES256-GCM-SHA384", "ECDHE-ECDSA-AES128-SHA", "NULL"])
def test_weak_ciphers_are_refused(mirrored: Proxy, cipher: str) -> None:
    context = speaking(mirrored, ssl.TLSVersion.TLSv1_2)
    context.set_ciphers(f"{cipher}:@SECLEVEL=0")
    with pytest.raises(ssl.SSLError, match="HANDSHAKE_FAILURE"), mirrored.connected(context):
        pass


def test_who_does_not_know_the_authority_does_not_speak_with_it(mirrored: Proxy) -> None:
    with pytest.raises(ssl.SSLCertVerificationError), mirrored.connected(ssl.create_default_context()):
        pass


def over_http2(proxy: Proxy, path: str, *options: str) -> tuple[str, str]:
    """Ask with curl, which speaks HTTP/2: the version and status that were spoken, and the body."""
    curl = shutil.which("curl")
    if curl is None:
        pytest.skip("curl is not installed: it is the client that speaks HTTP/2")
    url = f"https://localhost:{proxy.port}{path}"
    command = [curl, "-sS", "--http2", "--cacert", proxy.ca, "-w", "\n%{http_version} %{http_code}", *options, url]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)
    body, _, spoken = done.stdout.rpartition("\n")
    return spoken, body


def test_http_2_is_spoken_with_those_who_can(mirrored: Proxy) -> None:
    spoken, said = over_http2(mirrored, "/search?q=a", "-H", "Cookie: a=b", "-H", "Cookie: c=d")
    assert spoken == "2 200"
    assert f"Host: localhost:{mirrored.port}" in said
    assert "cookie: a=b; c=d" in said


def test_uploads_and_refusals_work_over_http_2(mirrored: Proxy, tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"x" * 1_100_000)
    sent = ("-X", "PUT", "--data-binary", f"@{tmp_path / 'file'}")
    assert over_http2(mirrored, "/api/uploads/1/files/a", *sent)[0] == "2 200"
    spoken, body = over_http2(mirrored, "/api/search", *sent)
    assert (spoken, json.loads(body)["status"]) == ("2 413", 413)
    assert over_http2(mirrored, "/", "-H", "Host: evil.example")[0] == "2 421"


def test_browsers_remember_that_it_speaks_tls_but_not_for_all_that_is_on_localhost(mirrored: Proxy) -> None:
    for path in ("/", "/api/search", "/-/page.css", "/kibana/"):
        answer = mirrored.ask(path, headers={"Host": "dicom.example"})
        assert answer.header("Strict-Transport-Security") == "max-age=31536000"
    for host in ("localhost:8443", "127.0.0.1", "[::1]:443"):
        assert mirrored.ask("/", headers={"Host": host}).header("Strict-Transport-Security") is None
    assert mirrored.ask("/", headers={"Host": "dicom.example"}, tls=False).header("Strict-Transport-Security") is None


@pytest.mark.parametrize("path", ["/", "/search?q=a%20b&x=(", "/batches/CASE%2017", "/kibana/", "/-/auth"])
def test_who_speaks_no_tls_is_led_to_it(mirrored: Proxy, path: str) -> None:
    answer = mirrored.ask(path, headers={"Host": "dicom.example:80"}, tls=False)
    assert (answer.status, answer.header("Location")) == (308, f"https://dicom.example:{mirrored.port}{path}")


def test_the_usual_port_is_not_in_the_address() -> None:
    with serving() as address, nginx(address, HTTPS_PORT="443") as proxy:
        assert proxy.ask("/a", tls=False).header("Location") == "https://127.0.0.1/a"


@pytest.mark.parametrize("path", ["/api/search?q=a", "/es/dicom-images/_search", "/api/uploads/1/files/a"])
def test_programs_without_tls_are_refused_so_that_they_do_not_go_on_sending_tokens(mirrored: Proxy, path: str) -> None:
    answer = mirrored.ask(path, headers={"Authorization": "Bearer abc"}, tls=False)
    assert answer.status == 403
    assert answer.header("Content-Type") == "application/problem+json"
    assert "https" in json.loads(answer.body)["detail"]


@pytest.fixture
def made() -> Iterator[SetupFiles]:
    """Certificates as they were made long ago, and have expired."""
    folder = Path(tempfile.mkdtemp(prefix="dicomsearch-setup-"))
    files = SetupFiles(folder)
    make(files, now=LONG_AGO)
    yield files
    shutil.rmtree(folder)


def make(files: SetupFiles, now: datetime | None = None) -> None:
    """Make the certificates, and let nginx read its own."""
    settings = Settings(
        hosts="dicom.example",
        elasticsearch_password=SecretStr(new_password()),
        elasticsearch_query_password=SecretStr(new_password()),
    )
    make_files(files, settings, secrets_of(settings), now=now)
    give_to_its_user(files.folder)


def test_clients_refuse_an_expired_certificate_until_it_is_renewed(made: SetupFiles) -> None:
    with serving() as address, nginx(address, HOSTS="dicom.example", NGINX_CERTIFICATES=str(made.of("nginx"))) as proxy:
        proxy.ca = made.ca
        with pytest.raises(ssl.SSLCertVerificationError, match="certificate has expired"), proxy.connected():
            pass
        make(made)
        proxy.reload()

        def is_renewed() -> bool:
            try:
                with proxy.connected(name="dicom.example"):
                    return True
            except ssl.SSLCertVerificationError:
                return False

        wait_for(is_renewed, 30)
        assert proxy.ask("/").status == 200
