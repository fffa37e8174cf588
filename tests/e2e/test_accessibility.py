"""axe-core finds nothing wrong with any page, in light and dark, on a desktop and a phone, with all menus open."""

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page
from redis import Redis

from tests.archive import Indexed
from tests.e2e.conftest import DESKTOP, PHONE, Open
from tests.integration.app.test_api import fill
from tests.made_images import uid

QUERY = "batch:MADE"
PAGES = [
    "/",
    "/batches/CASE-17",
    "/batches/CASE-17/delete",
    "/batches/CASE-17/sync",
    "/upload",
    f"/search?q={QUERY}",
    f"/search?q={QUERY}&level=series",
    f"/search?q={QUERY}&level=patient&filter=Modality:=CT&filter=-PatientSex:=X&facets=Rows&sort=-Modality",
    "/search?q=SliceThicknes:5",
    "/search?q=zzzz",
    "/search?q=&filter=Modality:=NOTHING",
    "/search?q=&filter=Modalty:=CT",
    f"/images/{uid(6)}",
    "/images/unknown",
    "/headers?q=slice",
    "/headers?q=zzzz",
    "/headers/Modality",
    "/headers/PixelData",
    "/saved-searches",
    "/saved-searches?name=Thin&q=Modality:CT",
    "/nothing",
]
# All rules but those that are experiments.
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
# The colours differ in the dark, and nothing else.
STATES = [("light", DESKTOP, RULES), ("light", PHONE, RULES), ("dark", DESKTOP, ["color-contrast"])]
RUN = """
async ([rules, leftOut]) => {
  const found = await axe.run({ exclude: leftOut }, { runOnly: rules, resultTypes: ["violations"] });
  return found.violations.flatMap((one) => one.nodes.map((node) => `${one.id} (${one.impact}): ${node.html}`));
}
"""


def violations(page: Page, *left_out: str) -> list[str]:
    """What is wrong with a page, in each colour scheme and at each width."""
    # All rows of a table look alike, and each costs time.
    page.evaluate("document.querySelectorAll('tbody tr:nth-child(n + 12)').forEach((row) => { row.remove() })")
    # By the debugger's protocol, which the content security policy does not concern.
    page.evaluate(Axe().axe_script)
    found = []
    for scheme, viewport, rules in STATES:
        page.emulate_media(color_scheme=scheme, reduced_motion="reduce")  # type: ignore[arg-type]
        page.set_viewport_size(viewport)  # type: ignore[arg-type]
        wrong = page.evaluate(RUN, [rules, [[one] for one in left_out]])
        found += [f"{scheme}, {viewport['width']} px: {one}" for one in wrong]
    return found


@pytest.mark.parametrize("path", PAGES)
def test_a_page_can_be_used_by_everybody(visit: Open, redis_client: Redis, path: str) -> None:
    fill(redis_client, "CASE-17", files=20, errors=2)
    visitor = visit()
    asked = {"name": "Thin CT", "q": "Modality:CT", "filter": ["PatientSex:=F"]}
    assert visitor.page.request.post(f"{visitor.address}/api/saved-searches", data=asked).status == 201
    page = visitor.open(path)
    page.evaluate("document.querySelectorAll('details').forEach((one) => { one.open = true })")
    assert violations(page) == []


@pytest.mark.parametrize("name", ["CT_small.dcm", "emri_small.dcm", "rtplan.dcm"])
def test_a_picture_can_be_used_by_everybody(visit: Open, images: list[Indexed], name: str) -> None:
    image = next(image.id for image in images if image.path.name == name)
    assert violations(visit().open(f"/images/{image}")) == []


def test_the_page_around_swagger_ui_can_be_used_by_everybody(visit: Open) -> None:
    page = visit().open("/api/docs")
    page.wait_for_selector(".opblock")
    # What Swagger UI itself draws is not ours: some of its colours are too pale, and its lines are buttons in buttons.
    assert violations(page, ".swagger-ui") == []
