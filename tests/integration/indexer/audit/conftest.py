"""An audit log of its own over a real Redis and Elasticsearch, without an archive."""

from collections.abc import Iterator

import pytest
from elasticsearch import Elasticsearch
from redis import Redis

from indexer.settings import Settings
from tests.auditing import own_log


@pytest.fixture
def audited(settings: Settings, redis_client: Redis) -> Iterator[Settings]:
    """Settings with an audit log of their own, over an empty Redis."""
    with own_log(settings) as found:
        yield found


@pytest.fixture
def client(audited: Settings) -> Iterator[Elasticsearch]:
    """A client of Elasticsearch; there is no index of images."""
    with Elasticsearch(audited.elasticsearch_url, request_timeout=30) as found:
        yield found
