"""The page of the audit log in a browser: found, filtered, read and taken away, with scripts and without."""

from collections.abc import Iterator

import pytest
from elasticsearch import Elasticsearch
from playwright.sync_api import Browser
from redis import Redis

from app import create_app
from indexer.settings import Settings
from tests.archive import Indexed
from tests.auditing import append, move, own_log
from tests.e2e.conftest import DESKTOP, PHONE, Open
from tests.e2e.test_accessibility import violations
from tests.serving import served

LONG = "PatientName:citizen (Modality:CT OR Modality:MR) StudyDescription:" + "very-long-word" * 12


@pytest.fixture
def address(archive_settings: Settings, images: list[Indexed], redis_client: Redis) -> Iterator[str]:
    """Where an application is served whose audit log has sixty events."""
    with own_log(archive_settings) as settings, Elasticsearch(settings.elasticsearch_url) as client:
        app = create_app(settings)
        append(redis_client, *[f"Rows:{number}" for number in range(54)], user="bert")
        append(redis_client, LONG)
        web = app.test_client()
        for asked in (f"/images/{images[0].id}", "/batches/CASE-17", "/search?q=Modaliti:CT", f"/search?q={LONG}"):
            web.get(asked)
        web.post("/batches/CASE-17/retry", headers={"Origin": "http://evil.example"})
        move(settings, redis_client, client)
        with served(app) as found:
            yield found


def test_an_administrator_finds_who_did_what(visit: Open) -> None:
    visitor = visit()
    page = visitor.open("/audit")
    assert page.locator("tbody tr").count() == 50
    page.get_by_role("link", name="Earlier").click()
    assert page.locator("tbody tr").count() == 10
    page.get_by_role("link", name="Later").click()
    assert page.locator("tbody tr").count() == 50
    page.get_by_label("User").fill("anna")
    page.get_by_role("button", name="Find").click()
    assert page.locator("tbody tr").count() == 1
    assert "very-long-word" in page.locator("tbody").inner_text()
    page.get_by_role("link", name="All", exact=True).click()
    page.get_by_label("What").select_option(label="Image shown")
    page.get_by_role("button", name="Find").click()
    page.locator("tbody a[href^='/audit?object=']").first.click()
    assert page.locator("tbody tr").count() == 1
    with page.expect_download() as download:
        page.get_by_role("link", name="CSV").click()
    assert download.value.suggested_filename.endswith(".csv")


@pytest.mark.parametrize("viewport", [DESKTOP, PHONE], ids=["desktop", "phone"])
def test_nothing_sticks_out_and_everybody_can_use_it(visit: Open, viewport: dict[str, int]) -> None:
    visitor = visit(viewport=viewport)
    page = visitor.open("/audit")
    assert not visitor.is_scrolled_sideways()
    if viewport is DESKTOP:
        assert violations(page) == []


def test_it_needs_no_script(browser: Browser, address: str) -> None:
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(f"{address}/audit?operation=batch.retry")
    assert page.locator("tbody tr").count() == 1
    assert "Refused" in page.locator("tbody").inner_text() or "403" in page.locator("tbody").inner_text()
    page.get_by_label("Words").fill("Rows:17")
    page.get_by_label("What").select_option("")
    page.get_by_role("button", name="Find").click()
    assert page.locator("tbody tr").count() == 1
    context.close()
