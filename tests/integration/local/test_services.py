"""The embedded services, as the tests of all other rooms use them."""

from elasticsearch import Elasticsearch
from redis import Redis


def test_a_document_written_to_elasticsearch_is_found(elasticsearch_url: str) -> None:
    with Elasticsearch(elasticsearch_url) as client:
        client.indices.create(index="local-probe")
        client.index(index="local-probe", id="1", document={"Modality": "CT"}, refresh=True)
        found = client.search(index="local-probe", query={"match": {"Modality": "CT"}})
        client.indices.delete(index="local-probe")
    assert found["hits"]["total"]["value"] == 1


def test_redis_keeps_bytes_that_are_no_utf8(redis_client: Redis) -> None:
    redis_client.hset("batch", "path", "scan-\udcff.dcm")
    assert redis_client.hgetall("batch") == {"path": "scan-\udcff.dcm"}
