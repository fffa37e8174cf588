"""The picture on the page of an image, as the server renders it: always a picture, or words that say why not."""

from html import unescape

import pytest
from flask.testing import FlaskClient

from tests.archive import Indexed


def _page(web: FlaskClient, images: list[Indexed], name: str, query: str = "") -> str:
    image = next(image.id for image in images if image.path.name == name)
    answer = web.get(f"/images/{image}{query}")
    assert answer.status_code == 200
    return unescape(answer.text)


def test_the_page_asks_for_the_picture_that_its_address_names(web: FlaskClient, images: list[Indexed]) -> None:
    page = _page(web, images, "emri_small.dcm", "?frame=3&center=10&width=20")
    assert "size=1024&frame=3&center=10.0&width=20.0" in page
    assert 'alt="MR image, frame 3 of 10"' in page


@pytest.mark.parametrize("query", ["?frame=0", "?frame=x", "?center=10", "?center=nan&width=1", "?center=1&width=-1"])
def test_what_cannot_be_asked_for_is_told_beside_the_usual_picture(
    web: FlaskClient, images: list[Indexed], query: str
) -> None:
    page = _page(web, images, "emri_small.dcm", query)
    assert "This frame or window cannot be shown" in page
    assert "preview?size=1024" in page


def test_a_frame_beyond_the_last_leads_back_to_the_first(web: FlaskClient, images: list[Indexed]) -> None:
    page = _page(web, images, "emri_small.dcm", "?frame=11")
    assert "The image has 10 frames." in page
    assert "Show the first one." in page
    assert "data-picture" not in page


def test_an_empty_form_is_the_usual_picture(web: FlaskClient, images: list[Indexed]) -> None:
    page = _page(web, images, "emri_small.dcm", "?frame=&center=&width=")
    assert "cannot be shown" not in page
    assert "data-picture" in page
