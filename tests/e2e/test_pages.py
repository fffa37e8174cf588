"""The journey of a user: status, search, image; by mouse and keyboard, on a phone, with and without scripts."""

import re
from urllib.parse import quote

import pytest
from playwright.sync_api import expect
from redis import Redis

from indexer.status import ImageStatus, Ledger, Outcome, Presence
from indexer.status.ledger import FoundFile
from tests.e2e.conftest import DESKTOP, PHONE, Open
from tests.integration.app.test_api import fill
from tests.made_images import HOSTILE, uid

PATHS = [
    "/",
    "/batches/CASE-17",
    "/search",
    "/search?q=batch:MADE",
    "/search?q=SliceThicknes:5",
    "/search?q=zzzz",
    f"/images/{uid(5)}",
    "/images/unknown",
    "/api/docs",
]
FILES = [FoundFile(f"series/a-rather-long-name-of-a-file-{n:06d}.dcm", 1_000, "1700000000.0") for n in range(40)]


@pytest.fixture
def ledger(redis_client: Redis) -> Ledger:
    """A batch that has begun."""
    ledger = Ledger(redis_client)
    ledger.add("CASE-17", "CASE-17", "/data/CASE-17", "watcher", "1")
    ledger.register("CASE-17", FILES)
    ledger.registered("CASE-17")
    ledger.begin("CASE-17", [file.path for file in FILES])
    Presence(redis_client, 60).watcher_beats("/data", None)
    return ledger


def settle(ledger: Ledger, files: list[FoundFile]) -> None:
    ledger.settle("CASE-17", [Outcome(file, ImageStatus.DONE, uid=uid(1)) for file in files])
    ledger.finish("CASE-17")


def test_the_status_page_follows_a_batch_without_being_reloaded(visit: Open, ledger: Ledger) -> None:
    page = visit().open("/")
    row = page.get_by_role("row", name=re.compile("CASE-17"))
    expect(row).to_contain_text("Processing")
    page.evaluate("window.stayed = true")
    link = row.get_by_role("link")
    link.focus()
    settle(ledger, FILES[:10])
    expect(row.get_by_role("cell").nth(3)).to_have_text("10", timeout=10_000)
    settle(ledger, FILES[10:])
    expect(row).to_contain_text("Done", timeout=10_000)
    assert page.evaluate("window.stayed")
    expect(link).to_be_focused()
    link.click()
    expect(page.get_by_role("heading", level=1)).to_have_text("CASE-17")


def test_the_status_page_says_that_it_is_stale_when_the_server_is_away(visit: Open, ledger: Ledger) -> None:
    visitor = visit()
    page = visitor.open("/")
    page.route("**/*", lambda route: route.abort())
    expect(page.locator("body.stale")).to_be_attached(timeout=15_000)
    page.unroute("**/*")
    expect(page.locator("body.stale")).not_to_be_attached(timeout=20_000)
    visitor.errors.clear()  # the browser reports the aborted requests


def test_from_typing_to_a_header_by_keyboard_alone(visit: Open) -> None:
    page = visit().open("/search")
    expect(page.get_by_role("combobox", name="Query")).to_be_focused()
    page.keyboard.type("PatientName:doe batch:MADE")
    page.keyboard.press("Enter")
    expect(page.get_by_text("2 images")).to_be_visible()
    page.wait_for_load_state()  # keys are listened for then
    page.keyboard.press("/")
    expect(page.get_by_role("combobox", name="Query")).to_be_focused()
    for name in ("Skip to the results", "Doe, John"):
        for _ in range(40):
            page.keyboard.press("Tab")
            if page.evaluate("document.activeElement.textContent") == name:
                break
        page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_have_text("Doe, John")
    expect(page.get_by_role("row", name=re.compile("SliceThickness")).first).to_contain_text("(0018,0050)")


def test_a_wrong_query_is_selected_where_it_is_wrong_and_corrected_by_a_click(visit: Open) -> None:
    page = visit().open("/search?q=𠮷+SliceThicknes:>3")
    box = page.get_by_role("combobox", name="Query")
    expect(box).to_be_focused()
    selected = box.evaluate("box => box.value.slice(box.selectionStart, box.selectionEnd)")
    assert selected == "SliceThicknes"
    page.get_by_role("link", name="SliceThickness", exact=True).click()
    expect(box).to_have_value("𠮷 SliceThickness:>3")


