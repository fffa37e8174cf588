"""What people do with batches, in a real Redis: cancel, retry, describe, delete, shrink; and their history."""

import pytest
from redis import Redis

from indexer.status import BatchStatus, ErrorCode, ImageStatus, Ledger, Outcome, Presence, StatusStore
from indexer.status.ledger import Added, FoundFile

A, B, C = (FoundFile(f"{name}.dcm", 100 + at, "1700000000.0") for at, name in enumerate("abc"))
PATHS = ["a.dcm", "b.dcm", "c.dcm"]


@pytest.fixture
def ledger(redis_client: Redis) -> Ledger:
    ledger = Ledger(redis_client)
    ledger.add("CASE-1", "CASE-1", "/incoming/CASE-1", "watcher", "1")
    ledger.register("CASE-1", [A, B, C])
    ledger.registered("CASE-1")
    return ledger


@pytest.fixture
def store(redis_client: Redis) -> StatusStore:
    return StatusStore(redis_client)


def settle(ledger: Ledger, *outcomes: Outcome) -> None:
    ledger.begin("CASE-1", [outcome.file.path for outcome in outcomes])
    if ledger.settle("CASE-1", outcomes):
        ledger.finish("CASE-1")


def done(file: FoundFile) -> Outcome:
    return Outcome(file, ImageStatus.DONE, uid=f"uid of {file.path}")


def failed(file: FoundFile) -> Outcome:
    return Outcome(file, ImageStatus.ERROR, code=ErrorCode.UNREADABLE, reason="input/output error")


def test_cancelling_leaves_out_what_nobody_has_taken_and_says_so(ledger: Ledger, store: StatusStore) -> None:
    ledger.begin("CASE-1", ["a.dcm"])
    assert ledger.cancel("CASE-1") == 2
    assert ledger.register("CASE-1", [FoundFile("later.dcm", 1, "1.0")]) == []
    assert {(e.path, e.code) for e in store.errors("CASE-1").results} == {
        (path, ErrorCode.CANCELLED) for path in ("b.dcm", "c.dcm", "later.dcm")
    }
    assert ledger.settle("CASE-1", [done(A)]) is True
    assert ledger.finish("CASE-1") is True
    batch = store.batch("CASE-1")
    assert (batch.cancelled, batch.has_error, batch.counts.done, batch.counts.error) == (True, True, 1, 3)
    assert ledger.cancel("CASE-1") == 0


def test_what_failed_is_opened_again_and_the_batch_with_it(ledger: Ledger, store: StatusStore) -> None:
    settle(ledger, done(A), failed(B), failed(C))
    assert store.batch("CASE-1").status is BatchStatus.DONE
    assert ledger.reopen("CASE-1", [*PATHS, "unknown.dcm"], [ImageStatus.ERROR]) == ["b.dcm", "c.dcm"]
    batch = store.batch("CASE-1")
    assert (batch.status, batch.finished_at, batch.has_error, batch.counts.new) == ("PROCESSING", None, False, 2)
    assert store.active_batches() == ["CASE-1"]
    settle(ledger, done(B), done(C))
    assert store.batch("CASE-1").status is BatchStatus.DONE


def test_listing_a_delivery_twice_opens_no_error_again(ledger: Ledger, store: StatusStore) -> None:
    settle(ledger, done(A), done(B), failed(C))
    assert ledger.register("CASE-1", [A, B, C]) == []
    batch = store.batch("CASE-1")
    assert (batch.status, batch.counts.new, batch.counts.error, batch.has_error) == (BatchStatus.DONE, 0, 1, True)


def test_a_cancelled_batch_that_is_retried_goes_on(ledger: Ledger, store: StatusStore) -> None:
    ledger.cancel("CASE-1")
    ledger.finish("CASE-1")
    assert ledger.reopen("CASE-1", PATHS, [ImageStatus.ERROR]) == PATHS
    assert not store.batch("CASE-1").cancelled
    assert ledger.register("CASE-1", [FoundFile("later.dcm", 1, "1.0")]) == ["later.dcm"]


def test_images_whose_files_have_gone_leave_the_batch(ledger: Ledger, store: StatusStore) -> None:
    settle(ledger, Outcome(A, ImageStatus.DONE, uid="1", duplicate=True), failed(B))
    assert ledger.forget("CASE-1", PATHS) == 2
    batch = store.batch("CASE-1")
    assert (batch.counts.total, batch.counts.new, batch.counts.duplicates, batch.has_error) == (1, 1, 0, False)
    assert [image.path for image in store.images("CASE-1").results] == ["c.dcm"]


def test_a_deleted_batch_is_gone_and_its_folder_does_not_come_back_as_it_stands(
    ledger: Ledger, store: StatusStore, redis_client: Redis
) -> None:
    settle(ledger, done(A), failed(B))
    assert ledger.delete("CASE-1") is False
    assert ledger.mark_deleting("CASE-1", files=True) is True
    assert (store.batch("CASE-1").deleting, store.batch("CASE-1").delete_files) == (True, True)
    assert ledger.begin("CASE-1", ["c.dcm"]) == []
    assert ledger.register("CASE-1", [FoundFile("d.dcm", 1, "1.0")]) == []
    assert ledger.finish("CASE-1") is False
    assert ledger.add("CASE-1", "CASE-1", "/incoming/CASE-1", "watcher", "2") is Added.DELETING
    assert ledger.delete("CASE-1") is True
    assert store.batch("CASE-1") is None
    assert redis_client.keys("batch*") == ["batches:deleted"]
    assert ledger.settle("CASE-1", [done(C)]) is False
    assert redis_client.keys("batch*") == ["batches:deleted"]
    assert ledger.add("CASE-1", "CASE-1", "/incoming/CASE-1", "watcher", "1") is Added.KNOWN
    assert ledger.add("CASE-1", "CASE-1", "/incoming/CASE-1", "watcher", "2") is Added.CREATED


