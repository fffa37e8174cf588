"""What can be done with a batch, in a real browser: it asks first, moves without a reload, works without scripts."""

import re

import pytest
from playwright.sync_api import expect
from redis import Redis

from indexer.status import ImageStatus, Ledger, Outcome
from tests.e2e.conftest import PHONE, Open
from tests.integration.app.test_api import fill


@pytest.mark.parametrize("scripts", [True, False])
def test_a_batch_is_described_retried_and_deleted(visit: Open, redis_client: Redis, scripts: bool) -> None:
    fill(redis_client, "CASE-17", files=3, errors=2)
    visitor = visit(java_script_enabled=scripts, viewport=PHONE)
    page = visitor.open("/batches/CASE-17")
    page.locator("summary", has_text="Add tags or a note").click()
    page.get_by_label("Tags, with commas between").fill("trial A, site 2")
    page.get_by_label("Note", exact=True).fill("<b>Second</b> delivery")
    page.get_by_role("button", name="Save").click()
    expect(page.locator(".said .note")).to_have_text("<b>Second</b> delivery")
    page.get_by_role("button", name="Try errors again").click()
    expect(page.locator(".history li").first).to_contain_text("Tried again: 2 files.")
    assert not visitor.is_scrolled_sideways()
    page.get_by_role("link", name="Delete…").click()
    page.get_by_label(re.compile("Delete the files")).check()
    page.get_by_label(re.compile("Then type the name")).fill("CASE-18")
    page.get_by_role("button", name="Delete the batch").click()
    expect(page.get_by_role("alert")).to_contain_text("type the name of the batch")
    assert not visitor.is_scrolled_sideways()
    page.get_by_role("button", name="Delete the batch").click()
    row = page.locator("tr", has_text="CASE-17")
    expect(row).to_contain_text("Deleting")
    expect(row.get_by_role("link", name="site 2")).to_be_visible()


def test_progress_rate_and_history_move_without_a_reload(visit: Open, redis_client: Redis) -> None:
    fill(redis_client, "CASE-17", files=99, finished=False)
    page = visit().open("/batches/CASE-17")
    ledger = Ledger(redis_client)
    taken = ledger.begin("CASE-17", [f"image-{number:04d}.dcm" for number in range(90)])
    ledger.settle("CASE-17", [Outcome(file, ImageStatus.DONE, uid=f"9.{file.path}") for file in taken])
    expect(page.locator(".state-line")).to_contain_text(re.compile(r"90 of 100 files finished +\S+/s, \d+ s left"))
    page.get_by_role("link", name="Cancel…").click()
    page.get_by_role("button", name="Cancel the batch").click()
    expect(page.locator(".history li").first).to_contain_text("Done: 90 images are found by search")
    expect(page.locator(".state-line")).to_contain_text("Cancelled")
