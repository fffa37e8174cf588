"""What workers do with batches is recorded: one event each, and none is lost."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
from redis import Redis

from indexer import operations
from indexer.audit import AuditLog, AuditUnavailableError
from indexer.audit.log import INBOX
from indexer.settings import Settings
from tests.auditing import mover_of, records_in
from tests.integration.indexer.conftest import operated_index, operating
from tests.operating import Operating

__all__ = ["operated_index", "operating"]


@pytest.fixture
def taken(operating: Operating, audited: Settings, redis_client: Redis) -> Settings:
    """Settings with an audit log of their own."""
    return audited


def take_inbox(operating: Operating, settings: Settings, redis: Redis) -> None:
    mover_of(settings, redis, operating.services.elasticsearch).take_inbox()


def test_a_batch_that_is_done_is_recorded_once_with_its_counts(
    operating: Operating, taken: Settings, redis_client: Redis
) -> None:
    folder = operating.make("CASE-1", "1.2.1", "1.2.2")
    (folder / "broken.dcm").write_bytes(b"no image")
    operating.deliver(folder)
    take_inbox(operating, taken, redis_client)
    take_inbox(operating, taken, redis_client)
    [event] = records_in(redis_client)
    assert (event.operation, event.event, event.user, event.via) == ("batch.imported", "Import", "worker", "service")
    batch, where = event.objects
    assert (batch.kind, batch.id) == ("batch", "CASE-1")
    assert batch.details == {
        "total": "3", "done": "2", "error": "1", "ignored": "0", "duplicates": "0", "source": "watcher",
    }  # fmt: skip
    assert (where.kind, where.id) == ("folder", str(folder))
    assert redis_client.llen(INBOX) == 0


def test_a_batch_that_was_deleted_before_it_was_recorded_is_recorded(
    operating: Operating, taken: Settings, redis_client: Redis
) -> None:
    operating.imported("CASE-1", "1.2.1")
    operations.request_delete(operating.services, "CASE-1", files=False)
    operating.run()
    take_inbox(operating, taken, redis_client)
    assert [event.operation for event in records_in(redis_client)] == ["batch.deleted", "batch.imported"]


def test_a_damaged_entry_of_the_inbox_holds_up_nothing(
    operating: Operating, taken: Settings, redis_client: Redis
) -> None:
    redis_client.rpush(INBOX, "{", "[]", '{"batch": {}}', '{"batch": {"id": "x", "counts": {}}}')
    operating.imported("CASE-1", "1.2.1")
    take_inbox(operating, taken, redis_client)
    assert [event.objects[0].id for event in records_in(redis_client)] == ["CASE-1"]


@pytest.mark.parametrize("files", [False, True])
def test_a_deletion_is_recorded_with_what_went(
    operating: Operating, taken: Settings, redis_client: Redis, files: bool
) -> None:
    operating.imported("CASE-1", "1.2.1", "1.2.2")
    operations.request_delete(operating.services, "CASE-1", files=files)
    operating.run()
    [event] = records_in(redis_client)
    assert (event.operation, event.event, event.user) == ("batch.deleted", "DICOM Study Deleted", "here")
    assert event.objects[0].details == {"images": "2", "files": "2" if files else "0", "files kept": "0"}


def test_a_deletion_that_cannot_be_recorded_waits(operating: Operating, taken: Settings, redis_client: Redis) -> None:
    operating.imported("CASE-1", "1.2.1")
    operations.mark_for_deletion(operating.services, "CASE-1", files=False)
    operating.services = replace(operating.services, audit=AuditLog(redis_client, required=True))
    redis_client.set("audit", "no stream")
    with pytest.raises(AuditUnavailableError):
        operations.delete_batch(operating.services, "CASE-1")
    assert operating.batch("CASE-1").deleting
    redis_client.delete("audit")
    operations.delete_batch(operating.services, "CASE-1")
    assert operating.services.status.batch("CASE-1") is None
    assert [event.operation for event in records_in(redis_client)] == ["batch.deleted"]


@pytest.mark.parametrize("how", ["delete", "archive"])
def test_a_clean_up_is_recorded_with_what_went(
    operating: Operating, taken: Settings, redis_client: Redis, tmp_path: Path, how: str
) -> None:
    operating.configure(cleanup=how, archive_folder=tmp_path / "archive")
    operating.imported("CASE-1", "1.2.1", "1.2.2")
    [event] = records_in(redis_client)
    assert event.operation == "batch.cleaned"
    assert event.objects[0].details == {"how": how, "files": "2", "files kept": "0"}


def test_nothing_is_noted_where_the_log_is_off(operating: Operating, taken: Settings, redis_client: Redis) -> None:
    operating.services.audit.records = False
    operating.imported("CASE-1", "1.2.1")
    operations.request_delete(operating.services, "CASE-1", files=False)
    operating.run()
    assert redis_client.exists("audit", INBOX) == 0
    assert json.dumps(records_in(redis_client)) == "[]"
