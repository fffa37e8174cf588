"""Documents into a real Elasticsearch, with the faults that a real one shows under load."""

import time
from collections.abc import Iterator

import orjson
import pytest
from elasticsearch import Elasticsearch
from redis import Redis

from indexer.duplicates import Earlier
from indexer.settings import Settings
from indexer.sink import Document, ElasticsearchUnavailableError, Sink, Written
from indexer.status import Gate, Place
from mappings.index import ensure_index, migrating_alias, write_alias
from tests.fault_proxy import FaultProxy, fault_proxy


def document(name: str, version: int = 1, **fields: object) -> Document:
    return Document(name, orjson.dumps({"batch": "CASE-1", **fields}), version)


def sink_for(client: Elasticsearch, settings: Settings, **options: object) -> Sink:
    return Sink(
        client,
        read_alias=settings.index,
        write_alias=write_alias(settings.index),
        migrating_alias=migrating_alias(settings.index),
        prepare=lambda: ensure_index(client, settings.index),
        **options,
    )


@pytest.fixture
def sink(elasticsearch: Elasticsearch, settings: Settings) -> Sink:
    return sink_for(elasticsearch, settings, patience=0.0)


@pytest.fixture
def proxy(elasticsearch_url: str) -> Iterator[FaultProxy]:
    with fault_proxy(elasticsearch_url) as proxy:
        yield proxy


@pytest.fixture
def faulty_sink(proxy: FaultProxy, elasticsearch: Elasticsearch, settings: Settings) -> Iterator[Sink]:
    with Elasticsearch(proxy.url, max_retries=0, request_timeout=10) as client:
        yield sink_for(client, settings, patience=20.0)


def count(client: Elasticsearch, settings: Settings) -> int:
    client.indices.refresh(index=settings.index)
    return int(client.count(index=settings.index)["count"])


def test_every_document_has_an_outcome_in_the_order_given(
    sink: Sink, elasticsearch: Elasticsearch, settings: Settings
) -> None:
    written = sink.write([document("1"), document("2", Rows={"not": "a number"}), document("3")])
    assert [result.id for result in written] == ["1", "2", "3"]
    assert [result.rejected is None for result in written] == [True, False, True]
    assert "document_parsing_exception" in written[1].rejected
    assert count(elasticsearch, settings) == 2


def test_the_reason_of_a_rejection_does_not_quote_the_header(sink: Sink) -> None:
    [written] = sink.write([document("1", Rows={"x": "Doe^John"})])
    assert "Doe" not in written.rejected


def test_the_same_document_again_replaces_it(sink: Sink, elasticsearch: Elasticsearch, settings: Settings) -> None:
    sink.write([document("1", version=1, Rows=1)])
    sink.write([document("1", version=2, Rows=2)])
    assert elasticsearch.get(index=settings.index, id="1")["_source"]["Rows"] == 2


def test_an_older_write_that_comes_late_is_part_of_the_past(
    sink: Sink, elasticsearch: Elasticsearch, settings: Settings
) -> None:
    sink.write([document("1", version=2, Rows=2)])
    assert sink.write([document("1", version=1, Rows=1)]) == [Written("1")]
    assert elasticsearch.get(index=settings.index, id="1")["_source"]["Rows"] == 2


def test_large_writes_are_cut_into_requests_of_bounded_size(
    proxy: FaultProxy, faulty_sink: Sink, elasticsearch: Elasticsearch, settings: Settings
) -> None:
    faulty_sink.request_bytes = 2_000
    written = faulty_sink.write([document(str(at), text=["x" * 500]) for at in range(10)])
    assert all(result.rejected is None for result in written)
    assert proxy.bulk_sizes == [3, 3, 3, 1]
    assert count(elasticsearch, settings) == 10


def test_a_request_that_is_too_large_is_halved(
    proxy: FaultProxy, faulty_sink: Sink, elasticsearch: Elasticsearch, settings: Settings
) -> None:
    proxy.largest_bulk = 2_000
    huge = document("huge", text=["x" * 5_000])
    written = faulty_sink.write([document("1"), document("2"), huge, document("3")])
    assert [result.rejected is None for result in written] == [True, True, False, True]
    assert "413" in written[2].rejected
    assert count(elasticsearch, settings) == 3


