"""The picture on an image's page, in a real browser: drawn without scripts, turned and windowed with them."""

import json
import re
from urllib.parse import parse_qs, urlsplit

import pytest
from playwright.sync_api import Page, expect

from tests.archive import Indexed
from tests.e2e.conftest import DESKTOP, PHONE, Open

FRAMES, WINDOWED, COLOUR, NO_PICTURE = "emri_small.dcm", "CT_small.dcm", "examples_rgb_color.dcm", "rtplan.dcm"


def _path(images: list[Indexed], name: str) -> str:
    return next(f"/images/{image.id}" for image in images if image.path.name == name)


def _is_drawn(page: Page) -> bool:
    return bool(
        page.evaluate(
            "(() => { const i = document.querySelector('[data-picture]'); return i.complete && i.naturalWidth > 0 })()"
        )
    )


def _bytes(page: Page) -> bytes:
    address = page.locator("[data-picture]").get_attribute("src")
    assert address
    return page.request.get(page.url.split("/images/")[0] + address.removeprefix(page.url.split("/images/")[0])).body()


def _asked(page: Page) -> dict[str, list[str]]:
    return parse_qs(urlsplit(page.url).query)


@pytest.mark.parametrize("name", [FRAMES, WINDOWED, COLOUR])
def test_a_picture_is_drawn_without_scripts(visit: Open, images: list[Indexed], name: str) -> None:
    visitor = visit(java_script_enabled=False)
    page = visitor.open(_path(images, name))
    picture = page.get_by_role("img", name=re.compile("image"))
    expect(picture).to_be_visible()
    assert page.request.get(visitor.address + str(picture.get_attribute("src"))).headers["content-type"] == "image/png"


def test_a_window_and_a_frame_can_be_chosen_without_scripts(visit: Open, images: list[Indexed]) -> None:
    page = visit(java_script_enabled=False).open(_path(images, FRAMES))
    page.get_by_label("Frame of").fill("3")
    page.get_by_label("Center").fill("300")
    page.get_by_label("Width").fill("500")
    page.get_by_role("button", name="Show").click()
    expect(page.get_by_role("img", name="frame 3 of 10")).to_be_visible()
    assert "center=300.0&width=500.0" in str(page.locator("[data-picture]").get_attribute("src"))


def test_an_object_without_a_picture_says_so_in_words(visit: Open, images: list[Indexed]) -> None:
    page = visit().open(_path(images, NO_PICTURE))
    expect(page.get_by_text("This is not a picture")).to_be_visible()
    expect(page.locator("[data-picture]")).to_have_count(0)


def test_a_frame_that_cannot_be_drawn_says_why_in_the_place_of_the_picture(visit: Open, images: list[Indexed]) -> None:
    page = visit().open(_path(images, FRAMES))
    problem = json.dumps({"title": "The picture cannot be decoded", "detail": "This frame is damaged."})
    page.route("**/preview?frame=2&*", lambda route: route.fulfill(status=422, body=problem))
    page.get_by_role("button", name="Next frame").click()
    expect(page.get_by_role("alert")).to_have_text("This frame is damaged.")
    page.get_by_role("button", name="Next frame").click()
    expect(page.get_by_role("img", name="frame 3 of 10")).to_be_visible()
    expect(page.get_by_role("alert")).to_be_hidden()


def test_keys_the_slider_and_buttons_turn_frames(visit: Open, images: list[Indexed]) -> None:
    page = visit().open(_path(images, FRAMES))
    first = _bytes(page)
    page.get_by_role("button", name="Next frame").click()
    expect(page.get_by_role("img", name="frame 2 of 10")).to_be_visible()
    assert _bytes(page) != first
    page.get_by_role("group", name="Picture").focus()
    page.keyboard.press("End")
    expect(page.get_by_role("img", name="frame 10 of 10")).to_be_visible()
    page.keyboard.press("ArrowLeft")
    expect(page.get_by_role("img", name="frame 9 of 10")).to_be_visible()
    page.get_by_label("Frame", exact=True).fill("4")
    expect(page.get_by_role("img", name="frame 4 of 10")).to_be_visible()
    assert _asked(page)["frame"] == ["4"]
    page.reload()
    expect(page.get_by_role("img", name="frame 4 of 10")).to_be_visible()


def test_dragging_sets_a_window_and_reset_takes_it_back(visit: Open, images: list[Indexed]) -> None:
    page = visit().open(_path(images, WINDOWED))
    plain = _bytes(page)
    box = page.locator("[data-screen]").bounding_box()
    assert box
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    page.mouse.move(x, y)
    page.mouse.down()
    with page.expect_response(re.compile("width=")):
        page.mouse.move(x + 60, y + 5)
        page.wait_for_timeout(300)
        page.mouse.move(x + 90, y + 10, steps=4)
    page.mouse.up()
    expect(page.locator("[data-note-window]")).to_contain_text("W ")
    assert float(_asked(page)["width"][0]) > 0
    expect(page.locator("[data-picture]")).to_have_attribute("src", re.compile("width="))
    assert _bytes(page) != plain
    page.get_by_role("link", name="Reset").click()
    expect(page.locator("[data-picture]")).not_to_have_attribute("src", re.compile("width="))
    assert "width" not in _asked(page)


def test_a_usual_window_is_one_click_away(visit: Open, images: list[Indexed]) -> None:
    page = visit().open(_path(images, WINDOWED))
    page.get_by_role("link", name="Lung").click()
    expect(page.locator("[data-picture]")).to_have_attribute("src", re.compile("center=-600&width=1500"))
    expect(page.get_by_label("Center")).to_have_value("-600")
    expect(page.get_by_role("link", name="Lung")).to_have_attribute("aria-current", "true")


@pytest.mark.parametrize("viewport", [DESKTOP, PHONE], ids=["desktop", "phone"])
@pytest.mark.parametrize("name", [FRAMES, WINDOWED, NO_PICTURE])
def test_nothing_is_scrolled_sideways(visit: Open, images: list[Indexed], viewport: dict[str, int], name: str) -> None:
    visitor = visit(viewport=viewport)
    visitor.open(_path(images, name))
    assert not visitor.is_scrolled_sideways()
