"""Signing in and out: passwords, sessions, cookies, and those who guess."""

import json
import re
import time

import pytest
from flask import Flask
from redis import Redis

from app import create_app
from app.accounts.accounts import Accounts
from app.accounts.guarding import local_address
from app.accounts.model import Role
from indexer.settings import Settings
from tests.accounts import ORIGIN, PASSWORD, log_in, token_in, with_accounts


def test_one_who_has_not_signed_in_is_asked_to_and_comes_back_to_where_one_wanted(
    guarded: Flask, accounts: Accounts
) -> None:
    web = guarded.test_client()
    answer = web.get("/search?q=Modality:CT&level=series")
    assert answer.status_code == 302
    assert answer.headers["Location"].startswith("/login?next=")
    page = web.get(answer.headers["Location"])
    there = re.search(r'name="next" value="([^"]+)"', page.text)
    assert there is not None
    after = log_in(web, "jdoe", next=there.group(1).replace("&amp;", "&"))
    assert (after.status_code, after.headers["Location"]) == (303, "/search?q=Modality:CT&level=series")
    assert web.get(after.headers["Location"]).status_code == 200


@pytest.mark.parametrize("address", ["https://evil.example/", "//evil.example", "/\\evil.example", "evil", "", "/a\nb"])
def test_one_is_never_sent_to_another_site(address: str, guarded: Flask, accounts: Accounts) -> None:
    assert local_address(address) is None
    assert log_in(guarded.test_client(), "jdoe", next=address).headers["Location"] == "/search"


def test_the_cookie_is_for_the_browser_alone(settings: Settings, redis_client: Redis) -> None:
    app = create_app(with_accounts(settings, host="0.0.0.0"))
    web = app.test_client()
    cookie = web.get("/login", base_url="https://localhost").headers["Set-Cookie"]
    assert cookie.startswith("__Host-dicomsearch=")
    assert {"Secure", "HttpOnly", "SameSite=Lax", "Path=/"} <= set(cookie.split("; "))
    assert "Domain" not in cookie


def test_a_cookie_from_before_signing_in_is_worth_nothing_afterwards(guarded: Flask, accounts: Accounts) -> None:
    web, thief = guarded.test_client(), guarded.test_client()
    web.get("/login")
    before = web.get_cookie("dicomsearch")
    assert before is not None
    log_in(web, "jdoe")
    after = web.get_cookie("dicomsearch")
    assert after is not None
    assert after.value != before.value
    thief.set_cookie("dicomsearch", before.value)
    assert thief.get("/api/me").status_code == 401


def test_a_cookie_that_was_stolen_ends_when_its_user_signs_out(guarded: Flask, accounts: Accounts) -> None:
    web, thief = guarded.test_client(), guarded.test_client()
    log_in(web, "jdoe")
    stolen = web.get_cookie("dicomsearch")
    assert stolen is not None
    thief.set_cookie("dicomsearch", stolen.value)
    assert thief.get("/api/me").json == {"name": "jdoe", "role": "operator", "deidentified": False, "via": "session"}
    token = token_in(web.get("/account").text)
    assert web.post("/logout", data={"csrf_token": token}, headers=ORIGIN).status_code == 303
    assert thief.get("/api/me").status_code == 401


def test_a_made_up_cookie_is_worth_nothing(guarded: Flask, accounts: Accounts) -> None:
    other = create_app(with_accounts(guarded.extensions["dicomsearch"].settings))
    log_in(theirs := other.test_client(), "jdoe")
    cookie = theirs.get_cookie("dicomsearch")
    assert cookie is not None
    web = guarded.test_client()
    for value in (cookie.value, cookie.value[:-1], "x", ""):  # signed with another key, cut, nonsense
        web.set_cookie("dicomsearch", value)
        assert web.get("/api/me").status_code == 401


def test_redis_and_cookies_give_away_neither_passwords_nor_sessions(
    guarded: Flask, accounts: Accounts, redis_client: Redis
) -> None:
    web = guarded.test_client()
    log_in(web, "jdoe")
    cookie = web.get_cookie("dicomsearch")
    assert cookie is not None
    with web.session_transaction() as session:
        id_ = session["session"]
    stored = "".join(redis_client.keys("*")) + str(redis_client.hgetall("users"))
    assert id_ not in stored
    assert PASSWORD not in stored
    assert "$argon2id$" in stored
    assert PASSWORD not in cookie.value


@pytest.mark.parametrize(("name", "password"), [("jdoe", "wrong"), ("nobody", PASSWORD), ("", ""), ("jdoe", "")])
def test_a_wrong_name_or_password_is_refused_without_saying_which(
    name: str, password: str, guarded: Flask, accounts: Accounts
) -> None:
    answer = log_in(guarded.test_client(), name, password)
    assert answer.status_code == 401
    assert "There is no user with this name and password." in answer.text
    assert password not in answer.text or not password


def test_names_are_taken_whatever_their_case(guarded: Flask, accounts: Accounts) -> None:
    assert log_in(guarded.test_client(), " JDoe ").status_code == 303


def test_guessing_is_slowed_down_for_the_name_and_the_address_and_not_for_others(
    guarded: Flask, accounts: Accounts
) -> None:
    accounts.users.add("other", Role.VIEWER, PASSWORD)
    web = guarded.test_client()
    statuses = [log_in(web, "jdoe", f"guess {number}").status_code for number in range(9)]
    # Five are free, the sixth sets the pause that the others meet.
    assert statuses == [401] * 6 + [429] * 3
    right = log_in(web, "jdoe")
    assert right.status_code == 429
    assert int(right.headers["Retry-After"]) >= 1
    assert "try again in" in right.text
    assert log_in(web, "other").status_code == 303
    elsewhere = guarded.test_client()
    elsewhere.environ_base["REMOTE_ADDR"] = "192.0.2.7"
    assert log_in(elsewhere, "jdoe").status_code == 303


