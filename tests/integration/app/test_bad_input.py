"""Addresses that mean nothing, images that cannot be shown, values that are hostile: pages that say so, and no more."""

import re
from html import unescape

import pytest
from flask.testing import FlaskClient
from redis import Redis

from tests.archive import Indexed
from tests.integration.app.test_api import fill
from tests.made_images import uid

CT = uid(1)
LONG = "9" * 25
HOSTILE = "<script>alert(1)</script>"


def text(html: str) -> str:
    """What people read of a page."""
    return re.sub(r"\s+", " ", unescape(re.sub(r"<[^>]+>", " ", html)))


@pytest.mark.parametrize(
    ("address", "status", "said"),
    [
        ("/?page=2", 404, "There is no page 2 of this list: there is 1 page."),
        ("/?page=0", 404, "Pages of this list have numbers from 1."),
        ("/?page=-1", 404, "numbers from 1"),
        ("/?page=x", 404, "numbers from 1"),
        ("/?page=٣", 404, "numbers from 1"),
        (f"/?page={LONG}", 404, "numbers from 1"),
        ("/?page=", 200, "Status"),
        ("/batches/CASE-17?page=3", 404, "there are 2 pages"),
        ("/batches/CASE-17?errors=2", 404, "there is 1 page"),
        ("/batches/CASE-17?status=DONE&page=2", 200, "CASE-17"),
        ("/batches/CASE-17?status=LOST", 404, "Files have no status “LOST”: there are NEW, PROCESSING, DONE"),
        ("/batches/none", 404, "There is no batch with this id."),
        ("/headers?page=999999", 404, "There is no page 999,999 of this list"),
        ("/headers?page=0", 404, "numbers from 1"),
        ("/headers?q=zzzz", 200, "zzzz"),
        ("/headers/NoSuchField", 404, "There is no field “NoSuchField”"),
        ("/headers/%00", 404, "There is no field “�”"),
        ("/search?page=0", 400, "There is no page “0”"),
        ("/search?page=-1", 400, "There is no page “-1”"),
        (f"/search?page={LONG}", 400, f"There is no page “{LONG}”"),
        ("/search?level=moon", 400, "There is no level “moon”: results are image, series, study, patient."),
        ("/search?size=1000000", 400, "A page cannot have “1000000” results: 25, 50 or 100 are possible."),
        ("/search?size=x", 400, "A page cannot have “x” results"),
        ("/search?after=x", 400, "This page was made for another search"),
        ("/search?q=Modality:CT&after=WyIxIl0", 400, "This page was made for another search"),
        ("/search?sort=Modalty", 400, "There is no field “Modalty”"),
        ("/search?sort=PixelData", 400, "Results cannot be sorted by PixelData."),
        ("/search?fields=NoSuch", 400, "There is no field “NoSuch”"),
        ("/search?fields=PixelData", 400, "PixelData has no value that a list could show"),
        ("/search?facets=NoSuch", 400, "There is no field “NoSuch”"),
        ("/search?facets=PixelData", 400, "PixelData has no values that could be counted."),
        ("/search?filter=:::", 400, "“:::” is no filter."),
        ("/search?filter=NoSuch:%3D1", 400, "There is no field “NoSuch”"),
        ("/search?q=%00", 400, "This is no character of any script."),
        ("/search?q=Modality:/a(/", 400, "Modality"),
        ("/images/none", 404, "There is no image with this id in the archive."),
        ("/nothing", 404, "Not Found"),
    ],
)
def test_what_means_nothing_is_said_to(
    web: FlaskClient, redis_client: Redis, address: str, status: int, said: str
) -> None:
    fill(redis_client, "CASE-17", files=60, errors=2)
    answer = web.get(address)
    assert (answer.status_code, answer.content_type) == (status, "text/html; charset=utf-8")
    assert said in text(answer.text)
    assert "\0" not in answer.text
    assert "Traceback" not in answer.text
    assert 'href="/search"' in answer.text


def test_an_image_whose_file_has_gone_shows_its_header_and_says_that_it_has(
    web: FlaskClient, images: list[Indexed]
) -> None:
    path = next(image.path for image in images if image.id == CT)
    aside = path.with_suffix(".aside")
    path.rename(aside)
    try:
        answer = web.get(f"/images/{CT}")
    finally:
        aside.rename(path)
    assert answer.status_code == 200
    assert "The file has gone" in text(answer.text)
    assert "data-picture" not in answer.text
    assert "SliceThickness" in answer.text


@pytest.mark.parametrize(
    ("name", "said"), [("nested_priv_SQ.dcm", "cannot be decoded"), ("rtplan.dcm", "This is not a picture")]
)
def test_an_image_that_cannot_be_drawn_shows_its_header_and_says_why(
    web: FlaskClient, images: list[Indexed], name: str, said: str
) -> None:
    image = next(image.id for image in images if image.path.name == name)
    answer = web.get(f"/images/{image}")
    assert answer.status_code == 200
    assert said in text(answer.text)
    assert "data-picture" not in answer.text
    assert "SOPInstanceUID" in answer.text


@pytest.mark.parametrize(
    "address",
    [
        "/search?q=batch:MADE",
        "/search?q=batch:MADE&level=patient&facets=PatientName",
        "/search?q=batch:MADE&level=series&fields=PatientName&filter=-PatientName:%3D<script>alert(1)</script>",
        "/headers/PatientName",
        f"/images/{uid(6)}",
        f"/images/{uid(6)}?q=script&filter=script",
        "/search?q=<script>alert(1)</script>",
        "/search?q=Modality:<script>alert(1)</script>",
        "/search?sort=<script>alert(1)</script>",
        "/headers/<script>alert(1)</script>",
        "/headers?q=<script>alert(1)</script>",
        "/batches/CASE-17?status=<script>alert(1)</script>",
        "/search?level=<script>alert(1)</script>",
    ],
)
def test_what_strangers_wrote_is_shown_as_text(web: FlaskClient, redis_client: Redis, address: str) -> None:
    fill(redis_client, "CASE-17", files=1)
    html = web.get(address).text
    assert HOSTILE not in html
    assert "<b>bold" not in html
    assert "&lt;script&gt;" in html
