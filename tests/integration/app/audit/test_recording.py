"""What is in the events: who, from where, what, how it ended; and what never is."""

from typing import Any

import pytest
from flask.testing import FlaskClient
from redis import Redis

from app import create_app
from app.accounts.model import Role
from indexer.settings import Settings
from local.ports import free_port
from tests.accounts import ORIGIN, PASSWORD, People, accounts_of, log_in, token_in, with_accounts
from tests.archive import Indexed
from tests.auditing import last_in, records_in, texts_in

SECRET = "a secret that nobody may read 17"


def test_a_search_has_its_words_and_what_it_found(web: FlaskClient, redis_client: Redis) -> None:
    found = web.get("/api/search?q=PatientName:citizen&filter=-Modality:%3DMR&level=study&size=3&sort=-StudyDate").json
    event = last_in(redis_client)
    assert (event.operation, event.event, event.outcome) == ("search", "Query", "success")
    [query] = event.objects
    assert query.query == "PatientName:citizen -Modality:=MR"
    assert query.details == {"level": "study", "sort": "-StudyDate", "results": str(found["total"])}


@pytest.mark.parametrize(
    ("address", "operation", "query"),
    [
        ("/search?q=chest", "search", "chest"),
        ("/search?q=PatientNme:x", "search", "PatientNme:x"),
        ("/api/search/export?q=Modality:MR&format=paths", "export", "Modality:MR"),
        ("/headers/PatientID?q=77", "values.list", "77"),
        ("/api/headers/PatientID?q=77", "values.list", "77"),
    ],
)
def test_whatever_is_asked_is_recorded_as_it_was_asked(
    web: FlaskClient, redis_client: Redis, address: str, operation: str, query: str
) -> None:
    web.get(address)
    event = last_in(redis_client)
    assert event.operation == operation
    assert query in [one.query for one in event.objects]


def test_how_it_ended_is_told_by_the_answer(web: FlaskClient, redis_client: Redis) -> None:
    web.get("/images/1.2.3.4.5")
    event = last_in(redis_client)
    assert (event.outcome, event.description) == ("failure", "404 Not Found")
    web.post("/batches/CASE-17/delete", headers={"Origin": "http://evil.example"})
    event = last_in(redis_client)
    assert (event.operation, event.outcome, event.description) == ("batch.delete", "serious failure", "403 Forbidden")


def test_pictures_and_pages_that_refresh_are_recorded_once(
    web: FlaskClient, redis_client: Redis, images: list[Indexed]
) -> None:
    for center in range(5):
        web.get(f"/api/images/{images[0].id}/preview?center={center}&width=100")
    for _ in range(3):
        web.get("/batches/CASE-17")
    web.get("/batches/CASE-18")
    operations = [event.operation for event in records_in(redis_client)]
    assert operations == ["preview.view", "batch.view", "batch.view"]


def test_each_download_and_header_is_recorded(web: FlaskClient, redis_client: Redis, images: list[Indexed]) -> None:
    for _ in range(2):
        web.get(f"/api/images/{images[0].id}/file").close()
        web.get(f"/api/images/{images[0].id}/header")
    operations = [event.operation for event in records_in(redis_client)]
    assert operations == ["file.download", "header.view"] * 2


def test_texts_that_hurt_are_recorded_and_bounded(web: FlaskClient, redis_client: Redis) -> None:
    for text in ("%00", "%ED%A0%80", "\u202e", "山田", "x" * 60_000, '"}],"a":[{"', "deid-xyz"):
        web.get("/api/search", query_string={"q": text})
    events = records_in(redis_client)
    assert len(events) == 7
    assert events[3].objects[0].query == "山田"
    assert len(events[4].objects[0].query) < 21_000
    assert "60,000 characters, SHA-256" in events[4].objects[0].query
    assert events[5].objects[0].query == '"}],"a":[{"'


