"""Folders that are offered as batches, against a real Redis."""

from pathlib import Path

import pytest
from redis import Redis

from indexer.batches import offer
from indexer.status import Ledger, StatusStore
from indexer.status.ledger import Added


@pytest.fixture
def ledger(redis_client: Redis) -> Ledger:
    return Ledger(redis_client)


@pytest.fixture
def store(redis_client: Redis) -> StatusStore:
    return StatusStore(redis_client)


def test_folders_of_one_name_stay_batches_of_their_own_also_when_one_is_deleted(
    ledger: Ledger, store: StatusStore
) -> None:
    first = offer(ledger, Path("/pacs/CASE-1"), "watcher", "1")
    second = offer(ledger, Path("/scanner/CASE-1"), "watcher", "1")
    assert first.id == "CASE-1"
    assert second.id.startswith("CASE-1-")
    assert [first.added, second.added] == [Added.CREATED, Added.CREATED]
    ledger.mark_deleting(first.id, files=False)
    assert offer(ledger, Path("/pacs/CASE-1"), "watcher", "2").added is Added.DELETING
    ledger.delete(first.id)
    again = offer(ledger, Path("/scanner/CASE-1"), "watcher", "2")
    assert (again.id, again.added) == (second.id, Added.DELIVERED)
    assert {batch.path for batch in store.batches().results} == {"/scanner/CASE-1"}
    assert offer(ledger, Path("/pacs/CASE-1"), "watcher", "1").added is Added.KNOWN
    assert offer(ledger, Path("/pacs/CASE-1"), "watcher", "2").id == "CASE-1"


def test_an_id_that_a_name_takes_on_purpose_stops_nobody(ledger: Ledger) -> None:
    offer(ledger, Path("/pacs/CASE-1"), "watcher", "1")
    taken = offer(ledger, Path("/scanner/CASE-1"), "watcher", "1").id
    ledger.mark_deleting(taken, files=False)
    ledger.delete(taken)
    offer(ledger, Path("/elsewhere") / taken, "watcher", "1")
    third = offer(ledger, Path("/scanner/CASE-1"), "watcher", "2")
    assert third.added is Added.CREATED
    assert offer(ledger, Path("/scanner/CASE-1"), "watcher", "2") == type(third)(third.id, Added.KNOWN)


def test_all_deliveries_are_known_in_one_go(ledger: Ledger, store: StatusStore) -> None:
    for at in range(1_100):
        ledger.add(f"CASE-{at}", f"CASE-{at}", f"/pacs/CASE-{at}", "watcher", f"d{at}")
    ledger.mark_deleting("CASE-7", files=False)
    ledger.delete("CASE-7")
    ledger.add("odd", "odd", "/pacs/caf\udce9\n", "watcher", "d")
    known = dict(store.deliveries())
    assert len(known) == 1_101
    assert (known["/pacs/CASE-7"], known["/pacs/CASE-1099"], known["/pacs/caf\udce9\n"]) == ("d7", "d1099", "d")