def test_one_address_cannot_try_all_names(guarded: Flask, accounts: Accounts) -> None:
    web = guarded.test_client()
    token = token_in(web.get("/login").text)
    for number in range(60):
        answer = web.post(
            "/login", data={"name": f"name{number}", "password": "x", "csrf_token": token}, headers=ORIGIN
        )
        if answer.status_code == 429:
            break
    assert 50 <= number < 60
    assert log_in(web, "jdoe").status_code == 429


def test_a_session_ends_when_it_is_not_used_and_in_any_case(
    settings: Settings, redis_client: Redis, accounts: Accounts
) -> None:
    app = create_app(with_accounts(settings, session_minutes=5, session_hours=2))
    web = app.test_client()
    log_in(web, "jdoe")
    (key,) = redis_client.keys("session:*")
    assert 0 < redis_client.ttl(key) <= 300
    redis_client.expire(key, 10)
    assert web.get("/api/me").status_code == 200
    assert redis_client.ttl(key) > 200  # used, so it goes on
    redis_client.set(key, json.dumps({"user": "jdoe", "since": time.time() - 2 * 3_600 - 1}), ex=300)
    assert web.get("/api/me").status_code == 401
    assert redis_client.keys("session:*") == []


def test_one_who_is_disabled_or_deleted_is_out_at_once(guarded: Flask, accounts: Accounts) -> None:
    accounts.users.add("boss", Role.ADMIN, PASSWORD)
    web = guarded.test_client()
    log_in(web, "jdoe")
    accounts.change("jdoe", disabled=True)
    assert web.get("/api/me").status_code == 401
    assert log_in(web, "jdoe").status_code == 401
    accounts.change("jdoe", disabled=False)
    assert web.get("/api/me").status_code == 401  # the session does not come back
    assert log_in(web, "jdoe").status_code == 303
    accounts.delete("jdoe")
    assert web.get("/api/me").status_code == 401


def test_another_role_counts_at_once(guarded: Flask, accounts: Accounts) -> None:
    web = guarded.test_client()
    log_in(web, "jdoe")
    assert web.get("/upload").status_code == 200
    accounts.change("jdoe", role=Role.VIEWER)
    assert web.get("/upload").status_code == 403


def test_a_password_is_changed_by_who_knows_the_present_one_and_ends_the_other_sessions(
    guarded: Flask, accounts: Accounts
) -> None:
    web, other = guarded.test_client(), guarded.test_client()
    log_in(web, "jdoe")
    log_in(other, "jdoe")
    token = token_in(web.get("/account").text)

    def change(old: str, new: str, again: str | None = None) -> int:
        form = {"old": old, "new": new, "again": new if again is None else again, "csrf_token": token}
        return web.post("/account/password", data=form, headers=ORIGIN).status_code

    assert change("wrong", "another long password") == 400
    assert change(PASSWORD, "another long password", "mistyped") == 400
    assert change(PASSWORD, "short") == 400
    assert change(PASSWORD, "another long password") == 303
    assert web.get("/api/me").status_code == 200
    assert other.get("/api/me").status_code == 401
    assert log_in(other, "jdoe").status_code == 401
    assert log_in(other, "jdoe", "another long password").status_code == 303


def test_where_nobody_has_to_sign_in_nobody_is_asked(settings: Settings, redis_client: Redis) -> None:
    web = create_app(settings).test_client()
    assert web.get("/login").headers["Location"] == "/search"
    assert web.get("/api/me").json == {"name": "local", "role": "admin", "deidentified": False, "via": "local"}
    assert web.post("/api/me/tokens", json={"name": "x"}).status_code == 403
    assert "Sign out" not in web.get("/search").text


def test_without_redis_it_is_said_that_nobody_can_sign_in(guarded: Flask) -> None:
    away = create_app(with_accounts(guarded.extensions["dicomsearch"].settings, redis_url="redis://127.0.0.1:1/0"))
    web = away.test_client()
    answer = log_in(web, "jdoe")
    assert answer.status_code == 503
    assert "Redis" in answer.text
    assert web.get("/search").status_code == 503  # that nobody may search cannot be recorded


def test_accounts_without_a_key_stop_the_start_with_the_name_of_the_variable(
    settings: Settings, capfd: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as end:
        create_app(settings.model_copy(update={"accounts": "on"}))
    assert end.value.code == 4
    assert "DICOMSEARCH_SECRET_KEY is missing" in capfd.readouterr().err


def test_neither_passwords_nor_sessions_nor_tokens_are_in_a_log(
    guarded: Flask, accounts: Accounts, redis_client: Redis, capfd: pytest.CaptureFixture[str]
) -> None:
    web = guarded.test_client()
    log_in(web, "jdoe", "a wrong guess of mine")
    log_in(web, "jdoe")
    with web.session_transaction() as session:
        id_ = session["session"]
    page = web.get("/account").text
    made = web.post(
        "/account/tokens", data={"name": "x", "role": "viewer", "csrf_token": token_in(page)}, headers=ORIGIN
    )
    token = re.search(r"dst_[0-9a-f]{16}_([\w-]{43})", made.text)
    assert token is not None
    assert guarded.test_client().get("/api/me", headers={"Authorization": f"Bearer {token.group()}"}).status_code == 200
    guarded.test_client().get("/api/me", headers={"Authorization": f"Bearer {token.group()}x"})
    said = "".join(capfd.readouterr()) + str(redis_client.xrange("audit"))
    assert "/api/me" in said
    for secret in (PASSWORD, "a wrong guess", id_, token.group(1), token_in(page)):
        assert secret not in said
