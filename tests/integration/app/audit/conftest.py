"""The web application with an audit log of its own."""

from collections.abc import Callable, Iterator

import pytest
from elasticsearch import Elasticsearch
from flask import Flask
from redis import Redis

from app import create_app
from indexer.settings import Settings
from tests.accounts import People, people_of, with_accounts
from tests.archive import Indexed
from tests.auditing import move, own_log


@pytest.fixture(scope="module")
def audited(archive_settings: Settings) -> Iterator[Settings]:
    """Settings of the archive, with an audit log of their own."""
    with own_log(archive_settings) as settings:
        yield settings


@pytest.fixture(scope="module")
def application_of_module(audited: Settings, images: list[Indexed]) -> Flask:
    """One application for all tests of a module: it keeps nothing."""
    app = create_app(audited)
    app.testing = False
    return app


@pytest.fixture
def application(application_of_module: Flask, redis_client: Redis) -> Flask:
    """The application where nobody has to sign in, with an empty Redis."""
    return application_of_module


@pytest.fixture
def people(audited: Settings, images: list[Indexed], redis_client: Redis) -> People:
    """One of each role; what they did to sign in is not in the log any more."""
    app = create_app(with_accounts(audited, audit_index=audited.audit_index))
    app.testing = False
    found = people_of(app)
    redis_client.delete("audit", "audit:head")
    return found


@pytest.fixture
def moved(audited: Settings, redis_client: Redis) -> Iterator[Callable[[], int]]:
    """Move what was recorded, as the watcher does."""
    with Elasticsearch(audited.elasticsearch_url, request_timeout=30) as client:
        yield lambda: move(audited, redis_client, client)
