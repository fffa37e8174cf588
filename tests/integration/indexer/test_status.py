"""Batches and images in a real Redis: each change counts once, whatever is repeated or comes too late."""

import itertools
import json
import random
from collections.abc import Iterator

import pytest
from redis import Redis

from indexer.status import (
    BatchStatus,
    ErrorCode,
    Image,
    ImageStatus,
    Lease,
    Leases,
    Ledger,
    Outcome,
    Presence,
    StatusStore,
    StatusUnavailableError,
    connect,
)
from indexer.status.keys import images_key
from indexer.status.ledger import Added, FoundFile

A, B, C = (FoundFile(f"{name}.dcm", 100 + at, f"17000000{at}.000000000") for at, name in enumerate("abc"))


@pytest.fixture
def ledger(redis_client: Redis) -> Ledger:
    ledger = Ledger(redis_client)
    ledger.add("CASE-1", "CASE-1", "/incoming/CASE-1", "watcher", "1")
    return ledger


@pytest.fixture
def store(redis_client: Redis) -> StatusStore:
    return StatusStore(redis_client)


def recount(store: StatusStore, batch: str) -> dict[str, int]:
    """Count the records themselves, and make sure that the lists by status have just these."""
    records = store._redis.hgetall(images_key(batch))
    images = [Image(path, ImageStatus(json.loads(text)["status"]), None, 0, "") for path, text in records.items()]
    for status in ImageStatus:
        listed = [image.path for image in store.images(batch, 0, 1_000, status).results]
        assert listed == sorted(image.path for image in images if image.status == status)
    counted = {status.lower(): sum(image.status == status for image in images) for status in ImageStatus}
    return {"total": len(images), **counted}


def counted(store: StatusStore, batch: str) -> dict[str, int]:
    found = store.batch(batch)
    assert found is not None
    return {name: getattr(found.counts, name) for name in ("total", "new", "processing", "done", "error", "ignored")}


def test_a_batch_goes_from_new_over_processing_to_done(ledger: Ledger, store: StatusStore) -> None:
    assert ledger.register("CASE-1", [A, B, C]) == ["a.dcm", "b.dcm", "c.dcm"]
    assert ledger.registered("CASE-1") is False
    assert store.batch("CASE-1").status is BatchStatus.NEW
    assert ledger.begin("CASE-1", ["a.dcm", "b.dcm", "c.dcm"]) == [A, B, C]
    assert store.batch("CASE-1").status is BatchStatus.PROCESSING
    assert ledger.settle("CASE-1", [Outcome(A, ImageStatus.DONE, uid="1.2"), Outcome(B, ImageStatus.IGNORED)]) is False
    error = Outcome(C, ImageStatus.ERROR, code=ErrorCode.EMPTY, reason="the file is empty")
    assert ledger.settle("CASE-1", [error]) is True
    assert ledger.finish("CASE-1") is True
    batch = store.batch("CASE-1")
    assert (batch.status, batch.has_error, batch.finished_at is not None) == (BatchStatus.DONE, True, True)
    assert counted(store, "CASE-1") == {"total": 3, "new": 0, "processing": 0, "done": 1, "error": 1, "ignored": 1}
    assert [(e.path, e.code, e.reason) for e in store.errors("CASE-1").results] == [
        ("c.dcm", ErrorCode.EMPTY, "the file is empty")
    ]
    assert [(i.path, i.uid) for i in store.images("CASE-1", status=ImageStatus.DONE).results] == [("a.dcm", "1.2")]


def test_only_one_caller_finishes_a_batch(ledger: Ledger, store: StatusStore) -> None:
    ledger.registered("CASE-1")
    assert [ledger.finish("CASE-1") for _ in range(3)] == [True, False, False]
    assert store.active_batches() == []


def test_a_batch_is_not_finished_before_its_files_are_listed(ledger: Ledger) -> None:
    ledger.register("CASE-1", [A])
    ledger.begin("CASE-1", ["a.dcm"])
    assert ledger.settle("CASE-1", [Outcome(A, ImageStatus.DONE, uid="1")]) is False
    assert ledger.finish("CASE-1") is False
    assert ledger.registered("CASE-1") is True


def test_a_task_that_is_delivered_twice_changes_nothing(ledger: Ledger, store: StatusStore) -> None:
    ledger.register("CASE-1", [A])
    ledger.begin("CASE-1", ["a.dcm"])
    done = Outcome(A, ImageStatus.DONE, uid="1.2", duplicate=True)
    late = Outcome(A, ImageStatus.ERROR, code=ErrorCode.UNREADABLE, reason="gone")
    for outcome in (done, done, late):
        ledger.settle("CASE-1", [outcome])
    assert ledger.begin("CASE-1", ["a.dcm"]) == []
    assert counted(store, "CASE-1") == recount(store, "CASE-1")
    assert store.batch("CASE-1").counts.done == 1
    assert store.batch("CASE-1").counts.duplicates == 1
    assert not store.batch("CASE-1").has_error


