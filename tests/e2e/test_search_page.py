"""Search as people do it: facets, levels, columns, completion; by mouse and keyboard, with and without scripts."""

import re

import pytest
from playwright.sync_api import Page, expect

from tests.e2e.conftest import PHONE, Open

STATES = [
    "/search?q=batch:MADE&level=study",
    "/search?q=batch:MADE&level=patient&filter=Modality:=CT&filter=-PatientSex:=X&facets=Rows,ImageType",
    "/search?q=&filter=Modality:=NOTHING",
    "/search?q=&filter=Modalty:=CT",
    "/headers",
    "/headers?q=zzzz",
    "/headers/Modality",
    "/headers/SliceThickness?q=1",
    "/headers/PixelData",
]


def found(page: Page) -> str:
    return page.locator(".result-line strong").inner_text()


@pytest.mark.parametrize("scripts", [True, False])
def test_values_are_chosen_together_left_out_and_taken_back(visit: Open, scripts: bool) -> None:
    page = visit(java_script_enabled=scripts).open("/search?q=batch:MADE")
    facets = page.get_by_role("complementary", name="Narrow down")
    facets.get_by_role("link", name=re.compile("^CT")).first.click()
    assert found(page) == "4 images"
    expect(facets.get_by_role("link", name=re.compile("^MR"))).to_contain_text("4")
    facets.get_by_role("link", name=re.compile("^MR")).first.click()
    assert found(page) == "8 images"
    page.get_by_role("link", name=re.compile("Modality CT")).click()
    assert found(page) == "4 images"
    facets.get_by_role("link", name="Leave out MR", exact=True).click(force=True)
    assert found(page) == "4 images"
    expect(page.get_by_role("link", name=re.compile("Modality is not MR"))).to_be_visible()
    page.get_by_role("link", name="As query").click()
    expect(page.locator("#q")).to_have_value("(batch:MADE) -Modality:=MR")
    assert found(page) == "4 images"


def test_a_study_leads_to_its_series_and_these_to_images(visit: Open) -> None:
    page = visit().open("/search?q=batch:MADE")
    page.get_by_role("navigation", name="What a result is").get_by_role("link", name="Studies").click()
    assert found(page) == "1 study"
    page.locator("tbody .row-link").click()
    assert found(page) == "2 series"
    page.locator("tbody .row-link").first.click()
    assert found(page) == "4 images"
    expect(page.get_by_role("link", name=re.compile("^Series 1.2.826"))).to_be_visible()
    page.locator("tbody .row-link").first.click()
    expect(page).to_have_url(re.compile("/images/"))


@pytest.mark.parametrize("scripts", [True, False])
def test_columns_are_chosen_and_sorted_by(visit: Open, scripts: bool) -> None:
    page = visit(java_script_enabled=scripts).open("/search?q=batch:MADE")
    page.locator("summary", has_text="Columns").click()
    page.get_by_label("Slice Thickness").check()
    page.get_by_label("Patient ID").uncheck()
    page.locator("#add-column").fill("nested.CodeValue")
    page.get_by_role("button", name="Show").click()
    heads = page.get_by_role("columnheader")
    expect(heads.filter(has_text="Slice Thickness")).to_be_visible()
    expect(heads.filter(has_text="Code Value")).to_be_visible()
    expect(heads.filter(has_text="Patient ID")).to_have_count(0)
    page.get_by_role("link", name="Slice Thickness").click()
    page.get_by_role("link", name="Slice Thickness").click()
    expect(page.locator("tbody tr").first).to_contain_text("V8")
    expect(page.locator("thead [aria-sort=descending]")).to_have_text("Slice Thickness")


def test_any_field_becomes_a_facet(visit: Open) -> None:
    page = visit().open("/search?q=batch:MADE")
    box = page.get_by_role("combobox", name="Another field").first
    box.press_sequentially("contrastbolusag")
    page.locator(".offers li").first.click()
    page.get_by_role("button", name="Add").click()
    page.get_by_role("link", name=re.compile("^Gadolinium")).click()
    assert found(page) == "3 images"
    page.get_by_role("link", name="Remove this list").click()
    expect(page.get_by_role("link", name="Bolus Agent Gadolinium")).to_be_visible()


def test_fields_and_values_are_completed_by_keyboard(visit: Open) -> None:
    page = visit().open("/search")
    box = page.get_by_role("combobox", name="Query")
    box.press_sequentially("batch:MADE contrastbolusag")
    expect(page.locator(".offers li").first).to_contain_text("ContrastBolusAgent")
    expect(box).to_have_attribute("aria-expanded", "true")
    page.keyboard.press("ArrowDown")
    expect(page.locator(".offers li[aria-selected=true]")).to_contain_text("ContrastBolusAgent")
    page.keyboard.press("Enter")
    expect(box).to_have_value("batch:MADE ContrastBolusAgent:")
    expect(page.locator(".offers li").first).to_contain_text("Gadolinium")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Tab")
    expect(box).to_have_value("batch:MADE ContrastBolusAgent:Gadolinium ")
    page.keyboard.type("chest")
    page.keyboard.press("Enter")
    expect(page.locator(".result-line strong")).to_have_text("3 images")


def test_on_a_phone_facets_open_by_a_button(visit: Open) -> None:
    visitor = visit(viewport=PHONE, has_touch=True, is_mobile=True)
    page = visitor.open("/search?q=batch:MADE")
    facets = page.get_by_role("complementary", name="Narrow down")
    expect(facets).to_be_hidden()
    page.get_by_text("Narrow down").first.click()
    expect(facets).to_be_visible()
    assert not visitor.is_scrolled_sideways()


def test_the_headers_of_the_archive_are_explored(visit: Open) -> None:
    page = visit().open("/headers")
    page.get_by_role("searchbox", name="Find fields").fill("station name")
    page.get_by_role("button", name="Find").click()
    page.get_by_role("link", name="StationName", exact=True).click()
    page.get_by_role("searchbox", name="Find values").fill("ÜRICH")
    page.get_by_role("button", name="Find").click()
    page.get_by_role("link", name="Zürich-É").click()
    assert found(page) == "1 image"


@pytest.mark.parametrize("width", [320, 390, 768, 1280, 2560])
def test_no_state_of_the_page_scrolls_sideways(visit: Open, width: int) -> None:
    visitor = visit(viewport={"width": width, "height": 800})
    for path in STATES:
        visitor.open(path)
        assert not visitor.is_scrolled_sideways(), path
