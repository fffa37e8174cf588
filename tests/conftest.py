"""Real services for the tests: one Elasticsearch and one Redis for the session, started when first asked for.

They are started by the project's own functions, in a temporary folder, and die with the tests, however those end.
"""

import os
import secrets
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from elasticsearch import Elasticsearch
from redis import Redis

from indexer.connecting import connect_elasticsearch
from indexer.settings import Settings, load_settings
from local.elasticsearch import elasticsearch_service
from local.ports import free_port
from local.redis import redis_service
from local.redis import redis_url as url_of_redis
from local.service import Service, ServiceSpec
from mappings.index import ensure_index
from tests.secured import secured_elasticsearch, secured_settings

__all__ = ["secured_elasticsearch", "secured_settings"]

REPOSITORY = Path(__file__).resolve().parent.parent


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the option for the long form of the tests in `tests/faults`."""
    parser.addoption("--faults", action="store_true", help="run the faults at full length: 100,000 files")


@pytest.fixture(scope="session")
def services_home() -> Iterator[Path]:
    """A folder for the session's services, reachable by the account that runs Elasticsearch, also under root."""
    folder = Path(tempfile.mkdtemp(prefix="dicomsearch-tests-"))
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder)


@contextmanager
def running(spec: ServiceSpec, home: Path) -> Iterator[None]:
    service = Service(spec, home / "logs" / f"{spec.name}.log")
    service.start()
    try:
        service.wait_ready()
        yield
    finally:
        service.stop()


@pytest.fixture(scope="session")
def elasticsearch_url(services_home: Path) -> Iterator[str]:
    """URL of a real Elasticsearch, shared by the session: use index names of your own.

    One that runs already can be lent (DICOMSEARCH_TEST_ELASTICSEARCH), which saves its start with every run.
    """
    if running_already := os.environ.get("DICOMSEARCH_TEST_ELASTICSEARCH"):
        yield running_already
        return
    port = free_port()
    transport_port = free_port(taken=frozenset({port}))
    settings = load_settings().model_copy(update={"elasticsearch_heap_mb": 512})
    spec = elasticsearch_service(services_home, settings, port=port, transport_port=transport_port)
    with running(spec, services_home):
        yield f"http://127.0.0.1:{port}"


@pytest.fixture(scope="session")
def redis_url(services_home: Path) -> Iterator[str]:
    """URL of a real Redis, shared by the session."""
    port, password = free_port(), secrets.token_hex(16)
    with running(redis_service(services_home, port=port, password=password), services_home):
        yield url_of_redis(port, password)


@pytest.fixture
def settings(elasticsearch_url: str, redis_url: str, tmp_path: Path) -> Settings:
    """Settings that point to the real services, with a home and an index of their own."""
    return Settings(
        home=tmp_path,
        elasticsearch_url=elasticsearch_url,
        redis_url=redis_url,
        index=f"test-{secrets.token_hex(6)}",
    )


@pytest.fixture
def elasticsearch(settings: Settings) -> Iterator[Elasticsearch]:
    """A client; the index of `settings` exists, is empty, and is deleted afterwards."""
    with connect_elasticsearch(settings, request_timeout=30) as client:
        ensure_index(client, settings.index)
        try:
            yield client
        finally:
            # Deleting by a wildcard is not allowed by default, so each is named.
            for index in client.indices.get(index=f"{settings.index}-*", expand_wildcards="all"):
                client.indices.delete(index=index)
            for template in client.indices.get_index_template()["index_templates"]:
                if template["name"].startswith(settings.index):
                    client.indices.delete_index_template(name=template["name"])


@pytest.fixture
def redis_client(redis_url: str) -> Iterator[Redis]:
    """A client of the empty Redis, decoding as the project does."""
    with Redis.from_url(redis_url, decode_responses=True, encoding_errors="surrogateescape") as client:
        client.flushdb()
        yield client
        client.flushdb()


@pytest.fixture(scope="session")
def corpus() -> Path:
    """The folder of real DICOM files of all kinds that larger tests read."""
    folder = Path(os.environ.get("DICOMSEARCH_CORPUS", REPOSITORY.parent / "shared" / "corpus"))
    if not folder.is_dir():
        pytest.skip(f"the corpus of DICOM files is not at {folder}: set DICOMSEARCH_CORPUS")
    return folder