def test_an_outcome_of_a_file_that_has_changed_since_is_left_out(ledger: Ledger, store: StatusStore) -> None:
    changed = FoundFile("a.dcm", 999, "1800000000.0")
    ledger.register("CASE-1", [A])
    ledger.begin("CASE-1", ["a.dcm"])
    assert ledger.register("CASE-1", [changed]) == ["a.dcm"]
    ledger.settle("CASE-1", [Outcome(A, ImageStatus.DONE, uid="old")])
    assert store.batch("CASE-1").counts.new == 1
    assert ledger.begin("CASE-1", ["a.dcm"]) == [changed]


def test_a_delivery_again_indexes_what_is_new_changed_or_failed(ledger: Ledger, store: StatusStore) -> None:
    ledger.register("CASE-1", [A, B])
    ledger.begin("CASE-1", ["a.dcm", "b.dcm"])
    ledger.settle(
        "CASE-1",
        [
            Outcome(A, ImageStatus.DONE, uid="1"),
            Outcome(B, ImageStatus.ERROR, code=ErrorCode.TRUNCATED, reason="it ends in the middle"),
        ],
    )
    ledger.registered("CASE-1")
    ledger.finish("CASE-1")
    assert ledger.add("CASE-1", "CASE-1", "/incoming/CASE-1", "watcher", "1") is Added.KNOWN
    assert store.batch("CASE-1").status is BatchStatus.DONE
    assert ledger.add("CASE-1", "CASE-1", "/incoming/CASE-1", "watcher", "2") is Added.DELIVERED
    assert ledger.register("CASE-1", [A, B, C]) == ["b.dcm", "c.dcm"]
    batch = store.batch("CASE-1")
    assert (batch.status, batch.finished_at, batch.has_error) == (BatchStatus.PROCESSING, None, False)
    assert store.errors("CASE-1").count == 0
    assert counted(store, "CASE-1") == recount(store, "CASE-1")


def test_a_name_that_another_folder_has_is_refused(ledger: Ledger) -> None:
    assert ledger.add("CASE-1", "CASE-1", "/elsewhere/CASE-1", "import", "9") is Added.TAKEN


def test_images_given_back_are_taken_again(ledger: Ledger, store: StatusStore) -> None:
    ledger.register("CASE-1", [A])
    ledger.begin("CASE-1", ["a.dcm"])
    ledger.settle("CASE-1", [Outcome(A, ImageStatus.NEW)])
    assert store.batch("CASE-1").counts.new == 1
    assert list(store.open_paths("CASE-1")) == ["a.dcm"]
    assert ledger.begin("CASE-1", ["a.dcm"]) == [A]


def test_counters_equal_a_recount_after_any_order_of_events(ledger: Ledger, store: StatusStore) -> None:
    chance = random.Random(7)
    files = [FoundFile(f"{at:02}.dcm", at, "1.0") for at in range(12)]
    states = [ImageStatus.DONE, ImageStatus.ERROR, ImageStatus.IGNORED, ImageStatus.NEW]
    for _ in range(300):
        some = chance.sample(files, chance.randint(1, 6))
        what = chance.choice(("register", "change", "begin", "settle", "reopen", "forget", "cancel"))
        if what == "register":
            ledger.register("CASE-1", some)
        elif what == "change":
            at = chance.randrange(len(files))
            files[at] = FoundFile(files[at].path, files[at].size + 1, "2.0")
            ledger.register("CASE-1", [files[at]])
        elif what == "begin":
            ledger.begin("CASE-1", [file.path for file in some])
        elif what == "reopen":
            ledger.reopen("CASE-1", [file.path for file in some], [ImageStatus.DONE, ImageStatus.ERROR])
        elif what == "forget":
            ledger.forget("CASE-1", [file.path for file in some])
        elif what == "cancel":
            ledger.cancel("CASE-1")
        else:
            outcomes = []
            for file in some:
                status = chance.choice(states)
                code = ErrorCode.UNREADABLE if status is ImageStatus.ERROR else None
                outcomes.append(Outcome(file, status, uid="1", duplicate=chance.random() < 0.3, code=code, reason="x"))
            ledger.settle("CASE-1", outcomes)
    assert counted(store, "CASE-1") == recount(store, "CASE-1")
    assert not ledger.recount("CASE-1")
    batch = store.batch("CASE-1")
    assert batch.has_error == (batch.counts.error > 0)
    assert store.errors("CASE-1").count == batch.counts.error


def test_names_that_are_not_utf_8_are_kept(ledger: Ledger, store: StatusStore) -> None:
    odd = FoundFile(b"caf\xe9/\xff.dcm".decode("utf-8", "surrogateescape"), 1, "1.0")
    assert ledger.register("CASE-1", [odd]) == [odd.path]
    assert ledger.begin("CASE-1", [odd.path]) == [odd]
    assert store.images("CASE-1").results[0].path == odd.path


