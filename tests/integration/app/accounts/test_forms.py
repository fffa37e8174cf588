"""Forms of other sites, and of other sessions, change nothing."""

import io
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient

from app.accounts.accounts import Accounts
from tests.accounts import ORIGIN, log_in, token_in


@pytest.fixture
def web(guarded: Flask, accounts: Accounts) -> FlaskClient:
    """The browser of jdoe, an operator."""
    client = guarded.test_client()
    log_in(client, "jdoe")
    return client


def test_every_form_of_every_page_carries_the_token(guarded: Flask, web: FlaskClient) -> None:
    for template in (Path(guarded.root_path) / "web" / "templates").glob("*.html"):
        text = template.read_text()
        assert text.count('method="post"') == text.count("{{ csrf_field() }}"), template.name


@pytest.mark.parametrize("token", [None, "", "x", "other"])
def test_a_form_without_the_token_of_the_session_changes_nothing(
    token: str | None, guarded: Flask, web: FlaskClient
) -> None:
    if token == "other":
        stranger = guarded.test_client()
        token = token_in(stranger.get("/login").text)
    form = {"name": "mine", "q": "CT"} | ({"csrf_token": token} if token is not None else {})
    answer = web.post("/saved-searches", data=form, headers=ORIGIN)
    assert answer.status_code == 403
    assert "another session" in answer.text
    assert web.get("/api/saved-searches").json["count"] == 0  # type: ignore[index]
    form["csrf_token"] = token_in(web.get("/account").text)
    assert web.post("/saved-searches", data=form, headers=ORIGIN).status_code == 303


def test_scripts_of_our_pages_send_it_as_a_header(web: FlaskClient) -> None:
    assert web.post("/api/saved-searches", json={"name": "x"}, headers=ORIGIN).status_code == 403
    headers = ORIGIN | {"X-CSRF-Token": token_in(web.get("/account").text)}
    assert web.post("/api/saved-searches", json={"name": "x"}, headers=headers).status_code == 201


def test_a_form_of_another_site_is_refused_even_with_the_token(web: FlaskClient) -> None:
    form = {"name": "x", "csrf_token": token_in(web.get("/account").text)}
    for headers in ({"Origin": "https://evil.example"}, {"Sec-Fetch-Site": "cross-site"}, {}):
        assert web.post("/saved-searches", data=form, headers=headers).status_code == 403


def test_nobody_can_be_signed_in_by_a_form_of_another_site(guarded: Flask, accounts: Accounts) -> None:
    web = guarded.test_client()
    form = {"name": "jdoe", "password": "x"}
    assert web.post("/login", data=form, headers=ORIGIN).status_code == 403


def test_an_upload_by_a_form_needs_it_too_and_leaves_nothing(guarded: Flask, web: FlaskClient) -> None:
    incoming = guarded.extensions["dicomsearch"].settings.incoming_folder
    incoming.mkdir(parents=True, exist_ok=True)

    def upload(**fields: str) -> int:
        files = {"files": (io.BytesIO(b"some bytes"), "one.dcm")}
        data = {"name": "CASE-1", **fields, **files}
        return web.post("/upload", data=data, headers=ORIGIN, content_type="multipart/form-data").status_code

    assert upload() == 403
    assert upload(csrf_token="x") == 403
    assert _batches(incoming) == []
    assert upload(csrf_token=token_in(web.get("/account").text)) == 303
    assert _batches(incoming) == ["CASE-1"]


def _batches(folder: Path) -> list[str]:
    """Names of what arrived in a folder."""
    return sorted(path.name for path in folder.iterdir() if path.name != ".uploads")
