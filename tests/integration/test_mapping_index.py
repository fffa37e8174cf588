"""Template, index and aliases on a real Elasticsearch: created once, by however many at once."""

import secrets
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from elasticsearch import Elasticsearch, NotFoundError

from mappings.index import (
    IndexMissingError,
    current_version,
    ensure_index,
    index_is_older_than_code,
    write_alias,
)
from mappings.template import template_hash


@pytest.fixture
def alias(elasticsearch_url: str) -> Iterator[str]:
    """The name of an archive that does not exist yet."""
    name = f"test-{secrets.token_hex(6)}"
    yield name
    with Elasticsearch(elasticsearch_url) as client:
        client.indices.delete(index=f"{name}-000001", ignore_unavailable=True)
        if client.indices.exists_index_template(name=name):
            client.indices.delete_index_template(name=name)


@pytest.fixture
def client(elasticsearch_url: str) -> Iterator[Elasticsearch]:
    with Elasticsearch(elasticsearch_url, request_timeout=60) as client:
        yield client


def test_one_index_stands_behind_both_aliases(client: Elasticsearch, alias: str) -> None:
    assert ensure_index(client, alias, shards=2) == f"{alias}-000001"
    found = client.indices.get(index=alias)[f"{alias}-000001"]
    assert set(found["aliases"]) == {alias, write_alias(alias)}
    settings = found["settings"]["index"]
    assert settings["number_of_shards"] == "2"
    assert settings["codec"] == "best_compression"
    assert settings["sort"]["field"] == ["derived.date", "derived.study", "derived.series"]
    assert settings["query"]["default_field"] == ["text"]
    assert current_version(client, alias).hash == template_hash()
    assert not index_is_older_than_code(client, alias)


def test_creating_it_again_changes_nothing(client: Elasticsearch, alias: str) -> None:
    ensure_index(client, alias)
    client.index(index=write_alias(alias), id="1", document={"Modality": "CT"}, refresh=True)
    ensure_index(client, alias, shards=4)
    assert client.count(index=alias)["count"] == 1


def test_several_processes_may_create_it_at_once(elasticsearch_url: str, alias: str) -> None:
    def create(_: int) -> str:
        with Elasticsearch(elasticsearch_url, request_timeout=60) as client:
            return ensure_index(client, alias)

    with ThreadPoolExecutor(6) as pool:
        assert set(pool.map(create, range(6))) == {f"{alias}-000001"}


def test_an_index_of_another_mapping_is_left_as_it_is_and_known_as_older(client: Elasticsearch, alias: str) -> None:
    ensure_index(client, alias)
    client.indices.put_mapping(index=alias, meta={"dicomsearch": {"hash": "of an older version"}})
    ensure_index(client, alias)
    assert index_is_older_than_code(client, alias)
    assert current_version(client, alias).hash == "of an older version"


def test_a_missing_index_is_told(client: Elasticsearch, alias: str) -> None:
    with pytest.raises(IndexMissingError):
        current_version(client, alias)


def test_a_write_to_a_missing_alias_creates_no_index(client: Elasticsearch, alias: str) -> None:
    ensure_index(client, alias)
    client.indices.delete(index=f"{alias}-000001")
    with pytest.raises(NotFoundError):
        client.index(index=write_alias(alias), document={"Modality": "CT"})


@pytest.mark.parametrize("key", ["", " ", ".", "..", "a..b", "x.", ".x", "a b/c:d,e", "ünï", "k" * 256, "*", "{}"])
def test_any_creator_and_path_is_a_key_that_can_be_asked_for(client: Elasticsearch, alias: str, key: str) -> None:
    ensure_index(client, alias)
    document = {"private": {key: {"0019xx02": "912"}}, "path": {key: "value"}}
    client.index(index=write_alias(alias), id=key or "empty", document=document, refresh=True)
    for field, value in ((f"private.{key}.0019xx02", "912"), (f"path.{key}", "value")):
        assert client.count(index=alias, query={"term": {field: value}})["count"] == 1