def test_a_batch_without_errors_can_shrink_to_its_counts_and_be_delivered_again(
    ledger: Ledger, store: StatusStore
) -> None:
    settle(ledger, done(A), done(B), Outcome(C, ImageStatus.IGNORED))
    assert ledger.shrink("CASE-1") is True
    assert ledger.shrink("CASE-1") is False
    batch = store.batch("CASE-1")
    assert (batch.shrunk, batch.counts.total, batch.counts.done) == (True, 3, 2)
    assert store.images("CASE-1").count == 0
    ledger.add("CASE-1", "CASE-1", "/incoming/CASE-1", "watcher", "2")
    assert ledger.register("CASE-1", [A, B, C]) == PATHS
    batch = store.batch("CASE-1")
    assert (batch.shrunk, batch.counts.total, batch.counts.new) == (False, 3, 3)


def test_a_batch_with_errors_or_open_images_keeps_its_list(ledger: Ledger) -> None:
    assert ledger.shrink("CASE-1") is False
    settle(ledger, done(A), done(B), failed(C))
    assert ledger.shrink("CASE-1") is False


def test_wrong_counters_are_put_right(ledger: Ledger, store: StatusStore, redis_client: Redis) -> None:
    redis_client.hset("batch:CASE-1", mapping={"new": 7, "total": -1})
    assert ledger.recount("CASE-1") is True
    assert (store.batch("CASE-1").counts.new, store.batch("CASE-1").counts.total) == (3, 3)
    assert ledger.recount("CASE-1") is False


def test_people_can_tag_and_annotate_a_batch(ledger: Ledger, store: StatusStore) -> None:
    assert ledger.describe("CASE-1", tags=["trial 7", "müde"], note="first delivery\nof two") is True
    assert ledger.describe("CASE-1", tags=["trial 7"]) is True
    batch = store.batch("CASE-1")
    assert (batch.tags, batch.note) == (["trial 7"], "first delivery\nof two")
    assert ledger.describe("CASE-9", note="x") is False


def test_the_history_of_a_batch_tells_what_a_delivery_brought(ledger: Ledger, store: StatusStore) -> None:
    settle(ledger, done(A), done(B), failed(C))
    ledger.add("CASE-1", "CASE-1", "/incoming/CASE-1", "import", "2")
    changed = FoundFile("a.dcm", 999, "1700000001.0")
    ledger.register("CASE-1", [changed, B, C, FoundFile("d.dcm", 1, "1.0")])
    ledger.registered("CASE-1")
    ledger.note("CASE-1", "cleaned", files=2)
    ledger.note("CASE-9", "cleaned")
    assert [(event.what, event.details) for event in store.events("CASE-1")] == [
        ("cleaned", {"files": 2}),
        ("listed", {"added": 1, "changed": 2, "unchanged": 1}),
        ("delivered", {"source": "import"}),
        ("done", {"done": 2, "error": 1, "ignored": 0}),
        ("listed", {"added": 3, "changed": 0, "unchanged": 0}),
        ("created", {"source": "watcher"}),
    ]
    assert store.events("CASE-9") == []


def test_the_history_is_bounded(ledger: Ledger, store: StatusStore) -> None:
    for at in range(250):
        ledger.note("CASE-1", "synchronised", gone=at)
    assert [event.details["gone"] for event in store.events("CASE-1")][:2] == [249, 248]
    assert len(store.events("CASE-1")) == 200


def test_a_batch_tells_its_rate_and_the_time_that_is_left(ledger: Ledger, store: StatusStore) -> None:
    assert (store.batch("CASE-1").rate, store.batch("CASE-1").seconds_left) == (0.0, None)
    settle(ledger, done(A), done(B))
    batch = store.batch("CASE-1")
    assert batch.rate == pytest.approx(2 / 30, rel=0.2)
    assert batch.seconds_left == pytest.approx(1 / batch.rate)
    settle(ledger, done(C))
    assert store.batch("CASE-1").seconds_left is None


def test_workers_tell_what_they_have_done_and_their_last_error(redis_client: Redis, store: StatusStore) -> None:
    presence = Presence(redis_client, heartbeat_seconds=60)
    presence.worker_beats("worker-1")
    presence.worked("worker-1", 200)
    presence.worked("worker-1", 0, "Elasticsearch cannot be reached")
    presence.worked("worker-1", 100)
    [worker] = store.workers()
    assert (worker.images, worker.error) == (300, "Elasticsearch cannot be reached")
    assert worker.error_at is not None
    assert worker.rate == pytest.approx(10, rel=0.2)


def test_pages_of_images_go_over_all_statuses_those_that_need_attention_first(
    ledger: Ledger, store: StatusStore
) -> None:
    ledger.register("CASE-1", [FoundFile(f"{at}.dcm", 1, "1.0") for at in range(4)])
    settle(ledger, done(A), failed(C))
    ledger.begin("CASE-1", ["b.dcm"])
    expected = ["b.dcm", "0.dcm", "1.dcm", "2.dcm", "3.dcm", "c.dcm", "a.dcm"]
    assert [image.path for image in store.images("CASE-1", 0, 100).results] == expected
    for offset in range(8):
        page = store.images("CASE-1", offset, 3)
        assert (page.count, [image.path for image in page.results]) == (7, expected[offset : offset + 3])
    new = store.images("CASE-1", 1, 2, ImageStatus.NEW)
    assert (new.count, [image.path for image in new.results]) == (4, ["1.dcm", "2.dcm"])
    assert set(store.image_records("CASE-1", ["a.dcm", "nothing"])) == {"a.dcm"}
