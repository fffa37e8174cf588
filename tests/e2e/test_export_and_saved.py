"""Downloading all results, saving a search, and recent searches, in a real browser."""

import csv
import io
import json
from pathlib import Path

import pytest
from playwright.sync_api import Page, Route, expect

from tests.e2e.conftest import PHONE, Open


def open_menu(page: Page, name: str) -> None:
    page.locator("summary", has_text=name).click()


def rows_of(path: Path) -> list[dict[str, str]]:
    text = path.read_bytes().decode("utf-8-sig")
    return list(csv.DictReader(io.StringIO(text, newline=""), strict=True))


@pytest.mark.parametrize("scripts", [True, False])
def test_all_results_are_downloaded_in_the_chosen_format(visit: Open, scripts: bool) -> None:
    page = visit(java_script_enabled=scripts).open("/search?q=batch:MADE&filter=Modality:%3DCT")
    open_menu(page, "Export")
    for form, suffix in (("csv", "csv"), ("json", "json"), ("ndjson", "ndjson"), ("paths", "txt")):
        page.get_by_label("All results, as").select_option(form)
        with page.expect_download() as download:
            page.get_by_role("button", name="Download").click()
        name, path = download.value.suggested_filename, download.value.path()
        assert name.startswith("dicomsearch-")
        assert name.endswith(f"Z.{suffix}")
        match form:
            case "csv":
                assert {row["Modality"] for row in rows_of(path)} == {"CT"}
                assert len(rows_of(path)) == 4
            case "json":
                assert len(json.loads(path.read_bytes())["results"]) == 4
            case _:
                assert len(path.read_text().splitlines()) == 4
        if scripts:
            expect(page.locator(".export [role=status]")).to_have_text("4 rows downloaded.")


def test_a_download_that_breaks_off_is_said_to_be_and_nothing_is_saved(visit: Open) -> None:
    visitor = visit()
    page = visitor.open("/search?q=batch:MADE")
    downloads: list[str] = []
    page.on("download", lambda download: downloads.append(download.suggested_filename))
    open_menu(page, "Export")

    def shorten(route: Route) -> None:
        answer = route.fetch()
        route.fulfill(response=answer, body=answer.body().rsplit(b"\r\n", 3)[0] + b"\r\n")

    page.route("**/api/search/export*", shorten)
    page.get_by_role("button", name="Download").click()
    expect(page.locator(".export .bad")).to_have_text("Not all rows came. Try again.")
    page.unroute("**/api/search/export*")
    page.route("**/api/search/export*", lambda route: route.abort())
    page.get_by_role("button", name="Download").click()
    expect(page.locator(".export .bad")).to_contain_text("The connection broke off, nothing was saved.")
    page.unroute("**/api/search/export*")
    problem = {"status": 429, "detail": "2 exports are running already: wait until one has ended."}
    page.route("**/api/search/export*", lambda route: route.fulfill(status=429, json=problem))
    page.get_by_role("button", name="Download").click()
    expect(page.locator(".export .bad")).to_have_text(problem["detail"])
    assert downloads == []
    visitor.errors.clear()  # the browser reports the aborted request


@pytest.mark.parametrize("scripts", [True, False])
def test_a_search_is_saved_opened_renamed_and_deleted(visit: Open, scripts: bool) -> None:
    page = visit(java_script_enabled=scripts).open("/search?q=batch:MADE&level=series")
    open_menu(page, "Saved searches")
    page.get_by_label("Save this search as").fill("Made series")
    page.get_by_role("button", name="Save", exact=True).click()
    open_menu(page, "Saved searches")
    page.get_by_role("link", name="Rename or delete").click()
    page.get_by_label("New name of Made series").fill("All that is made")
    page.get_by_role("button", name="Rename Made series").click()
    page.get_by_role("link", name="All that is made").click()
    expect(page.locator("#q")).to_have_value("batch:MADE")
    assert "level=series" in page.url
    open_menu(page, "Saved searches")
    expect(page.locator(".saved .links").first.get_by_role("link")).to_have_text("All that is made")
    page.get_by_role("link", name="Rename or delete").click()
    page.get_by_role("button", name="Delete All that is made").click()
    expect(page.get_by_role("heading", name="Nothing is saved yet")).to_be_visible()


def test_recent_searches_stay_in_the_browser_and_can_be_cleared_and_switched_off(visit: Open) -> None:
    visitor = visit()
    for query in ("batch:MADE", "Modality:CT", "(a", "", "batch:MADE&page=1"):
        page = visitor.open(f"/search?q={query}")
    recent = page.locator(".recent")
    open_menu(page, "Saved searches")
    expect(recent.get_by_role("link")).to_have_text(["batch:MADE", "Modality:CT"])
    recent.get_by_role("link", name="Modality:CT").click()
    expect(page.locator("#q")).to_have_value("Modality:CT")
    open_menu(page, "Saved searches")
    expect(recent.get_by_role("link")).to_have_text(["Modality:CT", "batch:MADE"])
    recent.get_by_role("button", name="Clear").click()
    expect(recent.get_by_role("link")).to_have_count(0)
    page = visitor.open("/search?q=batch:MADE")
    open_menu(page, "Saved searches")
    expect(recent.get_by_role("link")).to_have_count(1)
    recent.get_by_label("Keep recent searches").uncheck()
    page = visitor.open("/search?q=Modality:CT")
    open_menu(page, "Saved searches")
    expect(recent.get_by_label("Keep recent searches")).not_to_be_checked()
    expect(recent.get_by_role("link")).to_have_count(0)
    assert page.evaluate("localStorage.getItem('dicomsearch.recent')") is None


@pytest.mark.parametrize("width", [320, PHONE["width"], 700, 1280])
def test_the_menus_fit_on_the_screen(visit: Open, width: int) -> None:
    visitor = visit(viewport={"width": width, "height": 800})
    page = visitor.open("/search?q=batch:MADE")
    for name, menu in (("Export", ".export .menu"), ("Saved searches", ".saved .menu")):
        open_menu(page, name)
        box = page.locator(menu).bounding_box()
        assert box is not None
        assert box["x"] >= 0, name
        assert box["width"] > 200, name
        assert box["x"] + box["width"] <= width, name
        open_menu(page, name)
    assert not visitor.is_scrolled_sideways()
    visitor.open("/saved-searches")
    assert not visitor.is_scrolled_sideways()
