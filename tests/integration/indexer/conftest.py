"""Batches to operate on, over one index for all tests of operations."""

import secrets
from collections.abc import Iterator
from pathlib import Path

import pytest
from redis import Redis

from indexer.services import Services, build_services
from indexer.settings import Settings
from tests.operating import Operating


@pytest.fixture(scope="session")
def operated_index(elasticsearch_url: str, redis_url: str) -> Iterator[str]:
    """An index that tests empty when they are through, since making one takes longer than most of them."""
    index = f"test-{secrets.token_hex(6)}"
    settings = Settings(elasticsearch_url=elasticsearch_url, redis_url=redis_url, index=index)
    services = build_services(settings)
    services.sink.refresh()
    yield index
    for name in services.elasticsearch.indices.get(index=f"{index}-*", expand_wildcards="all"):
        services.elasticsearch.indices.delete(index=name)
    services.elasticsearch.indices.delete_index_template(name=index)
    services.elasticsearch.close()


@pytest.fixture
def operating(settings: Settings, operated_index: str, redis_client: Redis, tmp_path: Path) -> Iterator[Operating]:
    """Batches under a folder of their own."""
    services: Services = build_services(settings.model_copy(update={"index": operated_index}))
    operating = Operating(services, tmp_path / "in")
    yield operating
    operating.forget_all()
    services.elasticsearch.close()
