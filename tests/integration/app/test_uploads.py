"""Uploads by programs and by forms: whole or not at all, in the watched folder and nowhere else."""

import io
import socket
import threading
import zipfile
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from flask.testing import FlaskClient
from redis import Redis

from app import create_app
from app.uploads import Bounds, UploadNotFoundError, Uploads
from app.uploads.announcing import announce
from indexer.services import build_services
from indexer.settings import Settings
from local.ports import free_port
from tests.serving import served

API = "/api/uploads"
OURS = {"Origin": "http://localhost"}


@pytest.fixture
def settings(archive_settings: Settings, tmp_path: Path) -> Settings:
    """Of an application with a watched folder of its own."""
    small = {"incoming": str(tmp_path / "incoming"), "upload_bytes": 1_000_000, "upload_files": 20, "disk_low_bytes": 0}
    return archive_settings.model_copy(update=small)


@pytest.fixture
def incoming(settings: Settings) -> Path:
    """The watched folder."""
    return settings.incoming_folder


@pytest.fixture
def web(settings: Settings, redis_client: Redis) -> FlaskClient:
    """A client of the application."""
    app = create_app(settings)
    app.testing = False
    return app.test_client()


def begin(web: FlaskClient, name: str = "CASE-17") -> str:
    answer = web.post(API, json={"name": name})
    assert answer.status_code == 201
    return str(answer.headers["Location"])


def put(web: FlaskClient, upload: str, path: str, data: bytes) -> Any:
    return web.put(f"{upload}/files/{quote(path)}", data=data)


