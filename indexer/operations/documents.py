"""Documents of a batch, page by page as of one moment, and changing what they say of their files.

A changed document gets the version after its own: that never beats a worker that writes the same image meanwhile, whose
version is a time.
"""

import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import orjson
from elastic_transport import ConnectionError as LostConnectionError
from elastic_transport import ConnectionTimeout
from elasticsearch import ApiError

from indexer.connecting import explain, refusal
from indexer.document import KEPT, moment_text, rebuild_document
from indexer.duplicates import FIELD, Earlier, earlier_of
from indexer.operations.model import OperationError
from indexer.point_in_time import pages_of
from indexer.queue import chunks
from indexer.services import Services
from indexer.sink import Change, Document, ElasticsearchUnavailableError

PAGE = 1_000
_OF_FILE = ["batch", "file", FIELD]
# Whole documents that are in memory at a time: a header may have megabytes.
_WHOLE = 20


@dataclass(frozen=True, slots=True)
class Hit:
    """A document: its id, where it comes from, and what it says of its file."""

    id: str
    earlier: Earlier
    file: Mapping[str, Any]


@contextmanager
def asking() -> Iterator[None]:
    """Turn what Elasticsearch's client raises into the error that all of the indexer knows."""
    try:
        yield
    except (LostConnectionError, ConnectionTimeout, ApiError) as error:
        raise ElasticsearchUnavailableError(explain(error), refused=refusal(error) is not None) from error


def of_batch(batch: str) -> dict[str, Any]:
    """Query the documents that are made from a file of a batch, or name one."""
    return {"bool": {"should": [{"term": {"batch": batch}}, {"term": {f"{FIELD}.batch": batch}}]}}


def pages(services: Services, query: Mapping[str, Any]) -> Iterator[list[Hit]]:
    """Documents that a query finds, as of now; what was written a moment ago is there.

    Raises
    ------
    ElasticsearchUnavailableError
        Elasticsearch does not answer.
    """
    services.sink.refresh()
    client, index = services.elasticsearch, services.settings.index
    with asking(), closing(pages_of(client, index, query, size=PAGE, source={"includes": _OF_FILE})) as found:
        for hits in found:
            yield [_hit(hit) for hit in hits]


def time_text(facts: os.stat_result) -> str:
    """Write when a file was last modified as its document has it."""
    return moment_text(datetime.fromtimestamp(facts.st_mtime, UTC))


def hits_of(services: Services, ids: list[str]) -> dict[str, Hit]:
    """Documents by their ids, written a moment ago or not."""
    if not ids:
        return {}
    with asking():
        answer = services.elasticsearch.mget(index=services.settings.index, ids=ids, source_includes=_OF_FILE)
    return {found["_id"]: _hit(found) for found in answer["docs"] if found.get("found")}


def _hit(found: Mapping[str, Any]) -> Hit:
    source = found["_source"]
    return Hit(found["_id"], earlier_of(source, found["_version"]), source.get("file", {}))


@dataclass(frozen=True, slots=True)
class Rewrite:
    """What a document of a certain version is to say of its file: `batch`, `file`, `duplicates`; None takes it out."""

    version: int
    values: Mapping[str, Any]


def rewrite(services: Services, wanted: Mapping[str, Rewrite]) -> None:
    """Change what documents say of their files; one that was written meanwhile stays as it is.

    Raises
    ------
    ElasticsearchUnavailableError
        Elasticsearch does not answer.
    OperationError
        Elasticsearch refuses one of them.
    """
    for ids in chunks(wanted, _WHOLE):
        with asking():
            answer = services.elasticsearch.mget(
                index=services.settings.index, ids=ids, source_includes=["header", "receipt", *KEPT]
            )
        write(
            services,
            [
                _changed(services, found, wanted[found["_id"]])
                for found in answer["docs"]
                if found.get("found") and found["_version"] == wanted[found["_id"]].version
            ],
        )


def write(services: Services, changes: Sequence[Change]) -> None:
    """Write changes, none of which Elasticsearch may refuse."""
    refused = [one for one in services.sink.write(changes) if one.rejected is not None]
    if refused:
        raise OperationError(
            f"Elasticsearch refuses {len(refused):,} changes, the first of {refused[0].id}: {refused[0].rejected}"
        )


def _changed(services: Services, found: Mapping[str, Any], wanted: Rewrite) -> Document:
    values = {**found["_source"], **wanted.values}
    source = {name: value for name, value in values.items() if value is not None}
    # Built anew, so that it is right in the index that a migration fills, too.
    body = rebuild_document(found["_id"], source, services.settings.limits)
    return Document(found["_id"], orjson.dumps(body), found["_version"] + 1)
