"""Events go from Redis to Elasticsearch: each once, whatever dies in between, and none is lost."""

import json
from typing import Any

import pytest
from elasticsearch import ConnectionError as NotReachedError
from elasticsearch import Elasticsearch
from elasticsearch.helpers import bulk
from redis import Redis

from app.audit.reading import record_of
from indexer.audit import AuditLog, Event, Kind, Operation, Participant, Thing
from indexer.audit import mover as moving
from indexer.audit.verifying import verify
from indexer.settings import Settings
from local.ports import free_port
from mappings.audit import months
from mappings.index import write_alias
from tests.auditing import append, documents_of, move, mover_of


def queries_of(settings: Settings, client: Elasticsearch) -> list[str]:
    documents = documents_of(settings, client)
    return [one["ParticipantObjectIdentification"][0]["ParticipantObjectQuery"] for one in documents]


def test_all_events_are_moved_in_their_order_page_by_page(
    audited: Settings, client: Elasticsearch, redis_client: Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(moving, "PAGE", 7)
    asked = [f"Rows:{number}" for number in range(30)]
    append(redis_client, *asked)
    assert move(audited, redis_client, client) == 30
    assert queries_of(audited, client) == asked
    assert redis_client.xlen("audit") == 0
    assert move(audited, redis_client, client) == 0


def test_an_event_stays_until_redis_has_it_on_disk(
    audited: Settings, client: Elasticsearch, redis_client: Redis
) -> None:
    append(redis_client, "a")
    assert moving.Mover(audited, redis_client, client, settled_seconds=3600).move() == 0
    assert redis_client.xlen("audit") == 1


def test_events_whose_mover_dies_before_it_has_taken_them_out_of_redis_are_there_once(
    audited: Settings, client: Elasticsearch, redis_client: Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    append(redis_client, "a", "b", "c")

    def die(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as dying:
        dying.setattr(redis_client, "xdel", die)
        with pytest.raises(KeyboardInterrupt):
            mover_of(audited, redis_client, client).move()
    assert redis_client.xlen("audit") == 3
    append(redis_client, "d")
    assert move(audited, redis_client, client) == 4
    assert queries_of(audited, client) == ["a", "b", "c", "d"]
    assert verify(client, redis_client, audited.audit_index).is_whole


def test_two_movers_at_the_same_time_move_each_event_once(
    audited: Settings, client: Elasticsearch, redis_client: Redis
) -> None:
    import threading

    append(redis_client, *[f"Rows:{number}" for number in range(200)])
    movers = [threading.Thread(target=mover_of(audited, redis_client, client).move) for _ in range(3)]
    for one in movers:
        one.start()
    for one in movers:
        one.join()
    assert queries_of(audited, client) == [f"Rows:{number}" for number in range(200)]


def test_what_waits_while_elasticsearch_is_away_is_counted_and_moved_later(
    audited: Settings, client: Elasticsearch, redis_client: Redis
) -> None:
    append(redis_client, "a", "b")
    with (
        Elasticsearch(f"http://127.0.0.1:{free_port()}", max_retries=0) as away,
        pytest.raises(NotReachedError),
    ):
        mover_of(audited, redis_client, away).move()
    backlog = AuditLog(redis_client).backlog()
    assert backlog.events == 2
    assert backlog.seconds >= 0
    assert move(audited, redis_client, client) == 2
    assert AuditLog(redis_client).backlog().events == 0


def test_an_event_goes_to_the_month_in_which_redis_has_taken_it(
    audited: Settings, client: Elasticsearch, redis_client: Redis
) -> None:
    for at in ("1764547199999-0", "1764547200000-0"):  # the last moment of November 2025, and the next
        redis_client.xadd("audit", {"message": "no event"}, id=at)
    move(audited, redis_client, client)
    assert months(client, audited.audit_index) == ["2025-11", "2025-12"]


DAMAGED: list[dict[str, str]] = [
    {"message": "{", "number": "2", "previous": "", "hash": "0"},
    {"message": "[]", "number": "2", "previous": "", "hash": "0"},
    {"message": '{"EventIdentification": 1}', "number": "2", "previous": "", "hash": "0"},
    {"message": '{"EventIdentification": {"EventDateTime": "x"}}', "number": "2", "previous": "", "hash": "0"},
    {"message": "{}", "number": "two", "previous": "", "hash": "0"},
    {"something": "else"},
    {"message": "\udcff", "number": "2", "previous": "", "hash": "0"},
]


@pytest.mark.parametrize("damage", DAMAGED, ids=range(len(DAMAGED)))
def test_a_damaged_entry_is_kept_as_it_is_and_holds_up_nothing(
    audited: Settings, client: Elasticsearch, redis_client: Redis, damage: dict[str, str]
) -> None:
    append(redis_client, "a")
    redis_client.xadd("audit", damage)
    append(redis_client, "b")
    assert move(audited, redis_client, client) == 3
    first, damaged, last = documents_of(audited, client)
    assert damaged["EventIdentification"]["EventTypeCode"][0]["csd-code"] == "audit.unreadable"
    assert damaged["raw"] == {name: value.replace("\udcff", "\\udcff") for name, value in damage.items()}
    assert [one["chain"]["number"] for one in (first, last)] == [1, 2]
    assert redis_client.xlen("audit") == 0


def test_a_message_with_values_that_fit_no_field_is_an_event_still(
    audited: Settings, client: Elasticsearch, redis_client: Redis
) -> None:
    """Whatever a later version writes: the mapping rejects no event."""
    identification = {"EventDateTime": "2026-11-24T15:00:00.000Z", "EventOutcomeIndicator": "many"}
    things = [{"ParticipantObjectIDTypeCode": {"csd-code": "image"}}, 8]
    strange = json.dumps(
        {"EventIdentification": identification, "ActiveParticipant": 7, "ParticipantObjectIdentification": things}
    )
    redis_client.xadd("audit", {"message": strange, "number": "1", "previous": "", "hash": "x"})
    append(redis_client, "b")
    assert move(audited, redis_client, client) == 2
    strange_one, _ = documents_of(audited, client)
    assert record_of(strange_one).outcome == "serious failure"
    assert redis_client.xlen("audit") == 0


def test_an_image_is_found_by_its_study_and_patient(
    audited: Settings, elasticsearch: Elasticsearch, redis_client: Redis
) -> None:
    derived = {"study": "1.2", "series": "1.2.3", "patient": "ID-7^^^HOSPITAL", "date": "2026-01-01"}
    bulk(elasticsearch, [{"_id": "1.2.3.4", "derived": derived}], index=write_alias(audited.index), refresh=True)
    for image in ("1.2.3.4", "9.9.9"):
        who = Participant("anna", "viewer", "session")
        AuditLog(redis_client).append(Event(Operation.IMAGE_VIEW, who, "web", (Thing(Kind.IMAGE, image),)))
    move(audited, redis_client, elasticsearch)
    known, unknown = documents_of(audited, elasticsearch)
    assert known["resolved"] == {"study": ["1.2"], "series": ["1.2.3"], "patient": ["ID-7^^^HOSPITAL"]}
    assert "resolved" not in unknown
    assert verify(elasticsearch, redis_client, audited.audit_index).is_whole


def test_a_month_that_was_deleted_by_hand_is_made_again(
    audited: Settings, client: Elasticsearch, redis_client: Redis
) -> None:
    mover = mover_of(audited, redis_client, client)
    append(redis_client, "a")
    mover.move()
    for month in months(client, audited.audit_index):
        client.indices.delete(index=f"{audited.audit_index}-{month}")
    append(redis_client, "b")
    assert mover.move() == 1
    assert queries_of(audited, client) == ["b"]


def test_the_index_takes_no_event_twice_and_makes_no_field(
    audited: Settings, client: Elasticsearch, redis_client: Redis
) -> None:
    append(redis_client, "a")
    move(audited, redis_client, client)
    mapping: Any = client.indices.get_mapping(index=audited.audit_index)
    [index] = mapping.values()
    assert index["mappings"]["dynamic"] == "false"
    assert client.indices.exists_alias(name=audited.audit_index)
