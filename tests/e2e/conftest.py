"""A real browser on the real pages: Debian's Chromium, driven by Playwright, over an archive of real images."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright
from redis import Redis

from app import create_app
from indexer.settings import Settings
from tests.archive import Indexed
from tests.archive_fixtures import archive_settings, images
from tests.serving import served

__all__ = ["archive_settings", "images"]

CHROMIUM = Path("/usr/bin/chromium")
ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
DESKTOP, PHONE = {"width": 1280, "height": 800}, {"width": 390, "height": 844}


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """One browser for the session."""
    if not CHROMIUM.exists():
        pytest.skip(f"there is no browser at {CHROMIUM}: install it (Debian: apt-get install chromium)")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=str(CHROMIUM), args=ARGUMENTS)
        yield browser
        browser.close()


@pytest.fixture
def address(archive_settings: Settings, images: list[Indexed], redis_client: Redis) -> Iterator[str]:
    """Where the application is served, with an empty status."""
    with served(create_app(archive_settings)) as address:
        yield address


@dataclass
class Watched:
    """A page, and what it did that it should not."""

    page: Page
    address: str
    errors: list[str] = field(default_factory=list)
    foreign: list[str] = field(default_factory=list)

    def open(self, path: str) -> Page:
        self.page.goto(self.address + path)
        return self.page

    def is_scrolled_sideways(self) -> bool:
        return bool(self.page.evaluate("document.documentElement.scrollWidth > document.documentElement.clientWidth"))


Open = Callable[..., Watched]


@pytest.fixture
def visit(browser: Browser, address: str) -> Iterator[Open]:
    """Open a browser context of given properties; afterwards nothing may have gone wrong in it."""
    contexts: list[BrowserContext] = []
    watched: list[Watched] = []

    def make(**options: object) -> Watched:
        context = browser.new_context(**{"viewport": DESKTOP, **options})  # type: ignore[arg-type]
        contexts.append(context)
        visitor = Watched(context.new_page(), address)
        visitor.page.on("pageerror", lambda error: visitor.errors.append(str(error)))
        visitor.page.on(
            "console",
            # A page that answers with 400 or 404 is meant to.
            lambda message: (
                visitor.errors.append(message.text)
                if message.type in ("error", "warning")
                and "the server responded with a status of 4" not in message.text
                else None
            ),
        )
        visitor.page.on(
            "request",
            lambda request: (
                visitor.foreign.append(request.url) if not request.url.startswith((address, "data:")) else None
            ),
        )
        watched.append(visitor)
        return visitor

    yield make
    for visitor in watched:
        assert visitor.errors == []
        assert visitor.foreign == []
    for context in contexts:
        context.close()
