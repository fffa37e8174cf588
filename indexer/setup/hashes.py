"""Passwords as Elasticsearch's file realm and its file of service tokens keep them.

`PBKDF2_STRETCH` is what Elasticsearch calls PBKDF2 (RFC 8018) with HMAC-SHA512 over the hexadecimal SHA-512 of the
password: https://www.elastic.co/docs/reference/elasticsearch/configuration-reference/security-settings#hashing-settings
"""

import base64
import hashlib
import hmac
import os

_PREFIX = "{PBKDF2_STRETCH}"
# Elasticsearch knows a few numbers of iterations only. It keeps what it has checked in memory, so the cost is paid
# every twenty minutes.
_ITERATIONS = 50_000
_SALT_BYTES = 32
_KEY_BYTES = 32


def hashed(password: str) -> str:
    """Hash a password with a new salt."""
    salt = os.urandom(_SALT_BYTES)
    return f"{_PREFIX}{_ITERATIONS}${_text(salt)}${_text(_derived(password, salt, _ITERATIONS))}"


def fits(password: str, found: str) -> bool:
    """Tell whether a hash, as this module makes them, is that of a password."""
    iterations, _, rest = found.removeprefix(_PREFIX).partition("$")
    salt, _, key = rest.partition("$")
    if not found.startswith(_PREFIX) or iterations != str(_ITERATIONS):
        return False
    try:
        derived = _derived(password, base64.b64decode(salt, validate=True), _ITERATIONS)
    except ValueError:
        return False
    return hmac.compare_digest(_text(derived), key)


def _derived(password: str, salt: bytes, iterations: int) -> bytes:
    stretched = hashlib.sha512(password.encode()).hexdigest().encode()
    return hashlib.pbkdf2_hmac("sha512", stretched, salt, iterations, _KEY_BYTES)


def _text(some: bytes) -> str:
    return base64.b64encode(some).decode()
