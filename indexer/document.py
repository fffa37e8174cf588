"""The whole document of an image: the flattened header, and what is known of its file and batch."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import orjson

from indexer.duplicates import FIELD, header_digest
from indexer.flatten import Flattened, flatten
from indexer.reader import Header
from indexer.settings import Limits

# What a document says of its file and batch, and not of its header.
KEPT = ("batch", "file", FIELD, "indexed_at")


@dataclass(frozen=True, slots=True)
class FileFacts:
    """What the document says of the file.

    Attributes
    ----------
    path
        Where it is; names that are no UTF-8 may hold surrogates, as Python has them.
    name
        The last part of the path.
    size
        Bytes.
    mtime
        When it was last modified.
    """

    path: str
    name: str
    size: int
    mtime: datetime


def build_document(flattened: Flattened, file: FileFacts, batch: str, indexed_at: datetime) -> dict[str, Any]:
    """Complete the document.

    Parameters
    ----------
    flattened
        From `flatten`.
    file
        The file that was read.
    batch
        The batch's name.
    indexed_at
        Now, with a time zone; also the `@timestamp` of an image that does not tell when it was made.
    """
    now = moment_text(indexed_at)
    return {
        "@timestamp": now,
        **flattened.fields,
        "batch": _valid(batch),
        "file": {
            "path": _valid(file.path),
            "name": _valid(file.name),
            "size": file.size,
            "mtime": moment_text(file.mtime),
            "header_sha256": header_digest(flattened.fields["header"]),
        },
        "indexed_at": now,
    }


def rebuild_document(document_id: str, source: Mapping[str, Any], limits: Limits) -> dict[str, Any]:
    """Make a document anew from what an older one has kept, without the file.

    Parameters
    ----------
    document_id
        Its `_id`.
    source
        Its `header`, `receipt`, `batch`, `file`, `duplicates` and `indexed_at`.
    limits
        As for `flatten`.
    """
    header = Header.stored(orjson.loads(source["header"]), source["receipt"], document_id)
    kept = {name: source[name] for name in KEPT if name in source}
    kept["file"] = {"header_sha256": header_digest(source["header"]), **source["file"]}
    return {"@timestamp": source["indexed_at"], **flatten(header, limits).fields, **kept}


def moment_text(moment: datetime) -> str:
    """Write a time as documents have it: in UTC, to the millisecond."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _valid(name: str) -> str:
    """Write a file name that is no UTF-8 so that JSON can hold it."""
    return name.encode("utf-8", "surrogateescape").decode("utf-8", "replace")