def test_a_click_anywhere_on_a_row_opens_the_image_and_the_batch_link_stays(visit: Open, ledger: Ledger) -> None:
    page = visit().open("/search?q=batch:MADE+Modality:CT")
    # Forced, since what takes the click is the link that lies over the row.
    page.get_by_role("row").nth(1).get_by_role("cell").nth(2).click(force=True)
    expect(page).to_have_url(re.compile("/images/"))
    page.go_back()
    page.get_by_role("row").nth(1).get_by_role("link", name="MADE", exact=True).click()
    expect(page).to_have_url(re.compile("/batches/MADE"))


def test_a_header_is_filtered_while_one_types(visit: Open) -> None:
    page = visit().open(f"/images/{uid(2)}")
    rows = page.locator("tr.element:visible")
    everything = rows.count()
    page.get_by_role("searchbox", name="Filter the header").fill("chest region")
    expect(page.locator("#header-count")).to_contain_text("1 of")
    expect(rows).to_have_count(1)
    expect(rows.first).to_contain_text("CodeMeaning")
    expect(page.get_by_role("rowheader", name="ScheduledProtocolCodeSequence")).to_be_visible()
    page.get_by_role("searchbox", name="Filter the header").fill("(0018,0050)")
    expect(rows).to_have_count(1)
    page.get_by_role("searchbox", name="Filter the header").fill("")
    expect(rows).to_have_count(everything)


def test_hostile_values_run_nothing(visit: Open, redis_client: Redis) -> None:
    visitor = visit()
    dialogs: list[str] = []
    visitor.page.on("dialog", lambda dialog: (dialogs.append(dialog.message), dialog.dismiss()))
    name = "<img src=x onerror=alert(2)>"
    fill(redis_client, name, files=2, errors=1)
    saved = {"name": name, "q": f'PatientName:"{name}"', "filter": [f'PatientName:="{HOSTILE}"']}
    assert visitor.page.request.post(f"{visitor.address}/api/saved-searches", data=saved).status == 201
    name = quote(name, safe="")
    for path in (
        "/",
        f"/batches/{name}",
        "/saved-searches",
        "/search?q=batch:MADE&facets=PatientName",
        "/search?q=batch:MADE&level=series&fields=PatientName,PatientID",
        "/search?q=batch:MADE&level=study",
        "/search?q=batch:MADE&level=patient",
        f"/search?q={name}",
        f"/search?q=Modality:{name}",
        f"/search?q=&filter={name}",
        "/headers/PatientName",
        f"/headers/{name}",
        f"/images/{uid(6)}?q=script&filter=script",
    ):
        page = visitor.open(path)
        page.wait_for_load_state("networkidle")
        assert page.locator("main script:not([src]), main b:text-is('bold'), img[src=x]").count() == 0, path
    box = visitor.open("/search").get_by_role("combobox", name="Query")
    box.press_sequentially("PatientName:bold")
    expect(visitor.page.locator(".offers li").first).to_contain_text("<script>alert(1)</script>")
    expect(visitor.open(f"/images/{uid(6)}").get_by_text(HOSTILE).first).to_be_visible()
    assert dialogs == []


def test_swagger_ui_shows_the_api_under_the_content_security_policy(visit: Open) -> None:
    page = visit().open("/api/docs")
    described = page.evaluate("fetch('/api/openapi.json').then(answer => answer.json())")
    operations = sum(len(methods) for methods in described["paths"].values())
    assert operations >= 9
    expect(page.locator(".opblock")).to_have_count(operations, timeout=10_000)


@pytest.mark.parametrize("width", [320, PHONE["width"], 768, DESKTOP["width"], 2560])
def test_no_page_scrolls_sideways_at_any_width(visit: Open, ledger: Ledger, width: int) -> None:
    visitor = visit(viewport={"width": width, "height": 800})
    for path in PATHS:
        visitor.open(path)
        assert not visitor.is_scrolled_sideways(), path


def test_without_scripts_everything_is_there(visit: Open, ledger: Ledger) -> None:
    visitor = visit(java_script_enabled=False)
    page = visitor.open("/")
    expect(page.get_by_text("CASE-17")).to_be_visible()
    expect(page.get_by_role("link", name="Reload")).to_be_visible()
    page = visitor.open("/search")
    page.get_by_role("searchbox", name="Query").fill("PatientName:doe batch:MADE")
    page.get_by_role("button", name="Search").click()
    page.get_by_role("link", name="Doe, Jane").click()
    page.get_by_role("searchbox", name="Filter the header").fill("thickness")
    page.get_by_role("button", name="Filter").click()
    expect(page.locator("#header-count")).to_contain_text("1 element of")


def test_the_first_tab_offers_to_skip_the_navigation(visit: Open) -> None:
    page = visit().open("/search?q=batch:MADE")
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to the content")).to_be_focused()
    page.keyboard.press("Enter")
    assert page.evaluate("location.hash") == "#main"
