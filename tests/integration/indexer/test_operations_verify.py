"""Whether status, index and disk agree: each kind of difference is found, and repaired."""

from collections.abc import Callable

import orjson
import pytest
from redis import Redis

from indexer import operations
from indexer.operations import BatchBusyError, VerifyReport
from indexer.sink import Document, Removal
from indexer.status import BatchStatus
from tests.operating import Operating

UIDS = ("1.2.1", "1.2.2", "1.2.3")


def verify(operating: Operating, *, repair: bool = False, files: bool = False) -> VerifyReport:
    return operations.verify(operating.services, "CASE-1", repair=repair, files=files)


def lose_a_document(operating: Operating, _: Redis) -> None:
    found = operating.services.sink.existing(["1.2.1"])
    operating.services.sink.write([Removal("1.2.1", found["1.2.1"].version)])


def lose_a_mention(operating: Operating, _: Redis) -> None:
    operating.imported("CASE-2", "1.2.1")
    found = operating.services.elasticsearch.get(index=operating.services.settings.index, id="1.2.1")
    source = {**found["_source"]}
    del source["duplicates"]
    _write(operating, "1.2.1", source, found["_version"] + 1)


def add_a_stray_document(operating: Operating, _: Redis) -> None:
    found = operating.services.elasticsearch.get(index=operating.services.settings.index, id="1.2.1")
    _write(operating, "1.9.9", found["_source"], found["_version"])


def add_a_stray_mention(operating: Operating, _: Redis) -> None:
    operating.imported("CASE-2", "1.9.9")
    found = operating.services.elasticsearch.get(index=operating.services.settings.index, id="1.9.9")
    mention = {"batch": "CASE-1", "path": str(operating.folder / "CASE-1" / "no such.dcm"), "conflict": False}
    _write(operating, "1.9.9", {**found["_source"], "duplicates": [mention]}, found["_version"] + 1)


def _write(operating: Operating, id_: str, source: dict[str, object], version: int) -> None:
    [written] = operating.services.sink.write([Document(id_, orjson.dumps(source), version)])
    assert written.rejected is None


def spoil_a_counter(_: Operating, redis_client: Redis) -> None:
    redis_client.hincrby("batch:CASE-1", "new", 3)


def spoil_the_counter_of_duplicates(_: Operating, redis_client: Redis) -> None:
    redis_client.hset("batch:CASE-1", "duplicates", 7)


def spoil_the_lists(_: Operating, redis_client: Redis) -> None:
    redis_client.zrem("batch:CASE-1:paths:DONE", "0.dcm")
    redis_client.zadd("batch:CASE-1:paths:NEW", {"1.dcm": 0, "no such image.dcm": 0})


@pytest.mark.parametrize(
    ("happens", "found"),
    [
        (lose_a_document, {"lost": 1}),
        (lose_a_mention, {"unnamed": 1}),
        (add_a_stray_document, {"stray": 1}),
        (add_a_stray_mention, {"stray": 1}),
        (spoil_a_counter, {"counter": 1}),
        (spoil_the_counter_of_duplicates, {"counter": 1}),
        (spoil_the_lists, {"list": 3, "counter": 3}),
    ],
)
def test_each_difference_is_found_and_repaired(
    operating: Operating,
    redis_client: Redis,
    happens: Callable[[Operating, Redis], None],
    found: dict[str, int],
) -> None:
    operating.imported("CASE-1", *UIDS)
    assert verify(operating, files=True).agrees
    happens(operating, redis_client)
    report = verify(operating)
    assert (report.agrees, report.counts, report.repaired) == (False, found, False)
    assert verify(operating).counts == found  # looking changes nothing
    repaired = verify(operating, repair=True)
    assert repaired.repaired
    assert set(found) - {"counter"} <= set(repaired.counts)
    operating.run()
    assert verify(operating, files=True).agrees
    batch = operating.batch("CASE-1")
    assert (batch.status, batch.counts.done, batch.counts.total) == (BatchStatus.DONE, 3, 3)
    assert set(operating.documents()) - {"1.9.9"} == set(UIDS)
    assert "verified" in operating.events("CASE-1")


def test_files_that_are_gone_or_changed_are_found_when_asked(operating: Operating) -> None:
    operating.imported("CASE-1", *UIDS)
    (operating.folder / "CASE-1" / "0.dcm").unlink()
    operating.write(operating.folder / "CASE-1" / "1.dcm", "1.2.2", StudyDescription="longer")
    assert verify(operating).agrees
    report = verify(operating, files=True)
    assert report.counts == {"file_gone": 1, "file_changed": 1}
    assert {(one.kind, one.what) for one in report.differences} == {("file_gone", "0.dcm"), ("file_changed", "1.dcm")}


def test_a_file_that_has_got_another_uid_leaves_no_document_of_the_old_one(operating: Operating) -> None:
    operating.imported("CASE-1", *UIDS)
    operating.write(operating.folder / "CASE-1" / "0.dcm", "1.2.99")
    operations.sync(operating.services, "CASE-1", apply=True)
    operating.run()
    assert verify(operating, files=True).agrees
    assert set(operating.documents()) == {"1.2.99", "1.2.2", "1.2.3"}


def test_copies_inside_a_batch_agree_also_when_there_are_more_than_a_page(
    operating: Operating, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("indexer.operations.documents.PAGE", 2)
    monkeypatch.setattr("indexer.operations.verifying.PAGE", 2)
    operating.imported("CASE-1", "1.2.1", "1.2.1", "1.2.2", "1.2.3", "1.2.4", "1.2.1")
    report = verify(operating, files=True)
    assert (report.agrees, report.images, report.documents) == (True, 6, 4)


def test_a_shrunk_batch_is_compared_by_its_counts_and_listed_anew(operating: Operating, redis_client: Redis) -> None:
    operating.imported("CASE-1", "1.2.1", "1.2.1", "1.2.2")
    operating.services.ledger.shrink("CASE-1")
    assert verify(operating).agrees
    lose_a_document(operating, redis_client)
    operating.services.sink.refresh()
    report = verify(operating, repair=True)
    assert report.counts == {"lost": 2}
    operating.run()
    assert not operating.batch("CASE-1").shrunk
    assert verify(operating).agrees


def test_long_lists_of_differences_are_cut_and_their_counts_are_not(operating: Operating, redis_client: Redis) -> None:
    operating.imported("CASE-1", "1.2.1")
    redis_client.zadd("batch:CASE-1:paths:IGNORED", {f"{at}": 0 for at in range(150)})
    report = verify(operating)
    assert (report.counts["list"], len(report.differences)) == (150, 100)


def test_a_batch_that_is_being_indexed_cannot_be_compared(operating: Operating) -> None:
    operating.imported("CASE-1", "1.2.1")
    operating.services.ledger.add("CASE-1", "CASE-1", str(operating.folder / "CASE-1"), "watcher", "again")
    with pytest.raises(BatchBusyError, match="being indexed"):
        verify(operating)
