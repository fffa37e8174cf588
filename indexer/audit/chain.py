"""The chain: each event has the hash of the one before it in its own, so that a change or a gap shows.

    hash(n) = SHA-256("n:" + hash(n - 1) + ":" + SHA-256(message n))        in hexadecimal; hash(0) is empty

The digest of the message is made here; the link is made in Redis by `scripts/append.lua`, where appending and linking
are one step. Who can write to Redis and Elasticsearch both could make a chain anew: the number and hash of its end,
noted elsewhere, show that, too. The mover logs them.
"""

import hashlib
from collections.abc import Mapping
from typing import Any

import orjson

# Members that are added when an event is moved, and are no part of the message.
ADDED = frozenset({"@timestamp", "entry", "chain", "resolved"})


def canonical(message: Mapping[str, Any]) -> bytes:
    """Write a message in the one way that its digest is of: names in order, no blanks."""
    return orjson.dumps(message, option=orjson.OPT_SORT_KEYS)


def message_of(document: Mapping[str, Any]) -> dict[str, Any]:
    """The message in a document of the index."""
    return {name: value for name, value in document.items() if name not in ADDED}


def digest_of(written: bytes) -> str:
    """Digest a message, as `canonical` has written it."""
    return hashlib.sha256(written).hexdigest()


def link(number: int, previous: str, digest: str) -> str:
    """The hash of an event, from its number, the hash of the one before it, and the digest of its message."""
    return hashlib.sha256(f"{number}:{previous}:{digest}".encode()).hexdigest()