def tree(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def zipped(*entries: tuple[str, bytes]) -> bytes:
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as file:
        for name, data in entries:
            file.writestr(name, data)
    return target.getvalue()


def leftovers(incoming: Path) -> list[str]:
    """Files that are being written, or were."""
    return [str(path) for path in incoming.glob(".uploads/*/parts/*")]


def test_files_become_a_folder_and_a_batch_when_the_upload_is_complete(
    web: FlaskClient, incoming: Path, redis_client: Redis
) -> None:
    upload = begin(web)
    assert put(web, upload, "DICOM/IM 1é.dcm", b"one").json == {"path": "DICOM/IM 1é.dcm", "files": 1, "bytes": 3}
    assert put(web, upload, "IM2", b"").status_code == 200
    assert [path.name for path in incoming.iterdir() if not path.name.startswith(".")] == []
    shown = web.get(upload).json
    assert (shown["files"], shown["bytes"], shown["complete"]) == (2, 3, False)
    done = web.post(f"{upload}/complete", json={})
    assert done.json == {"name": "CASE-17", "batch": "CASE-17", "url": "/api/batches/CASE-17"}
    assert tree(incoming / "CASE-17") == {"DICOM/IM 1é.dcm": b"one", "IM2": b""}
    batch = web.get(done.json["url"]).json
    assert (batch["status"], batch["name"]) == ("NEW", "CASE-17")
    assert redis_client.hget("batch:CASE-17", "source") == "upload"
    assert redis_client.llen("dicomsearch") == 1
    # Whoever did not get the answer asks again.
    assert web.post(f"{upload}/complete", json={}).json == done.json
    assert redis_client.llen("dicomsearch") == 1
    assert web.get(upload).json["complete"] is True
    assert put(web, upload, "late", b"x").status_code == 404
    assert web.delete(upload).status_code == 404


def test_the_watcher_and_the_upload_make_one_batch_of_one_folder(
    web: FlaskClient, settings: Settings, redis_client: Redis
) -> None:
    upload = begin(web)
    put(web, upload, "a", b"1")
    web.post(f"{upload}/complete", json={})
    services = build_services(settings)
    assert announce(services, settings.incoming_folder / "CASE-17") == "CASE-17"
    assert redis_client.zcard("batches") == 1
    assert redis_client.llen("dicomsearch") == 1


def test_a_file_that_is_put_again_replaces_the_first(web: FlaskClient, incoming: Path) -> None:
    upload = begin(web)
    for data in (b"first", b"2"):
        put(web, upload, "a/b", data)
    shown = web.get(upload).json
    assert (shown["files"], shown["bytes"]) == (1, 1)
    assert put(web, upload, "a", b"x").status_code == 409
    assert put(web, upload, "a/b/c", b"x").status_code == 409
    web.post(f"{upload}/complete", json={})
    assert tree(incoming / "CASE-17") == {"a/b": b"2"}


@pytest.mark.parametrize(
    "path", ["../x", "a/../../x", "..\\x", "/etc/x", "C:/x", "a\0b", "a/", "x" * 256, "/".join("ab" * 200)]
)
def test_paths_that_lead_elsewhere_are_refused(web: FlaskClient, incoming: Path, path: str) -> None:
    upload = begin(web)
    answer = web.put(f"{upload}/files/{quote(path, safe='')}", data=b"x")
    # A path with two slashes is redirected by the server; what it leads to is safe.
    assert answer.status_code in (400, 308)
    assert not leftovers(incoming)
    assert web.get(upload).json["files"] == 0
    assert not (incoming / "x").exists()


def test_a_link_that_somebody_puts_into_the_folder_is_not_followed(
    web: FlaskClient, incoming: Path, tmp_path: Path
) -> None:
    upload = begin(web)
    (folder,) = incoming.glob(".tmp-*")
    (folder / "out").symlink_to(tmp_path)
    answer = put(web, upload, "out/x", b"x")
    assert (answer.status_code, answer.json["type"]) == (409, "urn:dicomsearch:problem:upload-path-taken")
    assert not (tmp_path / "x").exists()


def test_zip_files_are_unpacked_and_can_be_put_again(web: FlaskClient, incoming: Path) -> None:
    upload = begin(web)
    put(web, upload, "a.zip", zipped(("old", b"1")))
    answer = put(web, upload, "a.zip", zipped(("x/1", b"11"), ("x/2", b"22"), ("in.zip", zipped(("y", b"")))))
    assert (answer.json["path"], answer.json["files"]) == ("a.zip", 3)
    assert put(web, upload, "B.ZIP", zipped(("x/1", b"33"))).status_code == 200
    assert web.get(upload).json["files"] == 4
    assert not leftovers(incoming)
    web.post(f"{upload}/complete", json={})
    found = tree(incoming / "CASE-17")
    assert set(found) == {"a.zip/x/1", "a.zip/x/2", "a.zip/in.zip", "B.ZIP/x/1"}


@pytest.mark.parametrize(
    ("data", "status"),
    [
        (b"no zip", 422),
        (zipped(("../x", b"1")), 422),
        (zipped(*((str(number), b"") for number in range(21))), 413),
        (zipped(("a", bytes(1_000_000))), 413),
    ],
)
def test_of_a_zip_file_that_is_refused_nothing_is_kept(
    web: FlaskClient, incoming: Path, data: bytes, status: int
) -> None:
    upload = begin(web)
    put(web, upload, "kept", b"1")
    answer = put(web, upload, "a.zip", data)
    assert (answer.status_code, answer.content_type) == (status, "application/problem+json")
    assert not leftovers(incoming)
    shown = web.get(upload).json
    assert (shown["files"], shown["bytes"]) == (1, 1)
    (folder,) = incoming.glob(".tmp-*")
    assert tree(folder) == {"kept": b"1"}


def test_an_upload_has_bounds_of_bytes_and_files(web: FlaskClient) -> None:
    upload = begin(web)
    assert put(web, upload, "a", bytes(600_000)).status_code == 200
    over = put(web, upload, "b", bytes(600_000))
    assert (over.status_code, over.json["type"]) == (413, "urn:dicomsearch:problem:upload-too-large")
    assert "1,000,000 bytes" in over.json["detail"]
    assert put(web, upload, "b", bytes(400_000)).status_code == 200
    for number in range(18):
        assert put(web, upload, str(number), b"").status_code == 200
    assert put(web, upload, "one more", b"").status_code == 413
    assert web.post(f"{upload}/complete", json={}).status_code == 200


def test_files_of_unknown_length_have_the_same_bounds(settings: Settings, redis_client: Redis) -> None:
    uploads = Uploads(settings.incoming_folder, Bounds(True, 1_000_000, 20, 3_600, 0))
    upload = uploads.begin("x")
    stored = uploads.receive(upload.id, "a", io.BytesIO(bytes(700_000)), None)
    assert stored.amount.bytes == 700_000
    with pytest.raises(Exception, match="1,000,000 bytes"):
        uploads.receive(upload.id, "b", io.BytesIO(bytes(700_000)), None)
    assert uploads.show(upload.id).amount.bytes == 700_000


@pytest.mark.parametrize("sent", [b"", b"half", b"x" * 300_000])
def test_a_client_that_goes_away_leaves_nothing_and_can_begin_again(
    settings: Settings, incoming: Path, redis_client: Redis, sent: bytes
) -> None:
    app = create_app(settings)
    upload = begin(app.test_client())
    with served(app) as address:
        host, port = address.removeprefix("http://").split(":")
        with socket.create_connection((host, int(port))) as connection:
            head = f"PUT {upload}/files/a HTTP/1.1\r\nHost: {host}:{port}\r\nContent-Length: 400000\r\n\r\n"
            connection.sendall(head.encode() + sent)
            connection.shutdown(socket.SHUT_WR)
            assert b" 400 " in connection.makefile("rb").readline()
    assert not leftovers(incoming)
    shown = app.test_client().get(upload).json
    assert (shown["files"], shown["bytes"]) == (0, 0)
    assert put(app.test_client(), upload, "a", b"whole").status_code == 200


def test_a_full_disk_is_said_before_anything_is_written(settings: Settings, redis_client: Redis) -> None:
    web = create_app(settings).test_client()
    upload = begin(web)
    full = create_app(settings.model_copy(update={"disk_low_bytes": 2**62})).test_client()
    for answer in (full.post(API, json={"name": "x"}), put(full, upload, "a", b"x")):
        assert (answer.status_code, answer.json["type"]) == (507, "urn:dicomsearch:problem:disk-full")
    assert put(full, upload, "empty", b"").status_code == 200


def test_names_are_made_safe_and_unique(web: FlaskClient, incoming: Path) -> None:
    assert web.post(API, json={"name": ".."}).status_code == 400
    assert web.post(API, json={"name": " ../Chest\n CT.tmp "}).json["name"] == "Chest CT-tmp"
    assert web.post(API, json={}).json["name"].startswith("upload-2")
    first, second = begin(web), begin(web)
    for upload in (first, second):
        put(web, upload, "a", b"1")
    assert web.post(f"{first}/complete", json={}).status_code == 200
    taken = web.post(f"{second}/complete", json={})
    assert (taken.status_code, taken.json["type"]) == (409, "urn:dicomsearch:problem:batch-name-taken")
    assert web.post(API, json={"name": "CASE-17"}).status_code == 409
    assert web.post(f"{second}/complete", json={"name": "CASE-18"}).json["batch"] == "CASE-18"
    assert sorted(path.name for path in incoming.iterdir() if path.name[0] != ".") == ["CASE-17", "CASE-18"]


def test_a_folder_that_came_meanwhile_is_never_replaced(web: FlaskClient, incoming: Path) -> None:
    upload = begin(web)
    put(web, upload, "a", b"1")
    (incoming / "CASE-17").mkdir()
    assert web.post(f"{upload}/complete", json={}).status_code == 409
    assert list((incoming / "CASE-17").iterdir()) == []


def test_an_empty_upload_becomes_no_batch(web: FlaskClient) -> None:
    answer = web.post(f"{begin(web)}/complete", json={})
    assert (answer.status_code, answer.json["type"]) == (409, "urn:dicomsearch:problem:upload-empty")


def test_a_cancelled_upload_leaves_nothing(web: FlaskClient, incoming: Path) -> None:
    upload = begin(web)
    put(web, upload, "a", b"1")
    assert web.delete(upload).status_code == 204
    assert list(incoming.iterdir()) == [incoming / ".uploads"]
    assert list((incoming / ".uploads").iterdir()) == []
    for answer in (web.delete(upload), web.get(upload), put(web, upload, "a", b"1"), web.get(f"{API}/../x")):
        assert answer.status_code == 404


def test_uploads_that_were_left_are_removed_when_another_begins(incoming: Path) -> None:
    bounds = Bounds(True, 1_000, 10, 3_600, 0)
    uploads = Uploads(incoming, bounds)
    left, done = uploads.begin("left"), uploads.begin("done")
    for upload in (left, done):
        uploads.receive(upload.id, "a", io.BytesIO(b"1"), 1)
    uploads.complete(done.id)
    assert uploads.remove_stale() == 0
    Uploads(incoming, Bounds(True, 1_000, 10, -1, 0)).remove_stale()
    assert [path.name for path in incoming.iterdir()] in ([".uploads", "done"], ["done", ".uploads"])
    with pytest.raises(UploadNotFoundError):
        uploads.show(left.id)


def test_several_processes_serve_one_upload(settings: Settings, incoming: Path, redis_client: Redis) -> None:
    upload = begin(create_app(settings).test_client())
    statuses: list[int] = []

    def send(number: int) -> None:
        client = create_app(settings).test_client()
        statuses.extend(put(client, upload, f"{number}/{file}", bytes(1_000)).status_code for file in range(5))

    threads = [threading.Thread(target=send, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert statuses == [200] * 20
    shown = create_app(settings).test_client().get(upload).json
    assert (shown["files"], shown["bytes"]) == (20, 20_000)


def test_uploading_can_be_switched_off(settings: Settings, redis_client: Redis) -> None:
    web = create_app(settings.model_copy(update={"uploads": False})).test_client()
    answer = web.post(API, json={"name": "x"})
    assert (answer.status_code, answer.json["type"]) == (403, "urn:dicomsearch:problem:uploads-off")


def test_other_sites_upload_nothing(web: FlaskClient) -> None:
    upload = begin(web)
    foreign = {"Sec-Fetch-Site": "cross-site"}
    answers = [
        web.post(API, json={}, headers=foreign),
        web.put(f"{upload}/files/a", data=b"x", headers=foreign),
        web.post(f"{upload}/complete", json={}, headers=foreign),
        web.delete(upload, headers=foreign),
    ]
    assert {answer.status_code for answer in answers} == {403}
    assert web.post(API, data="{}").status_code == 415


def test_without_redis_files_arrive_and_the_watcher_will_find_them(settings: Settings, incoming: Path) -> None:
    away = settings.model_copy(update={"redis_url": f"redis://127.0.0.1:{free_port()}/0"})
    web = create_app(away).test_client()
    upload = begin(web)
    put(web, upload, "a", b"1")
    assert web.post(f"{upload}/complete", json={}).json["batch"] == "CASE-17"
    assert tree(incoming / "CASE-17") == {"a": b"1"}


def send_form(web: FlaskClient, *files: tuple[str, bytes], name: str = "CASE-17", field: str = "files") -> Any:
    parts = [f'Content-Disposition: form-data; name="name"\r\n\r\n{name}'.encode()]
    for path, data in files:
        parts.append(f'Content-Disposition: form-data; name="{field}"; filename="{path}"\r\n\r\n'.encode() + data)
    body = b"".join(b"--limit\r\n" + part + b"\r\n" for part in parts) + b"--limit--\r\n"
    return web.post("/upload", data=body, content_type="multipart/form-data; boundary=limit", headers=OURS)


def test_a_form_uploads_files_and_zip_files_and_shows_their_batch(web: FlaskClient, incoming: Path) -> None:
    page = web.get("/upload").text
    assert 'enctype="multipart/form-data"' in page
    files = [("case/IM1", b"11"), ("case/IM2", b"22" * 100_000), ("IM1.dcm", b"3"), ("IM1.dcm", b"4"), ("", b"")]
    answer = send_form(web, *files, ("a.zip", zipped(("x", b"5"))))
    assert answer.status_code == 303
    assert answer.headers["Location"] == "/batches/CASE-17?uploaded=1"
    assert "CASE-17" in web.get(answer.headers["Location"]).text
    found = tree(incoming / "CASE-17")
    assert set(found) == {"case/IM1", "case/IM2", "IM1.dcm", "IM1 (2).dcm", "a.zip/x"}
    assert (found["case/IM1"], found["IM1 (2).dcm"], len(found["case/IM2"])) == (b"11", b"4", 200_000)
    again = send_form(web, ("IM1", b"1"))
    assert again.headers["Location"] == "/batches/CASE-17-2?uploaded=1"
    assert send_form(web, ("IM1", b"1"), name=" ").headers["Location"].startswith("/batches/upload-2")


@pytest.mark.parametrize(
    ("files", "status", "reason"),
    [
        ([], 409, "no file yet"),
        ([("", b"")], 409, "no file yet"),
        ([("a", b"1"), ("../x", b"1")], 400, "“..”"),
        ([("a", b"1"), ("b.zip", b"no zip")], 422, "damaged"),
        ([("a", bytes(600_000)), ("b", bytes(600_000))], 413, "1,000,000 bytes"),
        ([(str(number), b"") for number in range(21)], 413, "20 files"),
    ],
)
def test_a_form_that_is_refused_is_shown_again_with_the_reason_and_leaves_nothing(
    web: FlaskClient, incoming: Path, files: list[tuple[str, bytes]], status: int, reason: str
) -> None:
    answer = send_form(web, *files)
    assert (answer.status_code, answer.mimetype) == (status, "text/html")
    assert reason in answer.text
    assert "Nothing was uploaded" in answer.text
    assert [path.name for path in incoming.iterdir()] == [".uploads"]
    assert list((incoming / ".uploads").iterdir()) == []


@pytest.mark.parametrize("cut", [0, 200, 50_000])
def test_a_form_that_breaks_off_leaves_nothing(web: FlaskClient, incoming: Path, cut: int) -> None:
    head = b'--x\r\nContent-Disposition: form-data; name="files"; filename="a"\r\n\r\n'
    body = (head + bytes(100_000))[: cut or None]
    answer = web.post("/upload", data=body, content_type="multipart/form-data; boundary=x", headers=OURS)
    assert answer.status_code == 400
    assert [path.name for path in incoming.iterdir()] == [".uploads"]
    assert list((incoming / ".uploads").iterdir()) == []


def test_a_form_of_another_site_uploads_nothing(web: FlaskClient, incoming: Path) -> None:
    answer = web.post("/upload", data={"name": "x"}, content_type="multipart/form-data")
    assert answer.status_code == 403
    assert not incoming.exists()


def test_the_page_says_that_uploading_is_switched_off(settings: Settings, redis_client: Redis) -> None:
    web = create_app(settings.model_copy(update={"uploads": False})).test_client()
    assert "switched off" in web.get("/upload").text
    assert send_form(web, ("a", b"1")).status_code == 403
