"""The whole way of a researcher, from typing to the file that is taken home, with scripts and without.

What is found is worked out with pydicom. That nothing comes from elsewhere, and that no page
reports an error, `visit` sees to.
"""

import csv
import io
import re
from pathlib import Path

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.archive import Indexed
from tests.e2e.conftest import Open

TYPED, RIGHT = "SliceThicknes:>0", "SliceThickness:>0"


def expected(images: list[Indexed]) -> dict[str, float]:
    """Images of CT and MR with a slice thickness, but for those of neither women nor men, and their thickness."""
    found = {}
    for image in images:
        thickness = image.dataset.get("SliceThickness")
        if thickness and image.dataset.get("Modality") in ("CT", "MR") and image.dataset.get("PatientSex") != "O":
            found[image.id] = float(thickness)
    return found


def type_query(page: Page, scripts: bool) -> None:
    """Type a query with a mistake, go to where the mistake is said to be, and correct it."""
    box = page.locator("#q")
    if scripts:
        box.press_sequentially("slicethickn")
        page.locator(".offers li").first.get_by_text("SliceThickness", exact=True).click()
        expect(box).to_have_value("SliceThickness:")
    box.fill(TYPED)
    box.press("Enter")
    alert = page.get_by_role("alert")
    expect(alert).to_contain_text("SliceThicknes")
    if scripts:
        assert box.evaluate("box => box.value.slice(box.selectionStart, box.selectionEnd)") == "SliceThicknes"
    expect(page.locator("tbody")).to_have_count(0)
    alert.get_by_role("link", name="SliceThickness", exact=True).click()
    expect(box).to_have_value(RIGHT)


def narrow_down(page: Page) -> None:
    """Choose two values of a facet, and leave one of another out."""
    facets = page.get_by_role("complementary", name="Narrow down")
    facets.get_by_role("link", name=re.compile("^CT")).first.click()
    facets.get_by_role("link", name=re.compile("^MR")).first.click()
    sex = facets.locator("details.facet", has=page.locator("summary", has_text="Sex"))
    if sex.get_attribute("open") is None:
        sex.locator("summary").click()
    sex.get_by_role("link", name="Leave out Other").click(force=True)
    expect(page.get_by_role("link", name=re.compile("Sex is not Other"))).to_be_visible()


def choose_columns(page: Page) -> None:
    """Show the thickness beside what is shown, and sort by it, the thickest first."""
    page.locator("summary", has_text="Columns").click()
    page.get_by_label("Slice Thickness").check()
    page.get_by_role("button", name="Show").click()
    page.get_by_role("columnheader", name="Slice Thickness").get_by_role("link").click()
    page.get_by_role("columnheader", name="Slice Thickness").get_by_role("link").click()
    expect(page.locator("thead [aria-sort=descending]")).to_have_text("Slice Thickness")


def ids(page: Page) -> list[str]:
    """The images of the table, in their order."""
    links = [link.get_attribute("href") or "" for link in page.locator("tbody .row-link").all()]
    return [link.partition("?")[0].rpartition("/")[2] for link in links]


def column(page: Page, title: str) -> list[str]:
    return [cell.inner_text() for cell in page.locator(f"tbody [data-label='{title}']").all()]


def look_at_an_image(page: Page, row: Locator, name: str) -> None:
    """Open an image, see picture and header, filter the header, and come back to the same page of results."""
    came_from = page.url
    row.locator(".row-link").click()
    expect(page.get_by_role("heading", level=1)).to_be_visible()
    expect(page.locator("[data-picture]")).to_be_visible()
    expect(page.locator("[data-picture]")).to_have_js_property("complete", True)
    assert page.locator("[data-picture]").evaluate("picture => picture.naturalWidth") > 0
    expect(page.get_by_text(name).first).to_be_attached()
    box = page.get_by_role("searchbox", name="Filter the header")
    box.fill("SliceThickness")
    box.press("Enter")
    expect(page.locator("tr.element:visible").first).to_contain_text("(0018,0050)")
    while page.url != came_from:
        page.go_back()


def save_and_find_again(page: Page, name: str) -> None:
    page.locator("summary", has_text="Saved searches").click()
    page.get_by_label("Save this search as").fill(name)
    page.get_by_role("button", name="Save", exact=True).click()
    page.get_by_role("link", name="Search", exact=True).click()
    page.locator("summary", has_text="Saved searches").click()
    page.get_by_role("link", name="Rename or delete").click()
    page.get_by_role("link", name=name, exact=True).click()
    expect(page.locator("#q")).to_have_value(RIGHT)


def download(page: Page, scripts: bool) -> list[dict[str, str]]:
    """Take all results home as CSV, and read the file as a spreadsheet does."""
    page.locator("summary", has_text="Export").click()
    with page.expect_download() as started:
        page.get_by_role("button", name="Download").click()
    if scripts:
        expect(page.locator(".export [role=status]")).to_contain_text("rows downloaded")
    content = Path(started.value.path()).read_bytes().decode("utf-8-sig")
    return list(csv.DictReader(io.StringIO(content, newline=""), strict=True))


@pytest.mark.filterwarnings("ignore::UserWarning:pydicom")
@pytest.mark.parametrize("scripts", [True, False], ids=["with scripts", "without scripts"])
def test_from_typing_to_the_exported_file(visit: Open, images: list[Indexed], scripts: bool) -> None:
    wanted = expected(images)
    page = visit(java_script_enabled=scripts).open("/search")
    type_query(page, scripts)
    narrow_down(page)
    count = page.locator(".result-line strong")
    expect(count).to_have_text(f"{len(wanted)} images")

    levels = page.get_by_role("navigation", name="What a result is")
    levels.get_by_role("link", name="Series").click()
    series = {image.dataset.SeriesInstanceUID for image in images if image.id in wanted}
    expect(count).to_have_text(f"{len(series)} series")
    levels.get_by_role("link", name="Images").click()

    choose_columns(page)
    shown, patients, thickness = ids(page), column(page, "Patient ID"), column(page, "Slice Thickness")
    assert len(shown) == 25 < len(wanted)
    page.get_by_role("link", name="Next →").click()
    expect(page.get_by_text("Page 2 of 2")).to_be_visible()
    shown += ids(page)
    patients += column(page, "Patient ID")
    thickness += column(page, "Slice Thickness")
    assert {image: float(text) for image, text in zip(shown, thickness, strict=True)} == wanted
    assert [float(text) for text in thickness] == sorted(wanted.values(), reverse=True)
    page.get_by_role("link", name="← Previous").click()
    expect(page.get_by_text("Page 1 of 2")).to_be_visible()

    drawn = next(image for image in images if image.path.name == "examples_overlay.dcm")
    row = page.locator("tbody tr", has=page.locator(f".row-link[href*='/{drawn.id}?']"))
    look_at_an_image(page, row, "Sssssss")

    save_and_find_again(page, "Thick slices")
    expect(count).to_have_text(f"{len(wanted)} images")
    expect(page.locator("thead [aria-sort=descending]")).to_have_text("Slice Thickness")
    assert ids(page) == shown[:25]

    table = [(patient, float(text)) for patient, text in zip(patients, thickness, strict=True)]
    rows = [(row["PatientID"], float(row["SliceThickness"])) for row in download(page, scripts)]
    assert [row[1] for row in rows] == [row[1] for row in table]
    assert sorted(rows) == sorted(table)
