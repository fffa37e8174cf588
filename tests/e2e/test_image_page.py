"""The page of an image in a real browser: from a search to what it found, through the series, on to other searches."""

import re

from playwright.sync_api import expect

from tests.e2e.conftest import PHONE, Open
from tests.e2e.test_accessibility import violations
from tests.made_images import uid

FOUND = f"/images/{uid(2)}?q=nested.CodeMeaning:chest+OR+Modality:MR&filter=Modality:%3DMR"


def test_from_a_search_to_its_matches_and_on_to_images_with_the_same_value(visit: Open) -> None:
    page = visit().open("/search?q=nested.CodeMeaning:%22chest+region+2%22+Modality:MR")
    page.get_by_role("row").nth(1).get_by_role("link").first.click(force=True)
    expect(page.locator("mark")).to_have_text(["MR", "Chest region 2"])
    expect(page.get_by_text("2 elements of this header match the search")).to_be_visible()
    page.get_by_role("button", name="Collapse all").click()
    expect(page.locator("mark").nth(1)).not_to_be_visible()
    page.get_by_role("button", name="Next match").click()
    expect(page.locator("mark").first).to_be_in_viewport()
    page.get_by_role("button", name="Next match").click()
    expect(page.locator("mark").nth(1)).to_be_in_viewport()
    expect(page.get_by_text("2 of 2", exact=True)).to_be_visible()
    row = page.get_by_role("row", name=re.compile("StationName"))
    row.hover()
    row.locator(".acts > summary").click()
    row.get_by_role("link", name="Exclude").click()
    expect(page.get_by_text("No image matches")).to_be_visible()
    expect(page.get_by_role("link", name=re.compile("Station Name is not"))).to_be_visible()
    page.go_back()
    page.get_by_role("link", name="Back to the results").click()
    expect(page).to_have_url(re.compile(r"/search\?q=nested"))


def test_keys_go_through_the_series_until_they_are_switched_off(visit: Open) -> None:
    page = visit().open(f"{FOUND}&find=patient")
    for key, number in (("]", 4), ("]", 6), ("[", 4), ("}", 1), ("{", 2)):
        page.keyboard.press(key)
        expect(page).to_have_url(re.compile(rf"/images/{re.escape(uid(number))}\?.*find=patient"))
    page.get_by_role("searchbox", name="Filter the header").press("]")
    expect(page).to_have_url(re.compile(rf"/images/{re.escape(uid(2))}\?"))
    page.get_by_role("button", name="Keys on").click()
    page.locator("h1").click()
    page.keyboard.press("]")
    page.wait_for_timeout(300)
    expect(page).to_have_url(re.compile(rf"/images/{re.escape(uid(2))}\?"))
    page.reload()
    expect(page.get_by_role("button", name="Keys off")).to_be_visible()


def test_a_value_and_its_query_are_copied_by_keyboard_alone(visit: Open) -> None:
    visitor = visit(permissions=["clipboard-read", "clipboard-write"])
    page = visitor.open(f"/images/{uid(2)}")
    summary = page.get_by_role("row", name=re.compile("SliceThickness")).locator(".acts > summary")
    summary.focus()
    page.keyboard.press("Enter")
    copied = []
    for name in ("Copy value", "Copy query"):
        page.get_by_role("button", name=name).focus()
        page.keyboard.press("Enter")
        expect(page.get_by_role("button", name="Copied")).to_be_visible()
        copied.append(page.evaluate("navigator.clipboard.readText()"))
        expect(page.get_by_role("button", name=name)).to_be_visible()
    assert copied == ["1.0", "SliceThickness:=1"]
    page.keyboard.press("Escape")
    expect(summary).to_be_focused()
    expect(page.get_by_role("button", name="Copy query")).not_to_be_visible()


def test_arrow_keys_open_and_close_items(visit: Open) -> None:
    page = visit().open(f"/images/{uid(2)}")
    page.get_by_role("button", name="Collapse all").click()
    first = page.locator("tr.inside > td > details > summary").first
    inside = page.get_by_role("row", name=re.compile(r"^\(0040,0007\)"))
    first.focus()
    page.keyboard.press("ArrowRight")
    expect(inside).to_be_visible()
    page.keyboard.press("ArrowRight")
    expect(page.locator("details details:not(.acts) > summary").first).to_be_focused()
    page.keyboard.press("ArrowLeft")
    expect(first).to_be_focused()
    page.keyboard.press("ArrowLeft")
    expect(inside).not_to_be_visible()


def test_without_scripts_the_same_ways_are_there(visit: Open) -> None:
    page = visit(java_script_enabled=False).open(FOUND)
    page.get_by_role("link", name="First match").click()
    expect(page.locator("tr:target mark")).to_have_text("MR")
    page.locator("tr:target .next-match").click()
    expect(page.locator("tr:target mark")).to_have_text("Chest")
    page.get_by_role("link", name="Only matches").click()
    expect(page.locator("tr.element")).to_have_count(2)
    page.get_by_role("link", name="Next ›").click()
    expect(page).to_have_url(re.compile(rf"{re.escape(uid(4))}.*only=1"))
    row = page.locator("tr.element", has_text="Modality")
    row.locator(".acts > summary").click()
    row.get_by_role("link", name="Find all").click()
    expect(page).to_have_url(re.compile("/search.q=nested.*filter=Modality:%3DMR$"))
    page.go_back()
    page.get_by_role("link", name="Study", exact=True).click()
    expect(page.get_by_text("2 series")).to_be_visible()


def test_the_file_is_downloaded_under_its_id(visit: Open) -> None:
    page = visit().open(f"/images/{uid(2)}")
    for name, ending in (("Download the file", "dcm"), ("Header as JSON", "json")):
        with page.expect_download() as started:
            page.get_by_role("link", name=name).click()
        assert started.value.suggested_filename == f"{uid(2)}.{ending}"


def test_marks_and_an_open_menu_can_be_used_by_everybody(visit: Open) -> None:
    visitor = visit(viewport=PHONE)
    page = visitor.open(FOUND)
    page.get_by_role("button", name="Next match").click()
    page.locator(".match .acts > summary").first.focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("button", name="Copy query")).to_be_in_viewport()
    assert not visitor.is_scrolled_sideways()
    assert violations(page) == []
