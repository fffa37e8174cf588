"""Pictures over HTTP: of real images, and the reasons where there is none."""

import io
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
from flask.testing import FlaskClient
from PIL import Image

from tests.archive import Indexed
from tests.made_images import uid

MADE = uid(2)


@pytest.fixture
def ids(images: list[Indexed]) -> dict[str, str]:
    """Ids of the images, by the names of their files."""
    return {image.path.name: image.id for image in images}


def _url(image: str, **parameters: Any) -> str:
    return f"/api/images/{image}/preview?{urlencode(parameters)}"


@contextmanager
def _moved(images: list[Indexed], replacement: Path | None = None) -> Iterator[None]:
    """Take the file of the made image away for a while."""
    path = next(image.path for image in images if image.id == MADE)
    aside = path.with_suffix(".aside")
    path.rename(aside)
    try:
        if replacement:
            path.write_bytes(replacement.read_bytes())
        yield
    finally:
        aside.replace(path)


def test_a_picture_is_a_png_of_the_wanted_size(web: FlaskClient, ids: dict[str, str]) -> None:
    answer = web.get(_url(ids["MR_small.dcm"], size=32))
    assert (answer.status_code, answer.content_type) == (200, "image/png")
    assert Image.open(io.BytesIO(answer.data)).size == (32, 32)


def test_windows_and_frames_are_different_pictures(web: FlaskClient, ids: dict[str, str]) -> None:
    image = ids["emri_small.dcm"]
    wanted: list[dict[str, Any]] = [{}, {"frame": 2}, {"center": 10, "width": 20}, {"center": 500, "width": 20}]
    answers = [web.get(_url(image, **parameters)) for parameters in wanted]
    assert len({answer.data for answer in answers}) == len(wanted)
    assert len({answer.headers["ETag"] for answer in answers}) == len(wanted)


def test_a_picture_stays_with_its_reader_and_is_not_drawn_again(web: FlaskClient, ids: dict[str, str]) -> None:
    url = _url(ids["MR_small.dcm"])
    answer = web.get(url)
    assert answer.headers["Cache-Control"] == "private, no-cache"
    again = web.get(url, headers={"If-None-Match": answer.headers["ETag"]})
    assert (again.status_code, again.data) == (304, b"")


def test_info_tells_frames_and_windows(web: FlaskClient, ids: dict[str, str]) -> None:
    info = web.get(f"/api/images/{ids['emri_small.dcm']}/preview/info?frame=2").json
    assert (info["frames"], info["rows"], info["columns"], info["gray"]) == (10, 64, 64, True)
    assert info["showable"] is True
    assert info["window"]["width"] > 0


def test_info_tells_why_there_is_no_picture(web: FlaskClient) -> None:
    info = web.get(f"/api/images/{MADE}/preview/info").json
    assert info["showable"] is False
    assert info["problem"]["kind"] == "no-pixels"


@pytest.mark.parametrize(
    ("image", "parameters", "status", "kind"),
    [
        ("1.2.3", {}, 404, "image-not-found"),
        ("MR_small.dcm", {"frame": 2}, 404, "frame-not-found"),
        ("nested_priv_SQ.dcm", {}, 422, "pixels-damaged"),
        ("JPEG-lossy.dcm", {}, 422, "pixels-unsupported"),
        (MADE, {}, 422, "no-pixels"),
        ("MR_small.dcm", {"frame": 0}, 400, "parameters"),
        ("MR_small.dcm", {"frame": "x"}, 400, "parameters"),
        ("MR_small.dcm", {"size": 100_000}, 400, "parameters"),
        ("MR_small.dcm", {"center": 5}, 400, "parameters"),
        ("MR_small.dcm", {"center": "nan", "width": 1}, 400, "parameters"),
        ("MR_small.dcm", {"center": 1, "width": -1}, 400, "parameters"),
        ("MR_small.dcm", {"colour": "red"}, 400, "parameters"),
    ],
)
def test_what_cannot_be_shown_is_told_as_a_problem(
    web: FlaskClient, ids: dict[str, str], image: str, parameters: dict[str, Any], status: int, kind: str
) -> None:
    answer = web.get(_url(ids.get(image, image), **parameters))
    assert (answer.status_code, answer.content_type) == (status, "application/problem+json")
    assert answer.json["type"] == f"urn:dicomsearch:problem:{kind}"
    assert answer.json["detail"]


def test_a_file_that_has_gone_is_told_so(web: FlaskClient, images: list[Indexed]) -> None:
    with _moved(images):
        answers = [web.get(_url(MADE)), web.get(f"/api/images/{MADE}/preview/info")]
    assert [answer.status_code for answer in answers] == [410, 410]
    assert "moved, renamed or deleted" in answers[0].json["detail"]


def test_a_file_that_was_replaced_is_told_so(web: FlaskClient, images: list[Indexed], ids: dict[str, str]) -> None:
    other = next(image.path for image in images if image.path.name == "MR_small.dcm")
    with _moved(images, replacement=other):
        assert web.get(_url(MADE)).status_code == 409