@pytest.mark.parametrize("who", ["viewer", "operator", "masked"])
def test_people_are_named_with_what_they_may_do(people: People, redis_client: Redis, who: str) -> None:
    getattr(people, who).get("/api/search?q=Modality:MR")
    event = last_in(redis_client)
    assert (event.user, event.via, event.deidentified) == (who, "session", who == "masked")
    assert event.role == ("operator" if who == "operator" else "viewer")


def test_those_whose_view_is_masked_are_recorded_with_true_ids(
    people: People, redis_client: Redis, images: list[Indexed]
) -> None:
    found = people.masked.get("/api/search?q=Modality:MR&size=1").json["results"][0]["id"]
    assert found.startswith("deid-")
    assert people.masked.get(f"/images/{found}").status_code == 200
    event = last_in(redis_client)
    assert event.deidentified
    [image] = event.objects
    assert image.id in {one.id for one in images}
    people.masked.get("/api/search", query_string={"q": f"id:{found}"})
    assert last_in(redis_client).objects[0].query == f"id:{image.id}"


def test_who_is_refused_is_recorded(people: People, redis_client: Redis) -> None:
    assert people.viewer.get("/users").status_code == 403
    event = last_in(redis_client)
    assert (event.operation, event.user, event.outcome) == ("user.view", "viewer", "serious failure")
    assert people.viewer.get("/upload").status_code == 403
    event = last_in(redis_client)
    assert (event.operation, event.event, event.user) == ("session.refused", "Security Alert", "viewer")
    assert ("URI", "/upload") in [(one.kind, one.id) for one in event.objects]


def test_who_has_not_signed_in_is_refused_and_recorded_once_a_minute(people: People, redis_client: Redis) -> None:
    for _ in range(3):
        assert people.nobody.get("/search?q=chest").status_code == 302
        assert people.nobody.get("/api/search?q=chest").status_code == 401
    events = records_in(redis_client)
    assert [(one.operation, one.user, one.outcome) for one in events] == [
        ("search", "(nobody signed in)", "serious failure")
    ] * 2
    assert {one.description for one in events} == {"nobody has signed in"}


def test_signing_in_and_out_is_recorded_for_whom(people: People, redis_client: Redis) -> None:
    client = people.nobody
    assert log_in(client, "viewer", "not the password").status_code == 401
    assert log_in(client, "viewer").status_code == 303
    page = client.get("/account").text
    assert client.post("/logout", data={"csrf_token": token_in(page)}, headers=ORIGIN).status_code == 303
    events = records_in(redis_client)
    assert [(one.operation, one.user, one.outcome) for one in events] == [
        ("session.login", "viewer", "serious failure"),
        ("session.login", "viewer", "success"),
        ("session.logout", "viewer", "success"),
    ]
    assert {one.event for one in events} == {"User Authentication"}


def test_a_password_that_was_typed_as_the_name_is_not_recorded(people: People, redis_client: Redis) -> None:
    log_in(people.nobody, SECRET, "x")
    [event] = records_in(redis_client)
    assert (event.operation, event.user) == ("session.login", "(nobody signed in)")
    assert SECRET not in texts_in(redis_client)[0]


def test_no_secret_is_ever_recorded(people: People, redis_client: Redis) -> None:
    """All that has a password or a token in it: forms, JSON, headers, addresses."""
    admin = people.admin
    token = token_in(admin.get("/users").text)
    form: dict[str, Any] = {"csrf_token": token}
    admin.post("/users", data={**form, "name": "new", "role": "viewer", "password": SECRET}, headers=ORIGIN)
    admin.post("/users/new", data={**form, "role": "operator", "password": SECRET + "x"}, headers=ORIGIN)
    admin.post("/account/password", data={**form, "old": PASSWORD, "new": SECRET, "again": SECRET}, headers=ORIGIN)
    made = admin.post("/account/tokens", data={**form, "name": "for a script", "role": "viewer"}, headers=ORIGIN)
    start = made.text.index("dst_")
    text = made.text[start : start + 64]
    bearer = {"Authorization": f"Bearer {text}"}
    program = admin.application.test_client()
    program.get("/api/search?q=chest", headers=bearer)
    program.get("/api/search?q=chest", headers={"Authorization": "Bearer dst_wrong"})
    admin.post(
        "/api/users",
        json={"name": "other", "role": "viewer", "password": SECRET},
        headers={**ORIGIN, "X-CSRF-Token": token},
    )
    events = records_in(redis_client)
    kinds = {one.operation for one in events}
    assert {"user.create", "user.change", "password.change", "token.create", "search"} <= kinds
    assert ("admin", "token") in {(one.user, one.via) for one in events}
    everything = "\n".join(texts_in(redis_client))
    for secret in (SECRET, PASSWORD, text, text[5:30], token, "dst_wrong"):
        assert secret not in everything
    assert "for a script" in everything