@pytest.mark.parametrize("fault", [429, 502, 503, 504, "close"])
def test_a_service_in_trouble_is_tried_again_and_said_to_be_waited_for(
    fault: int | str, proxy: FaultProxy, faulty_sink: Sink, elasticsearch: Elasticsearch, settings: Settings
) -> None:
    said: list[str] = []
    faulty_sink.waits = said.append
    faulty_sink.goes_on = lambda: said.append("goes on")
    proxy.faults.extend([fault, fault])
    assert faulty_sink.write([document("1")]) == [Written("1")]
    assert count(elasticsearch, settings) == 1
    assert len(said) == 3
    assert said[-1] == "goes on"


def test_documents_wait_for_an_index_that_is_read_only(
    sink: Sink, elasticsearch: Elasticsearch, settings: Settings
) -> None:
    # What Elasticsearch does by itself when its disk is nearly full.
    elasticsearch.indices.put_settings(index=settings.index, settings={"index.blocks.read_only_allow_delete": True})
    with pytest.raises(ElasticsearchUnavailableError, match="block"):
        sink.write([document("1")])
    elasticsearch.indices.put_settings(index=settings.index, settings={"index.blocks.read_only_allow_delete": None})
    assert sink.write([document("1")]) == [Written("1")]


def test_an_index_that_was_dropped_is_made_anew_and_never_guessed(
    sink: Sink, elasticsearch: Elasticsearch, settings: Settings
) -> None:
    sink.write([document("1")])
    elasticsearch.indices.delete(index=f"{settings.index}-000001")
    with pytest.raises(ElasticsearchUnavailableError):
        sink.write([document("2")])
    assert sink.write([document("2")]) == [Written("2")]
    fields = elasticsearch.indices.get_mapping(index=settings.index)
    assert "SliceThickness" in fields[f"{settings.index}-000001"]["mappings"]["properties"]


def test_a_node_that_is_away_is_said_in_one_line(settings: Settings) -> None:
    with Elasticsearch("http://127.0.0.1:1", max_retries=0) as client:
        sink = sink_for(client, settings, patience=0.0)
        for call in (lambda: sink.write([document("1")]), lambda: sink.existing(["1"]), sink.refresh):
            with pytest.raises(ElasticsearchUnavailableError, match="cannot be reached"):
                call()


def test_documents_that_exist_are_known_with_their_file(sink: Sink) -> None:
    other = {"batch": "CASE-0", "path": "/incoming/CASE-0/a.dcm", "header_sha256": "e3b0", "conflict": True}
    file = {"path": "/incoming/CASE-1/a.dcm", "header_sha256": "c442"}
    sink.write([document("1", version=7, file=file, duplicates=[other])])
    place = Place("CASE-1", "/incoming/CASE-1/a.dcm", "c442")
    before = Place("CASE-0", "/incoming/CASE-0/a.dcm", "e3b0")
    assert sink.existing(["1", "2", "1"]) == {"1": Earlier(place, (before,), 7)}
    assert sink.existing([]) == {}


def test_one_overload_slows_all_workers_and_each_next_one_longer(
    faulty_sink: Sink, proxy: FaultProxy, redis_client: Redis
) -> None:
    gate, other = Gate(redis_client), Gate(redis_client)
    faulty_sink.gate = gate
    proxy.faults.append(429)
    assert faulty_sink.write([document("1")]) == [Written("1")]
    assert len(proxy.bulk_sizes) == 2
    redis_client.delete("gate")
    assert other.close() == pytest.approx(0.5), "it was closed once before"
    assert 0.3 < gate.closed_for() <= 0.5
    assert other.close() <= 0.5, "it is closed already"
    redis_client.delete("gate")
    assert other.close() == pytest.approx(1.0)
    began = time.monotonic()
    gate.wait(began + 0.2)
    assert time.monotonic() - began >= 0.2
