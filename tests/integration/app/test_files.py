"""The file of an image over HTTP: the very bytes, whole or in part, or the reason why not."""

import gzip
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient
from redis import Redis

from app import create_app
from indexer.settings import Settings
from tests.archive import Indexed
from tests.made_images import uid

MADE = uid(3)
URL = f"/api/images/{MADE}/file"


@pytest.fixture
def made(images: list[Indexed]) -> Path:
    """The file of the image that these tests ask for."""
    return next(image.path for image in images if image.id == MADE)


@pytest.fixture
def web(application: Flask) -> FlaskClient:
    """A client that closes what it has got."""
    return closing(application)


def closing(application: Flask) -> FlaskClient:
    client = application.test_client()
    plain = client.open
    client.open = lambda *args, **more: plain(*args, buffered=True, **more)  # type: ignore[method-assign]
    return client


@contextmanager
def away(path: Path) -> Iterator[None]:
    """Take a file away for a while, and whatever stands in its place afterwards."""
    aside = path.with_suffix(".aside")
    path.rename(aside)
    try:
        yield
    finally:
        if path.is_dir():
            path.rmdir()
        aside.replace(path)


def test_the_file_is_sent_as_it_is_under_a_safe_name(web: FlaskClient, made: Path) -> None:
    answer = web.get(URL)
    assert answer.status_code == 200
    assert answer.data == made.read_bytes()
    assert answer.content_type == "application/dicom"
    assert answer.headers["Content-Disposition"] == f"attachment; filename={MADE}.dcm"
    assert answer.headers["Accept-Ranges"] == "bytes"
    assert answer.headers["Cache-Control"] == "private, no-cache"
    assert int(answer.headers["Content-Length"]) == made.stat().st_size
    assert web.head(URL).headers["Content-Length"] == answer.headers["Content-Length"]


def test_files_of_any_kind_are_sent_those_without_a_preamble_too(web: FlaskClient, images: list[Indexed]) -> None:
    bare = [image for image in images if image.path.read_bytes()[128:132] != b"DICM"]
    assert bare
    for image in [*bare[:6], *images[::8]]:
        answer = web.get(f"/api/images/{image.id}/file", headers={"Range": "bytes=0-199"})
        assert answer.status_code in (200, 206), image.path.name
        assert answer.data == image.path.read_bytes()[:200]


def test_a_client_that_has_the_file_is_told_so(web: FlaskClient) -> None:
    first = web.get(URL)
    for asked in (
        {"If-None-Match": first.headers["ETag"]},
        {"If-Modified-Since": first.headers["Last-Modified"]},
    ):
        again = web.get(URL, headers=asked)
        assert (again.status_code, again.data) == (304, b"")
    other = web.get(URL, headers={"If-Match": '"another"'})
    assert (other.status_code, other.content_type) == (412, "application/problem+json")


@pytest.mark.parametrize(
    ("asked", "start", "end"), [("bytes=0-9", 0, 10), ("bytes=128-131", 128, 132), ("bytes=-5", -5, None)]
)
def test_parts_are_sent(web: FlaskClient, made: Path, asked: str, start: int, end: int | None) -> None:
    answer = web.get(URL, headers={"Range": asked})
    assert answer.status_code == 206
    assert answer.data == made.read_bytes()[start:end]
    changed = web.get(URL, headers={"Range": asked, "If-Range": '"another"'})
    assert (changed.status_code, len(changed.data)) == (200, made.stat().st_size)


def test_a_part_that_there_is_not_is_a_problem_that_tells_the_size(web: FlaskClient, made: Path) -> None:
    answer = web.get(URL, headers={"Range": "bytes=999999999-"})
    assert (answer.status_code, answer.content_type) == (416, "application/problem+json")
    assert answer.headers["Content-Range"] == f"bytes */{made.stat().st_size}"


def test_a_file_that_has_gone_is_told_so(web: FlaskClient, made: Path) -> None:
    with away(made):
        answer = web.get(URL)
    assert (answer.status_code, answer.json["type"]) == (410, "urn:dicomsearch:problem:file-gone")


def test_another_image_in_its_place_is_not_sent(web: FlaskClient, made: Path, images: list[Indexed]) -> None:
    other = next(image.path for image in images if image.path.name == "MR_small.dcm")
    with away(made):
        made.write_bytes(other.read_bytes())
        answer = web.get(URL)
        assert (answer.status_code, answer.json["type"]) == (409, "urn:dicomsearch:problem:file-changed")