def test_the_address_is_the_one_that_trusted_proxies_tell(
    audited: Settings, images: list[Indexed], redis_client: Redis
) -> None:
    headers = {"X-Forwarded-For": "203.0.113.9, 198.51.100.7"}
    for proxies, address in ((0, "127.0.0.1"), (1, "198.51.100.7"), (2, "203.0.113.9")):
        web = create_app(audited.model_copy(update={"proxies": proxies})).test_client()
        web.get("/search?q=chest", headers=headers)
        assert last_in(redis_client).address == address


class TestWithoutRedis:
    """What cannot be recorded is not answered."""

    @pytest.fixture
    def away(self, audited: Settings, images: list[Indexed]) -> FlaskClient:
        nowhere = f"redis://127.0.0.1:{free_port()}/0"
        app = create_app(audited.model_copy(update={"redis_url": nowhere, "audit": "required"}))
        app.testing = False
        return app.test_client()

    @pytest.mark.parametrize(
        "address",
        ["/api/search?q=Modality:MR", "/search?q=Modality:MR", "/api/search/export?q=Modality:MR", "/headers/Modality"],
    )
    def test_nothing_of_the_archive_is_answered(self, away: FlaskClient, address: str) -> None:
        answer = away.get(address)
        assert answer.status_code == 503
        assert "The audit log cannot be written" in answer.text
        assert "MR" not in answer.text
        assert answer.headers["Cache-Control"] == "no-store"
        assert "Content-Disposition" not in answer.headers
        assert answer.headers["Retry-After"]

    def test_programs_are_told_by_a_problem(self, away: FlaskClient) -> None:
        answer = away.get("/api/search?q=Modality:MR")
        assert answer.content_type == "application/problem+json"
        assert answer.json["type"] == "urn:dicomsearch:problem:audit-unavailable"

    def test_an_export_that_is_not_answered_gives_its_seat_back(self, away: FlaskClient) -> None:
        for _ in range(5):
            assert away.get("/api/search/export?q=Modality:MR").status_code == 503

    def test_what_is_not_recorded_goes_on(self, away: FlaskClient) -> None:
        assert away.get("/healthz").status_code == 200
        assert "Redis does not answer" in away.get("/").text

    @pytest.mark.parametrize("audit", ["off", "auto"])
    def test_where_recording_is_not_required_searches_go_on(
        self, audited: Settings, images: list[Indexed], audit: str
    ) -> None:
        nowhere = f"redis://127.0.0.1:{free_port()}/0"
        web = create_app(audited.model_copy(update={"redis_url": nowhere, "audit": audit})).test_client()
        assert web.get("/api/search?q=Modality:MR").status_code == 200


def test_a_redis_that_takes_nothing_signs_nobody_in(
    audited: Settings, images: list[Indexed], redis_client: Redis
) -> None:
    """Redis answers, but the stream is no stream: what else Redis does when it is full cannot be told from this."""
    app = create_app(with_accounts(audited))
    accounts_of(app).users.add("anna", Role.VIEWER, PASSWORD)
    client = app.test_client()
    redis_client.delete("audit")
    redis_client.set("audit", "no stream")
    assert log_in(client, "anna").status_code == 503
    redis_client.delete("audit")
    assert client.get("/search").status_code == 302
