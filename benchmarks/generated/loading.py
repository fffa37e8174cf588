"""Made-up images into an index: flattened by the indexer's own code, and written by several processes.

Beside the index, each header goes as one line of JSON into a file: what a server keeps that has no index of it.
"""

import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import orjson
from elasticsearch import Elasticsearch

from indexer.document import build_document
from indexer.flatten import flatten
from indexer.settings import Limits
from indexer.sink import Document, Sink
from mappings.index import ensure_index, migrating_alias, write_alias

from .headers import images_of
from .plan import plan

HEADERS = "headers-{}.ndjson"
_AT_ONCE = 400
# All documents say so: the same archive at any time.
_INDEXED_AT = datetime(2025, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Loaded:
    """What came of loading."""

    images: int
    seconds: float


def load(url: str, index: str, images: int, seed: int, folder: Path, processes: int = 2) -> Loaded:
    """Fill an index, and write the headers into files.

    Parameters
    ----------
    url
        Of Elasticsearch.
    index
        The alias; made where it is missing.
    images, seed
        As for `plan`.
    folder
        For the files of headers; it must exist.
    processes
        That share the work.
    """
    start = time.perf_counter()
    with Elasticsearch(url, request_timeout=120) as client:
        ensure_index(client, index)
        with ProcessPoolExecutor(processes, mp_context=get_context("spawn")) as pool:
            tasks = [
                pool.submit(_load_part, url, index, images, seed, folder, part, processes) for part in range(processes)
            ]
            written = sum(task.result() for task in tasks)
        client.indices.refresh(index=index)
    return Loaded(written, time.perf_counter() - start)


def stored_headers(folder: Path) -> Iterator[bytes]:
    """Read the stored headers, one line of JSON each."""
    for path in sorted(folder.glob(HEADERS.format("*"))):
        with path.open("rb") as lines:
            yield from lines


def _load_part(url: str, index: str, images: int, seed: int, folder: Path, part: int, parts: int) -> int:
    """Load every so manieth study."""
    limits, written = Limits(), 0
    with (
        Elasticsearch(url, request_timeout=120, max_retries=0) as client,
        (folder / HEADERS.format(part)).open("wb") as headers,
    ):
        sink = Sink(client, index, write_alias(index), migrating_alias(index), prepare=lambda: None)
        waiting: list[Document] = []
        for study in plan(images, seed):
            if study.number % parts != part:
                continue
            for image in images_of(study, seed):
                flattened = flatten(image.header, limits)
                document = build_document(flattened, image.file, image.batch, _INDEXED_AT)
                headers.write(flattened.fields["header"].encode() + b"\n")
                waiting.append(Document(flattened.id, orjson.dumps(document), 1))
                if len(waiting) >= _AT_ONCE:
                    written += _write(sink, waiting)
                    waiting = []
        if waiting:
            written += _write(sink, waiting)
    return written


def _write(sink: Sink, documents: list[Any]) -> int:
    rejected = [written.rejected for written in sink.write(documents) if written.rejected]
    assert not rejected, rejected[0]
    return len(documents)
