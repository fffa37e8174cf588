"""The web application over an archive of real images, in a real Elasticsearch and with a real Redis."""

import pytest
from elasticsearch import Elasticsearch
from elasticsearch.helpers import bulk
from flask import Flask
from flask.testing import FlaskClient
from redis import Redis

from app import create_app
from app.archive import Archive
from app.services import build_archive
from indexer.settings import Settings
from mappings.index import write_alias
from tests.archive import Indexed
from tests.archive_fixtures import archive_settings, images
from tests.random_documents import Filled, random_documents

__all__ = ["archive_settings", "images"]


@pytest.fixture(scope="session")
def archive(archive_settings: Settings, images: list[Indexed]) -> Archive:
    """The archive."""
    return build_archive(archive_settings)


@pytest.fixture
def application(archive_settings: Settings, images: list[Indexed], redis_client: Redis) -> Flask:
    """The web application over the archive, with an empty status."""
    app = create_app(archive_settings)
    app.testing = False  # errors are answered as in production
    return app


@pytest.fixture
def web(application: Flask) -> FlaskClient:
    """A client of the application."""
    return application.test_client()


@pytest.fixture(params=[(1, 2_000), (2, 9)], ids=str)
def filled(request: pytest.FixtureRequest, elasticsearch: Elasticsearch, settings: Settings) -> Filled:
    """An archive of 120 documents, walked over in large or in small steps."""
    seed, step = request.param
    documents = random_documents(seed, 120)
    bulk(elasticsearch, [{**document} for document in documents], index=write_alias(settings.index), refresh=True)
    return Filled(build_archive(settings), documents, step)
