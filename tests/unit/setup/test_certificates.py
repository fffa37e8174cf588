"""Certificates: what they are for, when they are made anew, and that a real TLS client takes or refuses them."""

import socket
import ssl
import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509

from indexer.setup.certificates import (
    CertificateError,
    Pair,
    authority_trouble,
    certificate_trouble,
    new_authority,
    new_certificate,
    valid_until,
)

NOW = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
NAMES = ("elasticsearch", "localhost", "127.0.0.1", "::1")


@pytest.fixture(scope="module")
def authority() -> Pair:
    return new_authority(NOW)


@pytest.fixture(scope="module")
def pair(authority: Pair) -> Pair:
    return new_certificate(authority, NAMES, NOW)


def test_a_certificate_names_hosts_and_addresses_and_is_for_servers(pair: Pair) -> None:
    certificate = x509.load_pem_x509_certificate(pair.certificate)
    names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert names.get_values_for_type(x509.DNSName) == ["elasticsearch", "localhost"]
    assert [str(address) for address in names.get_values_for_type(x509.IPAddress)] == ["127.0.0.1", "::1"]
    usage = certificate.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    assert list(usage) == [x509.ExtendedKeyUsageOID.SERVER_AUTH]
    assert not certificate.extensions.get_extension_for_class(x509.BasicConstraints).value.ca


@pytest.mark.parametrize(
    ("days", "trouble"),
    [
        (0, None),
        (366, None),
        (368, "it expires on 2027-12-26"),
        (396, "it expires on 2027-12-26"),
        (398, "it has expired on 2027-12-26"),
        (-2, "it is valid only from 2026-11-24"),
    ],
)
def test_a_certificate_is_made_anew_a_month_before_it_expires(
    authority: Pair, pair: Pair, days: int, trouble: str | None
) -> None:
    assert certificate_trouble(pair, authority, NAMES, NOW + timedelta(days=days)) == trouble


def test_a_certificate_is_made_anew_when_names_key_or_authority_are_others(authority: Pair, pair: Pair) -> None:
    other = new_certificate(authority, NAMES, NOW)
    assert certificate_trouble(pair, authority, (*NAMES, "archive.example.org"), NOW) == "the names are others"
    assert certificate_trouble(pair, authority, NAMES[:-1], NOW) == "the names are others"
    assert certificate_trouble(pair, new_authority(NOW), NAMES, NOW) == "the authority is another one"
    mixed = Pair(pair.certificate, other.key)
    assert certificate_trouble(mixed, authority, NAMES, NOW) == "key and certificate are not of each other"
    broken = Pair(pair.certificate, b"no key")
    assert certificate_trouble(broken, authority, NAMES, NOW) == "the key cannot be read"
    broken = Pair(b"no certificate", pair.key)
    assert certificate_trouble(broken, authority, NAMES, NOW) == "the certificate cannot be read"


def test_an_authority_lasts_ten_years_and_is_made_anew_before_they_end(authority: Pair) -> None:
    assert authority_trouble(authority, NOW) is None
    assert authority_trouble(authority, NOW + timedelta(days=3_600)) is None
    assert authority_trouble(authority, NOW + timedelta(days=3_640)) == "it expires on 2036-11-21"
    mixed = Pair(authority.certificate, new_authority(NOW).key)
    assert authority_trouble(mixed, NOW) == "key and certificate are not of each other"


def test_no_certificate_outlives_its_authority(authority: Pair) -> None:
    late = new_certificate(authority, NAMES, NOW + timedelta(days=3_500))
    assert valid_until(late) == valid_until(authority)


@pytest.mark.parametrize("name", ["", "a b", "~^regular$", "ünknown..example", "a/b", "*"])
def test_what_is_no_name_of_a_host_is_refused(authority: Pair, name: str) -> None:
    with pytest.raises(CertificateError, match="is no host name that a certificate can have"):
        new_certificate(authority, ("nginx", name), NOW)


def _greet(pair: Pair, authority: Pair, name: str, folder: Path) -> str:
    """Serve one TLS connection with a certificate, and connect to it as a client that trusts the authority."""
    for file, content in (("tls.crt", pair.certificate), ("tls.key", pair.key), ("ca.crt", authority.certificate)):
        (folder / file).write_bytes(content)
    serving = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    serving.load_cert_chain(folder / "tls.crt", folder / "tls.key")
    listener = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        raw, _ = listener.accept()
        try:
            with serving.wrap_socket(raw, server_side=True) as connection:
                connection.sendall(b"welcome")
        except OSError:
            raw.close()

    thread = threading.Thread(target=serve)
    thread.start()
    try:
        client = ssl.create_default_context(cafile=folder / "ca.crt")
        with (
            socket.create_connection(listener.getsockname(), timeout=10) as raw,
            client.wrap_socket(raw, server_hostname=name) as connection,
        ):
            return connection.recv(7).decode()
    finally:
        thread.join()
        listener.close()


def test_a_client_takes_the_certificate_for_its_names_alone(tmp_path: Path) -> None:
    now = datetime.now(UTC)
    authority = new_authority(now)
    pair = new_certificate(authority, ("nginx", "localhost", "127.0.0.1", "archive.example.org"), now)
    for name in ("nginx", "localhost", "127.0.0.1", "archive.example.org"):
        assert _greet(pair, authority, name, tmp_path) == "welcome"
    with pytest.raises(ssl.SSLCertVerificationError, match="Hostname mismatch"):
        _greet(pair, authority, "elsewhere.example.org", tmp_path)
    with pytest.raises(ssl.SSLCertVerificationError, match=r"unable to get local issuer|self-signed"):
        _greet(pair, new_authority(now), "nginx", tmp_path)


def test_a_client_refuses_an_expired_certificate(tmp_path: Path) -> None:
    now = datetime.now(UTC)
    then = now - timedelta(days=400)
    authority = new_authority(then)
    with pytest.raises(ssl.SSLCertVerificationError, match="certificate has expired"):
        _greet(new_certificate(authority, ("nginx",), then), authority, "nginx", tmp_path)
    assert _greet(new_certificate(authority, ("nginx",), now), authority, "nginx", tmp_path) == "welcome"
