"""Tokens of programs: what they may do, how they end, and that they are shown once."""

from datetime import UTC, datetime, timedelta

import pytest
from flask import Flask
from flask.testing import FlaskClient
from redis import Redis

from app.accounts.accounts import Accounts
from app.accounts.model import Role, UnusableUserError
from tests.accounts import ORIGIN, PASSWORD, log_in, token_in


@pytest.fixture
def signed_in(guarded: Flask, accounts: Accounts) -> FlaskClient:
    """The browser of jdoe, an operator."""
    web = guarded.test_client()
    log_in(web, "jdoe")
    return web


def _made(web: FlaskClient, **body: object) -> dict[str, str]:
    answer = web.post(
        "/api/me/tokens",
        json={"name": "nightly", **body},
        headers=ORIGIN | {"X-CSRF-Token": token_in(web.get("/account").text)},
    )
    assert answer.status_code == 201, answer.text
    found: dict[str, str] = answer.json  # type: ignore[assignment]
    return found


def _bearer(text: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {text}"}


def test_a_token_does_what_its_role_may_and_is_kept_as_a_digest(
    guarded: Flask, signed_in: FlaskClient, redis_client: Redis
) -> None:
    made = _made(signed_in, role="viewer")
    program = guarded.test_client()
    assert program.get("/api/search", headers=_bearer(made["token"])).status_code == 200
    assert program.get("/api/me", headers=_bearer(made["token"])).json == {
        "name": "jdoe",
        "role": "viewer",
        "deidentified": False,
        "via": "token",
    }
    # The user may upload; this token may not.
    assert program.post("/api/uploads", json={}, headers=_bearer(made["token"])).status_code == 403
    secret = made["token"].rpartition("_")[2]
    assert secret not in str(redis_client.hgetall("tokens"))
    listed = signed_in.get("/api/me/tokens").json
    assert listed is not None
    assert [one["id"] for one in listed["results"]] == [made["id"]]
    assert listed["results"][0]["last_used"] is not None
    assert secret not in signed_in.get("/account").text + str(listed)


@pytest.mark.parametrize("wrong", ["dst_x", "", "dst_" + "0" * 16 + "_" + "A" * 43, "Bearer", "é"])
def test_a_wrong_token_is_refused_and_is_no_reason_to_ask_for_a_password(wrong: str, guarded: Flask) -> None:
    answer = guarded.test_client().get("/api/me", headers=_bearer(wrong))
    assert answer.status_code == 401
    assert answer.headers["WWW-Authenticate"] == "Bearer"
    assert answer.content_type == "application/problem+json"


def test_other_ways_of_signing_in_are_refused(guarded: Flask, accounts: Accounts) -> None:
    assert guarded.test_client().get("/api/me", auth=("jdoe", PASSWORD)).status_code == 401


def test_a_token_that_has_ended_was_revoked_or_is_of_nobody_is_worth_nothing(
    guarded: Flask, accounts: Accounts, signed_in: FlaskClient, redis_client: Redis
) -> None:
    program = guarded.test_client()

    def status(made: dict[str, str]) -> int:
        return program.get("/api/me", headers=_bearer(made["token"])).status_code

    ended, revoked, kept = (_made(signed_in, name=name, days=1) for name in ("ended", "revoked", "kept"))
    assert {status(one) for one in (ended, revoked, kept)} == {200}
    text = redis_client.hget("tokens", ended["id"])
    past = (datetime.now(UTC) - timedelta(seconds=1)).isoformat(timespec="seconds")
    redis_client.hset("tokens", ended["id"], text.replace(ended["expires"], past))  # type: ignore[union-attr]
    form = {"csrf_token": token_in(signed_in.get("/account").text)}
    assert signed_in.post(f"/account/tokens/{revoked['id']}/revoke", data=form, headers=ORIGIN).status_code == 303
    assert [status(one) for one in (ended, revoked, kept)] == [401, 401, 200]
    accounts.change("jdoe", disabled=True)
    assert status(kept) == 401
    accounts.change("jdoe", disabled=False)
    accounts.users.add("boss", Role.ADMIN, PASSWORD)
    accounts.delete("jdoe")
    accounts.users.add("jdoe", Role.ADMIN, PASSWORD)
    assert status(kept) == 401  # of the jdoe before


def test_a_token_never_may_more_than_its_user(guarded: Flask, accounts: Accounts, signed_in: FlaskClient) -> None:
    headers = ORIGIN | {"X-CSRF-Token": token_in(signed_in.get("/account").text)}
    refused = signed_in.post("/api/me/tokens", json={"name": "x", "role": "admin"}, headers=headers)
    assert refused.status_code == 403
    made = _made(signed_in, role="operator")
    accounts.change("jdoe", role=Role.VIEWER, deidentified=True)
    program = guarded.test_client()
    me = program.get("/api/me", headers=_bearer(made["token"])).json
    assert me is not None
    assert (me["role"], me["deidentified"]) == ("viewer", True)


def test_a_token_cannot_make_another(guarded: Flask, signed_in: FlaskClient) -> None:
    made = _made(signed_in)
    program = guarded.test_client()
    assert program.post("/api/me/tokens", json={"name": "x"}, headers=_bearer(made["token"])).status_code == 403


def test_a_token_of_one_who_is_masked_masks(guarded: Flask, accounts: Accounts) -> None:
    accounts.users.add("student", Role.VIEWER, PASSWORD, deidentified=True)
    web = guarded.test_client()
    log_in(web, "student")
    assert _made(web, deidentified=False)["deidentified"] is True


def test_tokens_are_for_programs_and_open_no_page(guarded: Flask, signed_in: FlaskClient) -> None:
    made = _made(signed_in)
    assert guarded.test_client().get("/search", headers=_bearer(made["token"])).status_code == 302


def test_tokens_of_others_cannot_be_revoked(guarded: Flask, accounts: Accounts, signed_in: FlaskClient) -> None:
    made = _made(signed_in)
    accounts.users.add("other", Role.ADMIN, PASSWORD)
    other = guarded.test_client()
    log_in(other, "other")
    headers = ORIGIN | {"X-CSRF-Token": token_in(other.get("/account").text)}
    assert other.delete(f"/api/me/tokens/{made['id']}", headers=headers).status_code == 404
    assert guarded.test_client().get("/api/me", headers=_bearer(made["token"])).status_code == 200


@pytest.mark.parametrize("name", ["", "  ", "a" * 101, "a\x00b"])
def test_a_token_says_what_it_is_for(name: str, accounts: Accounts) -> None:
    with pytest.raises(UnusableUserError):
        accounts.tokens.create("jdoe", name, Role.VIEWER)


def test_there_is_a_bound_on_tokens(accounts: Accounts) -> None:
    for number in range(50):
        accounts.tokens.create("jdoe", str(number), Role.VIEWER)
    with pytest.raises(UnusableUserError, match="revoke one first"):
        accounts.tokens.create("jdoe", "one more", Role.VIEWER)
