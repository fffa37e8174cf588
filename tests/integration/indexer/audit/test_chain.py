"""The chain shows every change of what was recorded; and that old months were deleted is no change."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from elasticsearch import Elasticsearch
from redis import Redis

from indexer.audit import AuditLog
from indexer.audit.chain import canonical, digest_of, link, message_of
from indexer.audit.keeping import expire
from indexer.audit.reading import PAGE
from indexer.audit.verifying import ChainReport, verify
from indexer.settings import Settings
from mappings.audit import ensure_month, months
from tests.auditing import append, documents_of, move


@pytest.fixture
def check(audited: Settings, client: Elasticsearch, redis_client: Redis) -> Callable[[], ChainReport]:
    """Follow the chain."""
    return lambda: verify(client, redis_client, audited.audit_index)


@pytest.fixture
def recorded(audited: Settings, client: Elasticsearch, redis_client: Redis) -> list[dict[str, Any]]:
    """Five events that were moved."""
    append(redis_client, "a", "b", "c", "d", "e")
    move(audited, redis_client, client)
    return documents_of(audited, client)


def id_of(document: dict[str, Any]) -> str:
    milliseconds, number = document["entry"].split("-")
    return f"{milliseconds}-{int(number)}"


def index_of(settings: Settings, document: dict[str, Any]) -> str:
    return f"{settings.audit_index}-{document['@timestamp'][:7]}"


def test_a_chain_is_whole_wherever_its_events_are(
    audited: Settings, client: Elasticsearch, redis_client: Redis, check: Callable[[], ChainReport]
) -> None:
    assert (check().events, check().is_whole) == (0, True)
    append(redis_client, "a", "b")
    assert (check().events, check().is_whole) == (2, True)
    move(audited, redis_client, client)
    append(redis_client, "c")
    report = check()
    head = AuditLog(redis_client).head()
    assert (report.events, report.is_whole, report.begins) == (3, True, 1)
    assert (report.number, report.hash) == (head.number, head.hash) == (3, head.hash)


def test_a_long_chain_is_followed_page_by_page(
    audited: Settings, client: Elasticsearch, redis_client: Redis, check: Callable[[], ChainReport]
) -> None:
    append(redis_client, *["x"] * (PAGE + 5))
    move(audited, redis_client, client)
    append(redis_client, *["y"] * (PAGE + 5))
    report = check()
    assert (report.events, report.is_whole) == (2 * PAGE + 10, True)


def test_the_script_links_as_the_documentation_says(recorded: list[dict[str, Any]]) -> None:
    before = ""
    for number, document in enumerate(recorded, 1):
        chain = document["chain"]
        assert chain == {
            "number": number,
            "previous": before,
            "hash": link(number, before, digest_of(canonical(message_of(document)))),
        }
        before = chain["hash"]


def change_user(document: dict[str, Any]) -> None:
    document["ActiveParticipant"][0]["UserID"] = "somebody else"


def change_query(document: dict[str, Any]) -> None:
    document["ParticipantObjectIdentification"][0]["ParticipantObjectQuery"] = "nothing bad"


def change_time(document: dict[str, Any]) -> None:
    document["EventIdentification"]["EventDateTime"] = "2020-01-01T00:00:00.000Z"


def add_something(document: dict[str, Any]) -> None:
    document["comment"] = "it was not me"


def change_hash(document: dict[str, Any]) -> None:
    document["chain"]["hash"] = "0" * 64


@pytest.mark.parametrize(
    ("change", "which"),
    [(change_user, 0), (change_query, 2), (change_time, 2), (add_something, 2), (change_hash, 2), (change_user, 4)],
)
def test_an_event_that_was_changed_is_found(
    audited: Settings,
    client: Elasticsearch,
    recorded: list[dict[str, Any]],
    check: Callable[[], ChainReport],
    change: Callable[[dict[str, Any]], None],
    which: int,
) -> None:
    document = recorded[which]
    change(document)
    client.index(index=index_of(audited, document), id=id_of(document), document=document, refresh=True)
    report = check()
    assert report.counts["changed"] == 1
    assert report.findings[0].what == str(which + 1)


@pytest.mark.parametrize("which", [0, 2, 4])
def test_an_event_that_was_taken_out_is_missed(
    audited: Settings,
    client: Elasticsearch,
    recorded: list[dict[str, Any]],
    check: Callable[[], ChainReport],
    which: int,
) -> None:
    document = recorded[which]
    client.delete(index=index_of(audited, document), id=id_of(document), refresh=True)
    report = check()
    assert report.counts == {"missing": 1}
    assert str(which + 1) in report.findings[0].what


def test_an_event_that_was_made_anew_with_its_hash_does_not_fit_the_next_one(
    audited: Settings, client: Elasticsearch, recorded: list[dict[str, Any]], check: Callable[[], ChainReport]
) -> None:
    document = recorded[2]
    change_query(document)
    chain = document["chain"]
    chain["hash"] = link(chain["number"], chain["previous"], digest_of(canonical(message_of(document))))
    client.index(index=index_of(audited, document), id=id_of(document), document=document, refresh=True)
    report = check()
    assert report.counts == {"relinked": 1}
    assert report.findings[0].what == "4"


def test_a_tail_that_was_made_anew_differs_from_what_redis_has_seen(
    audited: Settings, client: Elasticsearch, recorded: list[dict[str, Any]], check: Callable[[], ChainReport]
) -> None:
    document = recorded[4]
    change_query(document)
    chain = document["chain"]
    chain["hash"] = link(chain["number"], chain["previous"], digest_of(canonical(message_of(document))))
    client.index(index=index_of(audited, document), id=id_of(document), document=document, refresh=True)
    assert check().counts == {"end": 1}


def test_an_event_that_nobody_recorded_is_found(
    audited: Settings, client: Elasticsearch, recorded: list[dict[str, Any]], check: Callable[[], ChainReport]
) -> None:
    forged = {**recorded[1], "entry": "9999999999999-000000"}
    client.index(index=index_of(audited, forged), id="forged", document=forged, refresh=True)
    without = {name: value for name, value in forged.items() if name != "chain"}
    client.index(index=index_of(audited, forged), id="forged-2", document=without, refresh=True)
    assert check().counts == {"twice": 1, "foreign": 1}


def test_a_redis_that_was_brought_back_from_an_older_copy_forks_the_chain(
    audited: Settings, client: Elasticsearch, redis_client: Redis, check: Callable[[], ChainReport]
) -> None:
    append(redis_client, "a")
    old: dict[Any, Any] = redis_client.hgetall("audit:head")
    append(redis_client, "b")
    move(audited, redis_client, client)
    redis_client.hset("audit:head", mapping=old)
    append(redis_client, "c", "d")
    report = check()
    assert report.counts == {"twice": 1}
    move(audited, redis_client, client)
    assert check().counts["twice"] == 1


def test_an_event_that_was_changed_in_redis_is_found_before_and_after_it_is_moved(
    audited: Settings, client: Elasticsearch, redis_client: Redis, check: Callable[[], ChainReport]
) -> None:
    append(redis_client, "a", "b")
    entries: Any = redis_client.xrange("audit")
    id_, fields = entries[1]
    redis_client.xdel("audit", id_)
    redis_client.xadd("audit", {**fields, "message": fields["message"].replace('"b"', '"x"')})
    assert check().counts == {"changed": 1}
    move(audited, redis_client, client)
    assert check().counts == {"changed": 1}


def test_a_damaged_entry_is_told_after_it_was_moved(
    audited: Settings, client: Elasticsearch, redis_client: Redis, check: Callable[[], ChainReport]
) -> None:
    append(redis_client, "a")
    redis_client.xadd("audit", {"message": "{"})
    move(audited, redis_client, client)
    assert check().counts == {"unreadable": 1}


class TestOldMonths:
    """Whole months go when they are old enough."""

    @pytest.fixture
    def two_months(self, audited: Settings, client: Elasticsearch, redis_client: Redis) -> Settings:
        """Three events of an old month, and two of this one."""
        append(redis_client, "a", "b", "c")
        move(audited, redis_client, client)
        self._age(audited, client)
        append(redis_client, "d", "e")
        move(audited, redis_client, client)
        return audited.model_copy(update={"audit_keep_days": 30})

    def _age(self, settings: Settings, client: Elasticsearch) -> None:
        """Let what there is be of an old month."""
        [month] = months(client, settings.audit_index)
        old = ensure_month(client, settings.audit_index, "2025-03")
        for document in documents_of(settings, client):
            client.index(index=old, id=id_of(document), document=document)
        client.indices.delete(index=f"{settings.audit_index}-{month}")
        client.indices.refresh(index=old)

    def test_they_go_as_a_whole_and_the_chain_stays_whole(
        self,
        two_months: Settings,
        client: Elasticsearch,
        redis_client: Redis,
        check: Callable[[], ChainReport],
    ) -> None:
        assert expire(two_months, AuditLog(redis_client), client) == ["2025-03"]
        assert expire(two_months, AuditLog(redis_client), client) == []
        move(two_months, redis_client, client)
        report = check()
        assert (report.is_whole, report.begins, report.events, report.number) == (True, 4, 3, 6)
        last = documents_of(two_months, client)[-1]
        assert last["EventIdentification"]["EventTypeCode"][0]["csd-code"] == "audit.expired"

    def test_a_month_that_somebody_deleted_is_missed(
        self, two_months: Settings, client: Elasticsearch, check: Callable[[], ChainReport]
    ) -> None:
        client.indices.delete(index=f"{two_months.audit_index}-2025-03")
        report = check()
        assert report.counts == {"missing": 1}
        assert report.findings[0].what == "1 to 3"

    @pytest.mark.parametrize(
        ("days", "now", "goes"),
        [
            (30, datetime(2025, 4, 30, tzinfo=UTC), False),
            (30, datetime(2025, 5, 1, tzinfo=UTC), True),
            (None, datetime(2055, 1, 1, tzinfo=UTC), False),
        ],
    )
    def test_a_month_goes_when_its_last_day_is_old_enough(
        self,
        two_months: Settings,
        client: Elasticsearch,
        redis_client: Redis,
        days: int | None,
        now: datetime,
        goes: bool,
    ) -> None:
        settings = two_months.model_copy(update={"audit_keep_days": days})
        assert expire(settings, AuditLog(redis_client), client, now) == (["2025-03"] if goes else [])
