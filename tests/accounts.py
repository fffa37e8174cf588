"""People who have signed in to an application, for tests of what they may do."""

import re
import secrets
from dataclasses import dataclass

from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from app.accounts.accounts import Accounts
from app.accounts.model import Role
from indexer.settings import Settings

PASSWORD = "correct horse battery staple"
ORIGIN = {"Origin": "http://localhost"}


def with_accounts(settings: Settings, **more: object) -> Settings:
    """The settings of a service where people have to sign in."""
    return Settings.model_validate(
        settings.model_dump(exclude_unset=True) | {"accounts": "on", "secret_key": secrets.token_hex(32)} | more
    )


def accounts_of(app: Flask) -> Accounts:
    """The accounts of an application."""
    accounts: Accounts = app.extensions["dicomsearch"].accounts
    return accounts


def log_in(client: FlaskClient, name: str, password: str = PASSWORD, **fields: str) -> TestResponse:
    """Sign in by the form."""
    page = client.get("/login").text
    return client.post(
        "/login", data={"name": name, "password": password, "csrf_token": token_in(page), **fields}, headers=ORIGIN
    )


def token_in(page: str) -> str:
    """The token that proves that a form is of this session."""
    found = re.search(r'name="csrf_token" value="([^"]+)"', page)
    assert found is not None
    return found.group(1)


@dataclass(frozen=True)
class People:
    """One of each role, who have signed in, and one who has not; `masked` is a viewer."""

    nobody: FlaskClient
    masked: FlaskClient
    viewer: FlaskClient
    operator: FlaskClient
    admin: FlaskClient


def people_of(app: Flask) -> People:
    """Have one of each role sign in."""
    users = accounts_of(app).users

    def client(name: str, role: Role, *, masked: bool = False) -> FlaskClient:
        users.add(name, role, PASSWORD, deidentified=masked)
        found = app.test_client()
        assert log_in(found, name).status_code == 303
        return found

    return People(
        app.test_client(),
        client("masked", Role.VIEWER, masked=True),
        client("viewer", Role.VIEWER),
        client("operator", Role.OPERATOR),
        client("admin", Role.ADMIN),
    )
