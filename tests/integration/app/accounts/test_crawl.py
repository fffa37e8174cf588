"""Whoever follows the links of the pages is never refused and never meets an error, whatever the role."""

import re
from collections import deque
from html import unescape

import pytest
from flask import Flask
from flask.testing import FlaskClient
from redis import Redis

from app import create_app
from app.accounts.model import Role
from indexer.batches import deliver, delivery_of
from indexer.services import build_services
from indexer.settings import Settings
from tests.accounts import PASSWORD, accounts_of, log_in, with_accounts
from tests.archive import Indexed

_MOST = 150
_LINK = re.compile(r'<a\b[^>]*\bhref="([^"]+)"')
# Reading these goes on without end, or is no page; and batches of which the archive has images, but Redis no status.
_LEFT_OUT = ("/api/search/export", "/audit/export", "/static/", "/batches/PYDICOM", "/batches/MADE")


@pytest.fixture
def archive_with_accounts(
    archive_settings: Settings, images: list[Indexed], redis_client: Redis, tmp_path_factory: pytest.TempPathFactory
) -> Flask:
    """The archive of real images, with a batch, where people have to sign in."""
    folder = tmp_path_factory.mktemp("batches") / "CASE-1"
    folder.mkdir()
    (folder / "no-dicom.txt").write_text("text")
    deliver(build_services(archive_settings), folder, "import", delivery_of(folder))
    app = create_app(with_accounts(archive_settings))
    app.testing = False
    return app


@pytest.mark.parametrize(
    ("role", "masked"), [(Role.VIEWER, True), (Role.VIEWER, False), (Role.OPERATOR, False), (Role.ADMIN, False)]
)
def test_no_link_of_a_page_leads_to_a_refusal_or_an_error(
    role: Role, masked: bool, archive_with_accounts: Flask
) -> None:
    accounts_of(archive_with_accounts).users.add("jdoe", role, PASSWORD, deidentified=masked)
    web = archive_with_accounts.test_client()
    log_in(web, "jdoe")
    seen = _walk(web)
    assert len(seen) > 20
    wrong = {address: status for address, status in seen.items() if status >= 400}
    assert wrong == {}
    kinds = {address.partition("?")[0].split("/")[1] for address in seen}
    assert ("audit" in kinds) is (role is Role.ADMIN)
    assert ("upload" in kinds) is (role >= Role.OPERATOR)
    assert ("batches" in kinds) is not masked


def _walk(web: FlaskClient) -> dict[str, int]:
    """Addresses that links lead to, one of each form (its parameters' names) or a few, and their status."""
    waiting, seen = deque(["/search"]), dict[str, int]()
    forms = dict[str, int]()
    while waiting and len(seen) < _MOST:
        address = waiting.popleft()
        if address in seen:
            continue
        with web.get(address, follow_redirects=True) as answer:
            seen[address] = answer.status_code
            page = answer.text if answer.mimetype == "text/html" else ""
        for link in (unescape(found).partition("#")[0] for found in _LINK.findall(page)):
            if not link.startswith("/") or link.startswith(_LEFT_OUT):
                continue
            form = re.sub(r"=[^&]*", "", re.sub(r"(?<=[^/])/[^/?]+(?=\?|$)", "/…", link))
            forms[form] = forms.get(form, 0) + 1
            if forms[form] <= 3:
                waiting.append(link)
    return seen
