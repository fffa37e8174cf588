"""Real processes are killed while they work: nothing is lost and nothing is done twice."""

import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from elasticsearch import Elasticsearch
from redis import Redis

from indexer.settings import Settings
from indexer.status import Batch, BatchStatus, StatusStore
from tests.fault_proxy import FaultProxy, fault_proxy
from tests.images import make_images
from tests.processes import WATCHER, WORKER, Processes, processes, wait_for


@pytest.fixture
def proxy(elasticsearch_url: str) -> Iterator[FaultProxy]:
    with fault_proxy(elasticsearch_url) as proxy:
        yield proxy


@pytest.fixture
def quick(settings: Settings, proxy: FaultProxy, elasticsearch: Elasticsearch, redis_client: Redis) -> Settings:
    """Settings under which lost work is noticed after two seconds, not fifteen."""
    return settings.model_copy(
        update={
            "elasticsearch_url": proxy.url,
            "lease_seconds": 2,
            "heartbeat_seconds": 1,
            "settle_seconds": 0.2,
            "chunk_files": 50,
        }
    )


@pytest.fixture
def stack(quick: Settings, tmp_path: Path) -> Iterator[Processes]:
    with processes(quick, tmp_path / "logs") as running:
        yield running


@pytest.fixture
def store(redis_client: Redis) -> StatusStore:
    return StatusStore(redis_client)


def deliver(settings: Settings, name: str, number: int) -> list[str]:
    """Put a batch into the watched folder as a PACS export should: under another name until it is complete."""
    growing = settings.incoming_folder / f"{name}.tmp-1"
    uids = make_images(growing, number)
    growing.rename(settings.incoming_folder / name)
    return uids


def done(store: StatusStore, batch: str) -> Batch | None:
    found = store.batch(batch)
    return found if found and found.status is BatchStatus.DONE else None


def indexed(client: Elasticsearch, settings: Settings) -> list[str]:
    """Ids of all documents."""
    ids: list[str] = []
    after = None
    while True:
        more = {"search_after": after} if after else {}
        hits = client.search(index=settings.index, size=5_000, sort=["file.path"], source=False, **more)["hits"]["hits"]
        if not hits:
            return ids
        ids += [hit["_id"] for hit in hits]
        after = hits[-1]["sort"]


def test_every_image_is_done_once_when_the_worker_is_killed_in_the_middle_of_its_batch(
    quick: Settings, stack: Processes, store: StatusStore, elasticsearch: Elasticsearch
) -> None:
    stack.start(*WATCHER)
    worker = stack.start(*WORKER)
    uids = deliver(quick, "CASE-1", 2_000)
    for at in (200, 800):
        wait_for(lambda at=at: (batch := store.batch("CASE-1")) and batch.counts.done >= at)
        stack.kill(worker)
        assert not done(store, "CASE-1"), "the batch was too quick to be interrupted"
        worker = stack.start(*WORKER)
    wait_for(lambda: done(store, "CASE-1"))
    batch = store.batch("CASE-1")
    assert (batch.counts.total, batch.counts.done, batch.counts.duplicates) == (2_000, 2_000, 0)
    assert not batch.has_error
    assert sorted(indexed(elasticsearch, quick)) == uids


def test_a_watcher_that_was_killed_finds_what_came_meanwhile_exactly_once(
    quick: Settings, stack: Processes, store: StatusStore, redis_client: Redis
) -> None:
    stack.start(*WORKER)
    deliver(quick, "BEFORE", 3)
    watcher = stack.start(*WATCHER)
    wait_for(lambda: done(store, "BEFORE"))
    stack.kill(watcher)
    wait_for(lambda: not store.watcher().alive)
    deliver(quick, "MEANWHILE", 3)
    watcher = stack.start(*WATCHER)
    wait_for(lambda: done(store, "MEANWHILE"))
    deliver(quick, "AFTER", 3)
    wait_for(lambda: done(store, "AFTER"))
    stack.kill(watcher, signal.SIGTERM)
    assert watcher.returncode == 0
    assert [batch.id for batch in store.batches().results] == ["AFTER", "MEANWHILE", "BEFORE"]
    assert [batch.counts.total for batch in store.batches().results] == [3, 3, 3]
    assert stack.log().count("batch found") == 3


def test_images_wait_while_elasticsearch_is_away_and_the_status_says_why(
    quick: Settings, stack: Processes, store: StatusStore, elasticsearch: Elasticsearch, proxy: FaultProxy
) -> None:
    stack.start(*WATCHER)
    stack.start(*WORKER)
    proxy.away = True
    uids = deliver(quick, "CASE-2", 120)
    wait_for(store.waiting)
    assert "cannot be reached" in store.waiting().reason
    assert store.batch("CASE-2").counts.open == 120
    assert not store.batch("CASE-2").has_error
    proxy.away = False
    wait_for(lambda: done(store, "CASE-2"))
    assert sorted(indexed(elasticsearch, quick)) == uids
    wait_for(lambda: store.waiting() is None)


def test_a_queue_that_redis_lost_is_filled_again(
    quick: Settings, stack: Processes, store: StatusStore, elasticsearch: Elasticsearch, redis_client: Redis
) -> None:
    stack.start(*WATCHER)
    uids = deliver(quick, "CASE-3", 200)
    wait_for(lambda: redis_client.llen("dicomsearch") == 1)
    redis_client.delete("dicomsearch")
    stack.start(*WORKER)
    wait_for(lambda: done(store, "CASE-3"))
    assert sorted(indexed(elasticsearch, quick)) == uids


def test_no_value_of_a_header_is_logged(
    quick: Settings, stack: Processes, store: StatusStore, elasticsearch: Elasticsearch, proxy: FaultProxy
) -> None:
    stack.start(*WATCHER)
    stack.start(*WORKER)
    proxy.faults.append(503)
    folder = quick.incoming_folder / "CASE-4.tmp"
    make_images(folder, 2)
    (folder / "cut.dcm").write_bytes((folder / "0000000.dcm").read_bytes()[:900])
    folder.rename(quick.incoming_folder / "CASE-4")
    wait_for(lambda: done(store, "CASE-4"))
    log = stack.log()
    assert "batch done" in log
    for value in ("CompressedSamples", "MR1", "4MR1"):
        assert value not in log


def test_a_worker_that_is_told_to_end_gives_back_what_it_cannot_finish_and_ends_in_order(
    quick: Settings, stack: Processes, store: StatusStore, elasticsearch: Elasticsearch, proxy: FaultProxy
) -> None:
    stack.start(*WATCHER)
    worker = stack.start(*WORKER)
    proxy.away = True
    uids = deliver(quick, "CASE-5", 120)
    wait_for(store.waiting)
    worker.terminate()
    assert worker.wait(timeout=40) == 0
    assert store.batch("CASE-5").counts.new == 120
    assert store.workers() == []
    proxy.away = False
    stack.start(*WORKER)
    wait_for(lambda: done(store, "CASE-5"))
    assert sorted(indexed(elasticsearch, quick)) == uids
    assert "lost task" not in stack.log()
