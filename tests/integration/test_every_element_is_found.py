"""Every real file at hand is indexed without one error, and any of its elements finds its image, by itself."""

import random
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pydicom
import pytest
from elasticsearch import Elasticsearch
from elasticsearch.helpers import streaming_bulk

from indexer.document import FileFacts, build_document
from indexer.flatten import flatten
from indexer.flatten.forms import private_key
from indexer.reader import NotAnImage, ReadError, read_header
from indexer.settings import Limits
from mappings.dictionary import Kind, attribute_of
from mappings.index import ensure_index, write_alias
from mappings.template import index_template
from tests.header_oracle import (
    Expected,
    as_list,
    expected_elements,
    fields_outside,
    problems,
    read_with_pydicom,
    written,
)

DRAWN = 3_000
LIMITS = Limits()
NO_DICOM = {".csv", ".py", ".pyc", ".json", ".txt", ".md", ".dump", ".icc"}
PROPERTIES = index_template("x")["template"]["mappings"]["properties"]
# What pydicom stops at, or refuses to read at all.
PYDICOM_FAILS = {
    "FreezePattern.dcm",
    "GH177_D_CLUNIE_CT1_IVRLE_BigEndian_undefined_length.dcm",
    "GH364.dcm",
}


@dataclass
class Archive:
    """The files that were read, what pydicom expects of each, and their documents by their identity."""

    documents: dict[str, dict[str, Any]] = field(default_factory=dict)
    expected: dict[str, list[Expected]] = field(default_factory=dict)
    outcomes: Counter[str] = field(default_factory=Counter)
    receipt: Counter[str] = field(default_factory=Counter)
    faults: list[str] = field(default_factory=list)


def folders(corpus: Path) -> list[Path]:
    import data_store

    return [corpus, Path(pydicom.__file__).parent / "data", Path(data_store.__file__).parent]


def read(archive: Archive, path: Path) -> None:
    """Read a file with both readers, and compare."""
    try:
        header = read_header(path, LIMITS)
    except ReadError as error:
        archive.outcomes[error.code] += 1
        return
    except NotAnImage:
        archive.outcomes["ignored"] += 1
        return
    archive.outcomes["done"] += 1
    flat = flatten(header, LIMITS)
    facts = FileFacts(str(path), path.name, path.stat().st_size, datetime.fromtimestamp(path.stat().st_mtime, UTC))
    document = build_document(flat, facts, "corpus", datetime(2026, 1, 1, tzinfo=UTC))
    receipt = document["receipt"]
    archive.receipt.update({name: count for name, count in receipt.items() if isinstance(count, int)})
    # Several files have the same UID: the last one's document is the one that stays.
    archive.documents[flat.id] = document
    archive.expected.pop(flat.id, None)
    outside = fields_outside(document, PROPERTIES)
    archive.faults += [f"{path}: {name} is not in the mapping" for name in outside]
    if path.name in PYDICOM_FAILS:
        return
    expected = expected_elements(read_with_pydicom(path))
    archive.expected[flat.id] = expected
    behind = sum(tag >= "7FE00008" for tag in header.elements)
    if receipt["elements"] != len(expected) + behind:
        archive.faults.append(f"{path}: {receipt['elements']} elements, pydicom has {len(expected) + behind}")
    cut = {one["path"].split("[")[0] for one in receipt.get("cuts", ())}
    archive.faults += [
        f"{path}: {one.path}: {problem}"
        for one in expected
        if one.path.split(".")[0] not in cut
        for problem in problems(document, one)
    ]


@pytest.fixture(scope="module")
def archive(corpus: Path) -> Archive:
    found = Archive()
    for folder in folders(corpus):
        for path in sorted(folder.rglob("*")):
            if path.is_file() and path.suffix not in NO_DICOM:
                read(found, path)
    return found


@pytest.fixture(scope="module")
def client(elasticsearch_url: str) -> Iterator[Elasticsearch]:
    with Elasticsearch(elasticsearch_url, request_timeout=120) as client:
        yield client


