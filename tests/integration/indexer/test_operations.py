"""Retrying, cancelling and describing batches, with a real Elasticsearch and Redis."""

from collections.abc import Callable
from pathlib import Path

import pytest
from redis import Redis

from indexer import operations
from indexer.batches import delivery_of
from indexer.operations import BatchBusyError, OperationRefusedError, UnknownBatchError
from indexer.recovery import Recovery
from indexer.registering import register_batch
from indexer.status import BatchStatus, ErrorCode, Lease
from tests.operating import Operating

UIDS = ("1.2.1", "1.2.2", "1.2.3")


class TestRetry:
    """`retry`."""

    def test_what_failed_is_indexed_again_all_or_of_one_code(self, operating: Operating) -> None:
        folder = operating.make("CASE-1", *UIDS)
        whole = (folder / "0.dcm").read_bytes()
        (folder / "0.dcm").write_bytes(b"")
        (folder / "1.dcm").write_bytes(whole[:1_000])
        batch = operating.deliver(folder)
        assert (batch.counts.error, batch.has_error) == (2, True)
        assert operations.retry(operating.services, "CASE-1", ErrorCode.TIMEOUT) == 0
        assert operating.batch("CASE-1").status is BatchStatus.DONE
        for name in ("0.dcm", "1.dcm"):
            (folder / name).write_bytes(whole)
        assert operations.retry(operating.services, "CASE-1", ErrorCode.EMPTY) == 1
        operating.run()
        assert operating.batch("CASE-1").counts.error == 1
        assert operations.retry(operating.services, "CASE-1") == 1
        operating.run()
        assert operating.batch("CASE-1").counts.done == 3
        assert operating.events("CASE-1")[:4] == ["done", "retried", "done", "retried"]
        assert operations.verify(operating.services, "CASE-1", repair=False, files=True).agrees

    def test_an_error_of_a_folder_has_the_batch_listed_again(self, operating: Operating, tmp_path: Path) -> None:
        batch = operating.deliver(tmp_path / "LATER", "1")
        assert [error.path for error in operating.services.status.errors("LATER").results] == ["./"]
        operating.write(tmp_path / "LATER" / "a.dcm", "1.2.1")
        assert operations.retry(operating.services, batch.id) == 1
        operating.run()
        batch = operating.batch("LATER")
        assert (batch.status, batch.has_error, batch.counts.done, batch.counts.total) == ("DONE", False, 1, 1)
        # The watcher does not take this for a delivery.
        assert (
            operating.services.ledger.add("LATER", "LATER", batch.path, "w", delivery_of(Path(batch.path))) == "known"
        )


class TestCancel:
    """`cancel`."""

    def test_a_cancelled_batch_is_finished_and_can_be_retried(self, operating: Operating) -> None:
        folder = operating.make("CASE-1", *UIDS)
        operating.services.ledger.add("CASE-1", "CASE-1", str(folder), "watcher", "1")
        register_batch(operating.services, "CASE-1")
        assert operations.cancel(operating.services, "CASE-1") == 3
        batch = operating.batch("CASE-1")
        assert (batch.status, batch.cancelled, batch.counts.error) == (BatchStatus.DONE, True, 3)
        operating.run()
        assert operating.documents() == {}
        assert operations.cancel(operating.services, "CASE-1") == 0
        assert operations.retry(operating.services, "CASE-1", ErrorCode.CANCELLED) == 3
        operating.run()
        batch = operating.batch("CASE-1")
        assert (batch.status, batch.cancelled, batch.counts.done) == (BatchStatus.DONE, False, 3)


def test_tags_and_notes_are_kept_tidy_and_bounded(operating: Operating) -> None:
    operating.imported("CASE-1", "1.2.1")
    assert operations.describe(operating.services, "CASE-1", tags=[" trial  7 ", "müde", "müde", " "]) == [
        "trial 7",
        "müde",
    ]
    operations.describe(operating.services, "CASE-1", note="first\nof two")
    assert (operating.batch("CASE-1").tags, operating.batch("CASE-1").note) == (["trial 7", "müde"], "first\nof two")
    for wrong in ({"tags": ["x" * 101]}, {"tags": [str(at) for at in range(51)]}, {"note": "x" * 10_001}):
        with pytest.raises(OperationRefusedError, match="at most"):
            operations.describe(operating.services, "CASE-1", **wrong)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "operation",
    [
        operations.retry,
        operations.cancel,
        operations.describe,
        operations.clean,
        lambda services, batch: operations.request_delete(services, batch, files=False),
        lambda services, batch: operations.request_sync(services, batch, apply=False),
        lambda services, batch: operations.request_verify(services, batch, repair=False),
        lambda services, batch: operations.sync(services, batch, apply=False),
        lambda services, batch: operations.verify(services, batch, repair=False),
    ],
)
def test_an_unknown_batch_is_said_to_be_unknown(operating: Operating, operation: Callable[..., object]) -> None:
    with pytest.raises(UnknownBatchError, match=r"There is no batch NO-SUCH: see `dicomsearch batches`\."):
        operation(operating.services, "NO-SUCH")


def test_an_operation_of_a_person_that_died_is_over(operating: Operating, redis_client: Redis) -> None:
    operating.imported("CASE-1", "1.2.1")
    operating.services.leases.take(Lease("operation:CASE-1", "CASE-1", (), "sync"), "command")
    with pytest.raises(BatchBusyError, match=r"\(sync\)"):
        operations.verify(operating.services, "CASE-1", repair=False)
    redis_client.zadd("leases", {"operation:CASE-1": 1})
    Recovery(operating.services).check()
    assert operating.names == []
    assert operations.verify(operating.services, "CASE-1", repair=False).agrees