def test_large_files_and_fine_times_are_kept_exactly(ledger: Ledger) -> None:
    large = FoundFile("large.dcm", 87_654_321_098_765, "1700000000.123456789")
    ledger.register("CASE-1", [large])
    assert ledger.begin("CASE-1", ["large.dcm"]) == [large]


def test_batches_are_listed_newest_first_in_pages(ledger: Ledger, store: StatusStore) -> None:
    for at in range(2, 6):
        ledger.add(f"CASE-{at}", f"CASE-{at}", f"/incoming/CASE-{at}", "watcher", "1")
    page = store.batches(0, 2)
    assert (page.count, [batch.id for batch in page.results]) == (5, ["CASE-5", "CASE-4"])
    assert [batch.id for batch in store.batches(4, 2).results] == ["CASE-1"]
    assert store.batch("CASE-9") is None


class TestLeases:
    """Who works on what."""

    @pytest.fixture
    def lease(self) -> Lease:
        return Lease("chunk-1", "CASE-1", ("a.dcm", "b\udcff.dcm"))

    def test_a_lease_that_is_not_renewed_is_answered_once(self, redis_client: Redis, lease: Lease) -> None:
        leases = Leases(redis_client, seconds=0)
        leases.start(lease, "worker-1")
        patient = Leases(redis_client, seconds=60)
        assert patient.expired() == [lease]
        assert patient.expired() == []

    def test_tries_are_counted_until_the_lease_ends(self, redis_client: Redis, lease: Lease) -> None:
        leases = Leases(redis_client, seconds=60)
        assert [leases.start(lease, "worker-1").tries for _ in range(3)] == [1, 2, 3]
        leases.end(lease)
        assert leases.start(lease, "worker-1", tries=1).tries == 2

    def test_a_lease_is_renewed_while_its_task_works(self, redis_client: Redis, lease: Lease) -> None:
        leases = Leases(redis_client, seconds=2)
        leases.start(lease, "worker-1")
        before = redis_client.zscore("leases", lease.id)
        with leases.renewed(lease):
            deadline = itertools.count()
            while redis_client.zscore("leases", lease.id) == before and next(deadline) < 2_000:
                redis_client.ping()
                redis_client.blpop("nothing", timeout=0.01)
        assert redis_client.zscore("leases", lease.id) > before
        assert leases.batches() == {"CASE-1"}

    def test_a_lease_that_has_ended_does_not_come_back(self, redis_client: Redis, lease: Lease) -> None:
        leases = Leases(redis_client, seconds=60)
        leases.start(lease, "worker-1")
        leases.end(lease)
        leases._renew(keys=["leases"], args=[lease.id, 60])
        assert leases.batches() == set()
        assert redis_client.keys("lease*") == []


class TestPresence:
    """Who is alive."""

    def test_watcher_and_workers_are_seen_until_they_leave(self, redis_client: Redis, store: StatusStore) -> None:
        assert not store.watcher().alive
        presence = Presence(redis_client, heartbeat_seconds=60)
        presence.watcher_beats("/incoming", "3 files lie outside")
        presence.worker_beats("worker-1")
        presence.worker_beats("worker-0")
        Leases(redis_client, 60).start(Lease("x", "CASE-1", ("a.dcm",)), "worker-1")
        watcher = store.watcher()
        assert (watcher.alive, watcher.folder, watcher.notice) == (True, "/incoming", "3 files lie outside")
        assert [(w.name, w.alive, w.doing) for w in store.workers()] == [
            ("worker-0", True, []),
            ("worker-1", True, ["CASE-1"]),
        ]
        presence.watcher_leaves()
        presence.worker_leaves("worker-1")
        assert not store.watcher().alive
        assert [worker.name for worker in store.workers()] == ["worker-0"]

    def test_a_silent_worker_is_shown_as_not_alive_and_forgotten_after_a_day(
        self, redis_client: Redis, store: StatusStore
    ) -> None:
        redis_client.hset("workers", "gone", "1000.0")
        assert [(w.name, w.alive) for w in store.workers()] == [("gone", False)]
        Presence(redis_client, 60).worker_beats("here")
        assert [w.name for w in store.workers()] == ["here"]

    def test_the_reason_for_waiting_keeps_its_first_time(self, redis_client: Redis, store: StatusStore) -> None:
        presence = Presence(redis_client, heartbeat_seconds=60)
        assert store.waiting() is None
        presence.waits("Elasticsearch cannot be reached")
        since = store.waiting().since
        presence.waits("Elasticsearch is overloaded")
        assert store.waiting().reason == "Elasticsearch is overloaded"
        assert store.waiting().since == since
        presence.goes_on()
        assert store.waiting() is None


@pytest.fixture
def nobody_listens() -> Iterator[StatusStore]:
    client = connect("redis://127.0.0.1:1/0")
    yield StatusStore(client)
    client.close()


def test_a_missing_redis_is_said_with_what_to_do(nobody_listens: StatusStore) -> None:
    with pytest.raises(StatusUnavailableError, match="DICOMSEARCH_REDIS_URL"):
        nobody_listens.ping()