@pytest.fixture(scope="module")
def index(client: Elasticsearch, archive: Archive) -> Iterator[str]:
    alias = f"test-corpus-{time.time_ns()}"
    name = ensure_index(client, alias)
    actions = ({"_index": write_alias(alias), "_id": key, "_source": doc} for key, doc in archive.documents.items())
    failed = [item for ok, item in streaming_bulk(client, actions, chunk_size=100, raise_on_error=False) if not ok]
    assert failed == []
    client.indices.refresh(index=alias)
    yield alias
    client.indices.delete(index=name)
    client.indices.delete_index_template(name=alias)


def test_what_pydicom_reads_is_in_its_field_and_each_receipt_adds_up(archive: Archive) -> None:
    assert archive.faults == []
    counts = archive.receipt
    assert counts["elements"] == sum(counts.values()) - counts["elements"]
    assert archive.outcomes["done"] > 800
    assert archive.outcomes["unreadable"] == 0


def test_every_document_is_accepted_and_nothing_is_ignored_but_the_keyword_of_long_texts(
    client: Elasticsearch, index: str, archive: Archive
) -> None:
    assert client.count(index=index)["count"] == len(archive.documents)
    answer = client.search(index=index, size=0, aggs={"ignored": {"terms": {"field": "_ignored", "size": 1_000}}})
    ignored = {bucket["key"] for bucket in answer["aggregations"]["ignored"]["buckets"]}
    assert {name for name in ignored if not name.endswith(".keyword")} == set()


def query(expected: Expected, document: dict[str, Any], chance: random.Random) -> dict[str, Any] | None:
    """Ask for one value of one element, and nothing else."""
    value = chance.choice(expected.values)
    text = chance.choice(written(value))
    attribute = attribute_of(expected.tag)
    if attribute is None:
        if expected.creator:
            key = f"private.{expected.creator}.{private_key(f'{expected.tag:08X}')}"
            held = as_list(document["private"][expected.creator][private_key(f"{expected.tag:08X}")])
        else:
            key = f"other.{expected.tag:08X}"
            held = as_list(document["other"][f"{expected.tag:08X}"])
        return {"term": {key: chance.choice(held)}}
    field_name = attribute.keyword if expected.depth == 0 else f"nested.{attribute.keyword}"
    if expected.path in document.get("malformed", {}):
        return {"term": {f"malformed.{expected.path}": as_list(document["malformed"][expected.path])[0]}}
    if attribute.kind in {Kind.TEXT, Kind.NAME}:
        has_words = any(character.isalnum() for character in text)
        return {"match_phrase": {field_name: text}} if has_words else {"exists": {"field": field_name}}
    source = document if expected.depth == 0 else document["nested"]
    held = as_list(source.get(attribute.keyword))
    return {"term": {field_name: chance.choice(held)}} if held else None


def test_any_element_finds_its_image_by_itself(client: Elasticsearch, index: str, archive: Archive) -> None:
    chance = random.Random(20_260_101)
    pool = [
        (identity, one)
        for identity, elements in archive.expected.items()
        for one in elements
        if one.kind == "value" and len(one.path) < 256
    ]
    drawn = chance.sample(pool, DRAWN)
    searches: list[dict[str, Any]] = []
    asked: list[tuple[str, Expected]] = []
    for identity, one in drawn:
        wanted = query(one, archive.documents[identity], chance)
        if wanted is None:
            continue
        asked.append((identity, one))
        searches += [{}, {"size": 0, "query": {"bool": {"filter": [wanted, {"ids": {"values": [identity]}}]}}}]
    assert len(asked) > DRAWN * 0.99
    lost = []
    for start in range(0, len(searches), 1_000):
        answers = client.msearch(index=index, searches=searches[start : start + 1_000])["responses"]
        for (identity, one), answer in zip(asked[start // 2 :], answers, strict=False):
            if "error" in answer or answer["hits"]["total"]["value"] != 1:
                lost.append((identity, one.path, answer.get("error")))
    assert lost == []
