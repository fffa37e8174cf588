"""Uploading in a real browser: files, a folder, a zip file; with scripts and without."""

import io
import re
import zipfile
from pathlib import Path

import pytest
from playwright.sync_api import FilePayload, Page, Route, expect

from indexer.settings import Settings
from tests.e2e.conftest import PHONE, Open


def named(name: str, data: bytes = b"x") -> FilePayload:
    return {"name": name, "mimeType": "application/octet-stream", "buffer": data}


def zipped(name: str) -> FilePayload:
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w") as file:
        file.writestr("inside/IM1", b"1")
    return named(name, target.getvalue())


def files_below(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}


def drop_file(page: Page, name: str) -> None:
    transfer = page.evaluate_handle(
        "name => { const t = new DataTransfer(); t.items.add(new File(['dropped'], name)); return t; }", name
    )
    page.dispatch_event("[data-drop]", "drop", {"dataTransfer": transfer})


def test_files_a_folder_and_a_drop_become_one_batch(visit: Open, archive_settings: Settings, tmp_path: Path) -> None:
    (tmp_path / "study" / "series").mkdir(parents=True)
    for name in ("a", "b"):
        (tmp_path / "study" / "series" / name).write_bytes(b"image")
    page = visit().open("/")
    page.get_by_role("navigation", name="Main").get_by_role("link", name="Upload").click()
    page.get_by_label("Name of the batch").fill("E2E upload")
    page.get_by_label("Files", exact=True).set_input_files([named("IM1"), zipped("more.zip")])
    page.get_by_label("A folder").set_input_files(tmp_path / "study")
    page.get_by_label("Files", exact=True).set_input_files(named("IM1", b"another"))
    drop_file(page, "dropped.dcm")
    expect(page.locator("[data-chosen]")).to_contain_text("6 files")
    page.get_by_role("button", name="Upload", exact=True).click()
    link = page.get_by_role("link", name="Show the batch E2E upload")
    expect(link).to_be_focused()
    expect(page.locator("[data-files]")).to_have_text("6 of 6")
    expect(page.locator("[data-left]")).to_have_text("0 s")
    folder = archive_settings.incoming_folder / "E2E upload"
    assert files_below(folder) == {
        "IM1", "IM1 (2)", "more.zip/inside/IM1", "study/series/a", "study/series/b", "dropped.dcm",
    }  # fmt: skip
    link.click()
    expect(page.get_by_role("heading", level=1)).to_have_text("E2E upload")


def test_what_is_refused_or_lost_is_listed_and_can_be_tried_again(visit: Open, archive_settings: Settings) -> None:
    visitor = visit(viewport=PHONE)
    page = visitor.open("/upload")
    page.get_by_label("Name of the batch").fill("E2E retry")
    page.get_by_label("Files", exact=True).set_input_files([named("kept"), named("bad.zip"), named("slow")])
    refuse = {"status": 409, "content_type": "application/problem+json", "body": '{"type": "x", "detail": "Not now."}'}
    page.route("**/files/slow", lambda route: route.fulfill(**refuse))
    page.get_by_role("button", name="Upload", exact=True).click()
    failed = page.locator(".upload-failed li")
    expect(failed).to_have_count(2)
    expect(page.locator(".upload-failed")).to_contain_text("It is damaged, or no zip file.")
    expect(page.locator(".upload-failed")).to_contain_text("Not now.")
    assert not visitor.is_scrolled_sideways()
    page.unroute("**/files/slow")
    page.get_by_role("button", name="Try the failed files again").click()
    expect(failed).to_have_count(1)
    page.get_by_role("button", name="Go on without them").click()
    expect(page.get_by_role("link", name="Show the batch E2E retry")).to_be_visible()
    assert files_below(archive_settings.incoming_folder / "E2E retry") == {"kept", "slow"}


def test_an_upload_can_be_cancelled(visit: Open, archive_settings: Settings) -> None:
    page = visit().open("/upload")
    held: list[Route] = []
    page.route("**/files/*", lambda route: held.append(route))
    page.get_by_label("Files", exact=True).set_input_files([named("a")])
    page.get_by_role("button", name="Upload", exact=True).click()
    expect(page.locator("[data-status]")).to_have_text("Sending the files…")
    with page.expect_response(lambda answer: answer.request.method == "DELETE") as deleted:
        page.get_by_role("button", name="Cancel").click()
    assert deleted.value.status == 204
    expect(page.locator("[data-status]")).to_have_text("Cancelled: nothing of it is kept.")
    expect(page.get_by_role("button", name="Upload", exact=True)).to_be_visible()
    assert not list(archive_settings.incoming_folder.glob(".tmp-*"))


def test_a_name_that_is_taken_meanwhile_can_be_changed_at_the_end(visit: Open, archive_settings: Settings) -> None:
    page = visit().open("/upload")
    page.get_by_label("Name of the batch").fill("E2E taken")

    def take(route: Route) -> None:
        (archive_settings.incoming_folder / "E2E taken").mkdir(exist_ok=True)
        route.continue_()

    page.route("**/files/*", take)
    page.get_by_label("Files", exact=True).set_input_files([named("a")])
    page.get_by_role("button", name="Upload", exact=True).click()
    expect(page.locator("[data-status]")).to_contain_text("choose another name")
    page.get_by_label("Another name").fill("E2E free")
    page.get_by_role("button", name="Use this name").click()
    expect(page.get_by_role("link", name="Show the batch E2E free")).to_be_visible()


@pytest.mark.parametrize("name", ["E2E form"])
def test_without_scripts_the_form_uploads(visit: Open, archive_settings: Settings, tmp_path: Path, name: str) -> None:
    (tmp_path / "study").mkdir()
    (tmp_path / "study" / "a").write_bytes(b"image")
    page = visit(java_script_enabled=False).open("/upload")
    page.get_by_label("Name of the batch").fill(name)
    page.get_by_label("Files", exact=True).set_input_files([named("IM1"), zipped("more.zip")])
    page.get_by_label("A folder").set_input_files(tmp_path / "study")
    page.get_by_role("button", name="Upload", exact=True).click()
    expect(page).to_have_url(re.compile("/batches/"))
    expect(page.get_by_role("heading", level=1)).to_have_text(name)
    assert files_below(archive_settings.incoming_folder / name) == {"IM1", "more.zip/inside/IM1", "study/a"}
