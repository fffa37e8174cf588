"""Certificates for the services of one machine, signed by an authority of their own, and renewed by it in time.

Keys are ECDSA on P-256, which Elasticsearch, Kibana, nginx and browsers read; names stand in the SubjectAlternativeName
(RFC 5280 §4.2.1.6), as clients look at nothing else.
"""

import ipaddress
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

_AUTHORITY_DAYS = 3_650
_DAYS = 397
RENEWED_BEFORE = timedelta(days=30)
_LONGEST_NAME = 253
# RFC 1123 §2.1, and a wildcard for the first label (RFC 6125 §6.4.3); names of containers may have underscores.
_HOST_NAME = re.compile(r"(\*\.)?[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9])?(\.[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?)*")
# Clocks of two machines differ a little.
_EARLIER = timedelta(hours=1)


class CertificateError(Exception):
    """A certificate or key cannot be made or read; the message says which and why."""


@dataclass(frozen=True, slots=True)
class Pair:
    """A certificate and its private key, as PEM."""

    certificate: bytes
    key: bytes


def new_authority(now: datetime) -> Pair:
    """Make an authority: a key, and a certificate signed with itself."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name(
        [
            x509.NameAttribute(NameOID.COMMON_NAME, "dicomsearch authority"),
            # Two authorities of one name would be taken for each other.
            x509.NameAttribute(NameOID.SERIAL_NUMBER, f"{x509.random_serial_number():x}"[:16]),
        ]
    )
    identifier = x509.SubjectKeyIdentifier.from_public_key(key.public_key())
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - _EARLIER)
        .not_valid_after(now + timedelta(days=_AUTHORITY_DAYS))
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_usage(signs_certificates=True), critical=True)
        .add_extension(identifier, critical=False)
        .sign(key, hashes.SHA256())
    )
    return _pair(certificate, key)


def new_certificate(
    authority: Pair, names: Sequence[str], now: datetime, *, days: int = _DAYS, also_client: bool = False
) -> Pair:
    """Make a certificate for a server, signed by an authority.

    Parameters
    ----------
    names
        Host names and addresses under which the server is reached; the first one also names the certificate.
    days
        How long it is valid, at most as long as the authority itself.
    also_client
        Whether it is shown to other servers, too, as nodes of Elasticsearch do among themselves.

    Raises
    ------
    CertificateError
        A name cannot stand in a certificate.
    """
    issuer, issuer_key = _certificate(authority.certificate), _key(authority.key)
    usages = [ExtendedKeyUsageOID.SERVER_AUTH, *([ExtendedKeyUsageOID.CLIENT_AUTH] if also_client else [])]
    key = ec.generate_private_key(ec.SECP256R1())
    certificate = (
        x509.CertificateBuilder()
        .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, names[0])]))
        .issuer_name(issuer.subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - _EARLIER)
        .not_valid_after(min(now + timedelta(days=days), issuer.not_valid_after_utc))
        .add_extension(x509.SubjectAlternativeName([_general_name(name) for name in names]), critical=False)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_usage(signs_certificates=False), critical=True)
        .add_extension(x509.ExtendedKeyUsage(usages), critical=False)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer_key.public_key()),
            critical=False,
        )
        .sign(issuer_key, hashes.SHA256())
    )
    return _pair(certificate, key)


def authority_trouble(authority: Pair, now: datetime) -> str | None:
    """Say why an authority has to be made anew; None where it serves."""
    try:
        certificate = _certificate(authority.certificate)
        key = _key(authority.key)
    except CertificateError as error:
        return str(error)
    if certificate.public_key() != key.public_key():
        return "key and certificate are not of each other"
    return _age_trouble(certificate, now)


def certificate_trouble(pair: Pair, authority: Pair, names: Sequence[str], now: datetime) -> str | None:
    """Say why a server's certificate has to be made anew; None where it serves."""
    try:
        certificate = _certificate(pair.certificate)
        key = _key(pair.key)
        issuer = _certificate(authority.certificate)
    except CertificateError as error:
        return str(error)
    if certificate.public_key() != key.public_key():
        return "key and certificate are not of each other"
    try:
        certificate.verify_directly_issued_by(issuer)
    except (ValueError, TypeError, InvalidSignature):
        return "the authority is another one"
    try:
        found = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return "the names are others"
    if set(found) != {_general_name(name) for name in names}:
        return "the names are others"
    return _age_trouble(certificate, now)


def valid_until(pair: Pair) -> datetime:
    """Tell when a certificate expires."""
    return _certificate(pair.certificate).not_valid_after_utc


def _age_trouble(certificate: x509.Certificate, now: datetime) -> str | None:
    ends = certificate.not_valid_after_utc
    if ends <= now:
        return f"it has expired on {ends:%Y-%m-%d}"
    if ends - now < RENEWED_BEFORE:
        return f"it expires on {ends:%Y-%m-%d}"
    if certificate.not_valid_before_utc > now:
        return f"it is valid only from {certificate.not_valid_before_utc:%Y-%m-%d}"
    return None


def _general_name(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(name.strip("[]")))
    except ValueError:
        pass
    try:
        host = name.lower() if name.isascii() else name.encode("idna").decode()
    except UnicodeError:
        host = ""
    if len(host) > _LONGEST_NAME or not _HOST_NAME.fullmatch(host):
        raise CertificateError(f"{name!r} is no host name that a certificate can have")
    return x509.DNSName(host)


def _usage(*, signs_certificates: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not signs_certificates,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=signs_certificates,
        crl_sign=signs_certificates,
        encipher_only=False,
        decipher_only=False,
    )


def _pair(certificate: x509.Certificate, key: ec.EllipticCurvePrivateKey) -> Pair:
    return Pair(
        certificate.public_bytes(serialization.Encoding.PEM),
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()),
    )


def _certificate(pem: bytes) -> x509.Certificate:
    try:
        return x509.load_pem_x509_certificate(pem)
    except ValueError as error:
        raise CertificateError("the certificate cannot be read") from error


def _key(pem: bytes) -> ec.EllipticCurvePrivateKey:
    try:
        key = serialization.load_pem_private_key(pem, password=None)
    except (ValueError, TypeError) as error:
        raise CertificateError("the key cannot be read") from error
    if not isinstance(key, ec.EllipticCurvePrivateKey):
        raise CertificateError("the key is of another kind")
    return key