def test_the_same_image_that_was_touched_or_compressed_is_sent(web: FlaskClient, made: Path) -> None:
    content = made.read_bytes()
    with away(made):
        made.write_bytes(content)
        os.utime(made, (1_000_000_000, 1_000_000_000))
        assert web.get(URL).data == content
        made.write_bytes(gzip.compress(content))
        packed = web.get(URL)
        assert packed.content_type == "application/gzip"
        assert packed.headers["Content-Disposition"] == f"attachment; filename={MADE}.dcm.gz"
        assert gzip.decompress(packed.data) == content


def test_what_is_no_dicom_is_never_sent_even_with_the_size_and_time_of_the_image(web: FlaskClient, made: Path) -> None:
    status = made.stat()
    with away(made):
        made.write_bytes(b"root:x:0:0:".ljust(status.st_size, b"."))
        os.utime(made, ns=(status.st_atime_ns, status.st_mtime_ns))
        answer = web.get(URL)
    assert (answer.status_code, answer.content_type) == (409, "application/problem+json")
    assert b"root" not in answer.data


def test_a_folder_or_a_pipe_in_its_place_is_not_read(web: FlaskClient, made: Path) -> None:
    with away(made):
        made.mkdir()
        assert web.get(URL).status_code == 403
    with away(made):
        os.mkfifo(made)
        assert web.get(URL).status_code == 403


def test_an_unknown_image_has_no_file(web: FlaskClient) -> None:
    answer = web.get("/api/images/1.2.3/file")
    assert (answer.status_code, answer.json["type"]) == (404, "urn:dicomsearch:problem:image-not-found")


@pytest.fixture
def confined(archive_settings: Settings, images: list[Indexed], redis_client: Redis, made: Path) -> Flask:
    """The application, which may read from the folder of the made images alone."""
    return create_app(archive_settings.model_copy(update={"file_folders": f"/nowhere:{made.parent}"}))


def test_only_folders_that_are_allowed_are_read_from_links_followed(
    confined: Flask, made: Path, images: list[Indexed], tmp_path: Path
) -> None:
    web = closing(confined)
    assert web.get(URL).status_code == 200
    outside = next(image for image in images if image.path.name == "MR_small.dcm")
    for address in (
        f"/api/images/{outside.id}/file",
        f"/api/images/{outside.id}/preview",
        f"/api/images/{outside.id}/preview/info",
    ):
        answer = web.get(address)
        assert (answer.status_code, answer.json["type"]) == (403, "urn:dicomsearch:problem:file-refused")
    assert "outside of the folders" in web.get(f"/images/{outside.id}").text
    elsewhere = tmp_path / "elsewhere.dcm"
    elsewhere.write_bytes(made.read_bytes())
    with away(made):
        made.symlink_to(elsewhere)
        assert web.get(URL).status_code == 403


@pytest.mark.parametrize(
    "address",
    [f"/api/images/{MADE}", f"/api/images/{MADE}/header", "/api/headers?q=slice", "/api/headers/SliceThickness"],
)
def test_answers_that_have_not_changed_are_not_sent_again(web: FlaskClient, address: str) -> None:
    first = web.get(address)
    again = web.get(address, headers={"If-None-Match": first.headers["ETag"]})
    assert (first.status_code, again.status_code, again.data) == (200, 304, b"")
    assert again.headers["ETag"] == first.headers["ETag"]
    assert first.headers["Cache-Control"] == again.headers["Cache-Control"] == "private, no-cache"
    assert web.get(address, headers={"If-None-Match": '"another"'}).data == first.data


def test_the_header_is_saved_under_a_safe_name_where_that_is_wanted(web: FlaskClient) -> None:
    address = f"/api/images/{MADE}/header"
    assert "Content-Disposition" not in web.get(address).headers
    saved = web.get(f"{address}?download=true")
    assert saved.headers["Content-Disposition"] == f"attachment; filename={MADE}.json"
    assert saved.json == web.get(address).json


def test_the_openapi_document_tells_of_files_and_of_answers_that_have_not_changed(web: FlaskClient) -> None:
    paths = web.get("/api/openapi.json").json["paths"]
    file = paths["/api/images/{image}/file"]["get"]["responses"]
    assert {"200", "206", "304", "403", "404", "409", "410", "416", "503"} <= file.keys()
    assert "application/dicom" in file["200"]["content"]
    for path in ("/api/images/{image}", "/api/images/{image}/header", "/api/images/{image}/preview", "/api/headers"):
        assert "304" in paths[path]["get"]["responses"]
