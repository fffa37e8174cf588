"""Kibana and Flower behind nginx: the application is asked first; here a small server answers as it does."""

import json
from collections.abc import Iterator

import pytest

from tests.integration.deploy.proxy import Proxy, nginx
from tests.integration.deploy.upstreams import NOWHERE, Application, serving

BEHIND = ("/kibana/", "/flower/")
ALICE = {"Cookie": "session=alice"}
BOB = {"Cookie": "session=bob"}
PAGE = {"Accept": "text/html,application/xhtml+xml"}


@pytest.fixture(scope="module")
def guarded() -> Iterator[Proxy]:
    """In front of the application, and of a Kibana and a Flower that answer with what they were asked."""
    with serving(Application) as web, serving() as other, nginx(web, kibana=other, flower=other) as proxy:
        yield proxy


@pytest.mark.parametrize("path", [*BEHIND, "/kibana/app/discover?a=(b:c)", "/kibana/a%2Fb", "/flower/workers"])
def test_those_who_may_use_it_reach_it(guarded: Proxy, path: str) -> None:
    Application.asked.clear()
    answer = guarded.ask(path, headers=ALICE)
    assert answer.status == 200
    assert answer.body.decode().startswith(f"GET {path}\n")
    assert Application.asked == [f"/-/auth?for={path.split('/')[1]}"]


@pytest.mark.parametrize("method", ["POST", "PUT"])
def test_every_request_is_asked_for_and_only_its_own_body_is_handed_on(guarded: Proxy, method: str) -> None:
    path = "/kibana/api/saved_objects/_import"
    answer = guarded.ask(path, method, b"x" * 5_000_000, ALICE)
    assert answer.status == 200
    assert "Content-Length: 5000000" in answer.body.decode()
    assert guarded.ask(path, method, b"x", BOB).status == 403
    assert guarded.ask(path, method, b"x").status == 401


@pytest.mark.parametrize("path", BEHIND)
def test_those_who_may_not_read_why(guarded: Proxy, path: str) -> None:
    answer = guarded.ask(path, headers=BOB | PAGE)
    assert answer.status == 403
    assert "Your account may not use this" in answer.body.decode()


@pytest.mark.parametrize("path", BEHIND)
def test_people_who_have_not_signed_in_are_led_to_do_so_and_scripts_are_told(guarded: Proxy, path: str) -> None:
    page = guarded.ask(f"{path}app/x?q=Geheim", headers=PAGE)
    assert (page.status, page.header("Location")) == (303, f"/login?next={path}app/x")
    script = guarded.ask(f"{path}app/x", headers={"Accept": "application/json"})
    assert (script.status, script.header("Location")) == (401, None)
    for answer in (page, script):
        assert answer.header("Cache-Control") == "no-store"
        assert answer.header("Content-Security-Policy")


def test_kibana_learns_nothing_with_which_one_could_sign_in_to_the_application(guarded: Proxy) -> None:
    cookie = "__Host-dicomsearch=abc; session=alice; kibana_session=xyz; not_kibana_session=no"
    said = guarded.ask("/kibana/", headers={"Cookie": cookie, "Authorization": "Bearer dsk_abc"}).body.decode()
    assert [line for line in said.splitlines() if line.startswith("Cookie")] == ["Cookie: kibana_session=xyz"]
    assert "Authorization" not in said


def test_flower_gets_no_cookie_and_no_token(guarded: Proxy) -> None:
    said = guarded.ask("/flower/", headers=ALICE | {"Authorization": "Bearer abc"}).body.decode()
    assert "Cookie" not in said
    assert "Authorization" not in said


@pytest.mark.parametrize("name", ["X-Forwarded-For", "X-Remote-User", "X-Dicomsearch-User", "X-Forwarded-Proto"])
@pytest.mark.parametrize("path", BEHIND)
def test_what_a_client_says_about_itself_is_not_handed_on(guarded: Proxy, path: str, name: str) -> None:
    assert "forged" not in guarded.ask(path, headers=ALICE | {name: "forged"}).body.decode()


def test_the_log_names_who_used_kibana(guarded: Proxy) -> None:
    guarded.ask("/kibana/app/discover?q=Geheim", headers=ALICE | {"X-Dicomsearch-User": "forged"})
    last = json.loads(guarded.log().splitlines()[-1])
    assert (last["path"], last["user"], last["status"]) == ("/kibana/app/discover", "alice", 200)


@pytest.mark.parametrize(
    "path",
    [
        *("/metrics", "/metrics/", "/%6detrics", "//metrics", "/./metrics", "/a/../metrics", "/-/auth", "/-/auth/"),
        *("/-/auth?for=kibana", "/-/%61uth", "//-//auth", "/kibana/../-/auth", "/-/may/kibana", "/-/may/flower"),
    ],
)
def test_what_is_for_those_inside_is_not_there_for_others(guarded: Proxy, path: str) -> None:
    Application.asked.clear()
    assert guarded.ask(path, headers=ALICE).status == 404
    assert Application.asked == []


@pytest.mark.parametrize("path", ["/kibana", "/flower"])
def test_an_address_without_its_last_slash_leads_there(guarded: Proxy, path: str) -> None:
    answer = guarded.ask(path)
    assert (answer.status, answer.header("Location")) == (308, f"{path}/")


def test_when_one_of_them_is_away_its_page_says_so() -> None:
    with serving(Application) as web, nginx(web) as proxy:
        for path, name in (("/kibana/app/discover", "Kibana"), ("/flower/", "Flower")):
            answer = proxy.ask(path, headers=ALICE)
            assert answer.status == 502
            assert f"{name} does not answer" in answer.body.decode()


@pytest.mark.parametrize("path", BEHIND)
def test_nobody_gets_there_while_the_application_cannot_be_asked(path: str) -> None:
    with serving() as other, nginx(NOWHERE, kibana=other, flower=other) as proxy:
        answer = proxy.ask(path, headers=ALICE)
    assert answer.status == 502
    assert "dicomsearch does not answer" in answer.body.decode()


def test_a_user_that_a_proxy_in_front_names_is_handed_on_where_that_header_is_configured() -> None:
    names = ("X-Remote-User", "Remote-User", "X-Forwarded-User")
    for trusted in names:
        with serving() as web, nginx(web, TRUSTED_USER_HEADER=trusted.lower()) as proxy:
            said = proxy.ask("/", headers={name: f"named-by-{name}" for name in names}).body.decode()
        assert [name for name in names if f"named-by-{name}" in said.split("Accept")[0]] == [trusted]
