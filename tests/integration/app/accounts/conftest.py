"""An application where people have to sign in, over an empty archive."""

import pytest
from elasticsearch import Elasticsearch
from flask import Flask
from redis import Redis

from app import create_app
from app.accounts.accounts import Accounts
from app.accounts.model import Role
from indexer.settings import Settings
from tests.accounts import PASSWORD, People, accounts_of, people_of, with_accounts


@pytest.fixture
def guarded(settings: Settings, elasticsearch: Elasticsearch, redis_client: Redis) -> Flask:
    """The application; nobody has an account yet."""
    app = create_app(with_accounts(settings))
    app.testing = False
    return app


@pytest.fixture
def accounts(guarded: Flask) -> Accounts:
    """Its accounts: jdoe is an operator."""
    found = accounts_of(guarded)
    found.users.add("jdoe", Role.OPERATOR, PASSWORD)
    return found


@pytest.fixture
def people(guarded: Flask) -> People:
    """One of each role, signed in."""
    return people_of(guarded)
