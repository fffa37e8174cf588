"""Signing in and what comes of it, in a real browser."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import expect
from redis import Redis

from app import create_app
from app.accounts.accounts import Accounts
from app.accounts.model import Role
from indexer.settings import Settings
from indexer.status import connect
from tests.accounts import PASSWORD, with_accounts
from tests.archive import Indexed
from tests.e2e.conftest import Open, Watched
from tests.e2e.test_accessibility import violations
from tests.serving import served


@pytest.fixture
def settings_with_accounts(archive_settings: Settings, redis_client: Redis) -> Settings:
    """The archive's settings, where maria, an operator, and boss, an administrator, have to sign in."""
    settings = with_accounts(archive_settings)
    users = Accounts.of(settings, connect(settings.redis_url)).users
    users.add("maria", Role.OPERATOR, PASSWORD)
    users.add("boss", Role.ADMIN, PASSWORD)
    return settings


@pytest.fixture
def address(settings_with_accounts: Settings, images: list[Indexed]) -> Iterator[str]:
    """Where the application is served that asks people to sign in."""
    with served(create_app(settings_with_accounts)) as address:
        yield address


def _sign_in(visitor: Watched, name: str, password: str = PASSWORD) -> None:
    page = visitor.page
    page.get_by_label("Name").fill(name)
    page.get_by_label("Password").fill(password)
    page.get_by_role("button", name="Sign in").click()


@pytest.mark.parametrize("scripts", [True, False])
def test_one_signs_in_searches_and_signs_out(visit: Open, scripts: bool) -> None:
    visitor = visit(java_script_enabled=scripts)
    page = visitor.open("/search?q=batch:MADE")
    _sign_in(visitor, "maria", "something else entirely")
    expect(page.get_by_role("alert")).to_have_text("There is no user with this name and password.")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    expect(page).to_have_url(f"{visitor.address}/search?q=batch:MADE")
    expect(page.get_by_text("8 images")).to_be_visible()
    expect(page.get_by_role("link", name="Users")).to_have_count(0)
    page.get_by_role("button", name="Sign out").click()
    visitor.open("/search")
    expect(page.get_by_role("heading", name="Sign in")).to_be_visible()
    expect(page.get_by_role("navigation")).to_have_count(0)


def test_files_are_uploaded_with_the_token_of_the_session(
    visit: Open, settings_with_accounts: Settings, images: list[Indexed]
) -> None:
    settings_with_accounts.incoming_folder.mkdir(parents=True, exist_ok=True)
    visitor = visit()
    page = visitor.open("/upload")
    _sign_in(visitor, "maria")
    page.get_by_label("Name of the batch").fill("SIGNED-IN")
    page.get_by_label("Files", exact=True).set_input_files([images[0].path])
    page.get_by_role("button", name="Upload", exact=True).click()
    expect(page.get_by_role("link", name="Show the batch SIGNED-IN")).to_be_visible()
    assert [file.name for file in (settings_with_accounts.incoming_folder / "SIGNED-IN").iterdir()] == [
        images[0].path.name
    ]


def test_an_administrator_adds_a_user_who_makes_a_token(visit: Open) -> None:
    visitor = visit()
    page = visitor.open("/users")
    _sign_in(visitor, "boss")
    adding = page.get_by_role("region", name="Add a user")
    adding.get_by_label("Name").fill("Student")
    adding.get_by_label("Password").fill(PASSWORD)
    adding.get_by_role("button", name="Add").click()
    expect(page.locator(".user-name").filter(has_text="student")).to_be_visible()
    other = visit()
    page = other.open("/account")
    _sign_in(other, "student")
    page.get_by_label("What it is for").fill("nightly")
    page.get_by_role("button", name="Make a token").click()
    token = page.locator(".secret").inner_text()
    asked = page.request.get(f"{other.address}/api/me", headers={"Authorization": f"Bearer {token}"})
    assert asked.json() == {"name": "student", "role": "viewer", "deidentified": False, "via": "token"}
    page.get_by_role("button", name="Revoke nightly").click()
    expect(page.get_by_text("The token was revoked.")).to_be_visible()


@pytest.mark.parametrize("path", ["/login", "/account", "/users", "/audit", "/saved-searches?name=x&q=CT"])
def test_these_pages_can_be_used_by_everybody(visit: Open, path: str) -> None:
    visitor = visit()
    if path != "/login":
        visitor.open("/login")
        _sign_in(visitor, "boss")
        expect(visitor.page.get_by_role("button", name="Sign out")).to_be_visible()
    page = visitor.open(path)
    page.evaluate("document.querySelectorAll('details').forEach((one) => { one.open = true })")
    assert violations(page) == []
