"""Batches through registering, indexing and finishing, with a real Elasticsearch and Redis, without Celery between."""

import os
import shutil
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pydicom
import pytest
from elasticsearch import Elasticsearch
from pydicom.data import get_testdata_file
from redis import Redis

from indexer import finishing, preparing
from indexer.batches import offer
from indexer.indexing import index_chunk
from indexer.queue import QUEUE
from indexer.recovery import Recovery
from indexer.registering import register_batch
from indexer.services import Services, build_services
from indexer.settings import Settings
from indexer.sink import Removal
from indexer.status import Batch, BatchStatus, ErrorCode, Lease
from indexer.status.ledger import Added
from indexer.straight import Memory, flatten_file


class Pipeline:
    """Runs what is queued in this process, as a worker would."""

    def __init__(self, services: Services, redis_client: Redis) -> None:
        self.services = services
        self.redis = redis_client
        self.sent: list[Lease] = []
        queue = services.queue
        queue.index = self._note  # type: ignore[method-assign]

    def _note(self, lease: Lease, tries: int = 0, delay: float = 0.0) -> None:
        self.sent.append(lease)

    def run(self, folder: Path) -> Batch:
        offered = offer(self.services.ledger, folder, "import", os.urandom(4).hex())
        register_batch(self.services, offered.id)
        self.run_queued()
        return self.batch(offered.id)

    def run_queued(self) -> None:
        while self.sent:
            index_chunk(self.services, self.sent.pop(0), "here")

    def batch(self, batch: str) -> Batch:
        found = self.services.status.batch(batch)
        assert found is not None
        return found

    def errors(self, batch: str) -> dict[str, ErrorCode]:
        return {error.path: error.code for error in self.services.status.errors(batch, 0, 1_000).results}


@pytest.fixture
def services(settings: Settings, redis_client: Redis, elasticsearch: Elasticsearch) -> Iterator[Services]:
    services = build_services(settings)
    yield services
    services.elasticsearch.close()


@pytest.fixture
def pipeline(services: Services, redis_client: Redis) -> Pipeline:
    return Pipeline(services, redis_client)


@pytest.fixture
def images(tmp_path: Path) -> Callable[..., Path]:
    def images(folder: str, *names: str) -> Path:
        target = tmp_path / "in" / folder
        target.mkdir(parents=True, exist_ok=True)
        for name in names:
            shutil.copy(get_testdata_file(name), target)
        return target

    return images


def found(client: Elasticsearch, settings: Settings, **term: str) -> list[dict[str, object]]:
    query = {"term": term} if term else {"match_all": {}}
    return [hit["_source"] for hit in client.search(index=settings.index, query=query, size=1_000)["hits"]["hits"]]


def test_a_folder_of_images_is_found_by_search_when_its_batch_is_done(
    pipeline: Pipeline, images: Callable[..., Path], elasticsearch: Elasticsearch, settings: Settings
) -> None:
    folder = images("CASE-17", "CT_small.dcm", "MR_small.dcm", "rtplan.dcm")
    batch = pipeline.run(folder)
    assert (batch.id, batch.status, batch.has_error, batch.counts.done) == ("CASE-17", BatchStatus.DONE, False, 3)
    [document] = found(elasticsearch, settings, Modality="CT")
    expected = pydicom.dcmread(folder / "CT_small.dcm")
    assert document["SliceThickness"] == float(expected.SliceThickness)
    assert document["batch"] == "CASE-17"
    assert document["file"]["path"] == str(folder / "CT_small.dcm")
    assert document["file"]["size"] == (folder / "CT_small.dcm").stat().st_size


def test_each_kind_of_bad_file_is_an_error_with_its_code_and_the_others_are_done(
    pipeline: Pipeline, images: Callable[..., Path], elasticsearch: Elasticsearch, settings: Settings
) -> None:
    folder = images("CASE-18", "CT_small.dcm")
    (folder / "empty.dcm").touch()
    (folder / "notes.txt").write_text("Dear colleague, the images follow.")
    whole = (folder / "CT_small.dcm").read_bytes()
    (folder / "cut.dcm").write_bytes(whole[:1_000])
    (folder / "away.dcm").symlink_to(get_testdata_file("MR_small.dcm"))
    (folder / "broken link.dcm").symlink_to(folder / "nowhere")
    (folder / ".DS_Store").write_bytes(b"x")
    (folder / "DICOMDIR").write_bytes(b"x")
    batch = pipeline.run(folder)
    assert (batch.status, batch.has_error) == (BatchStatus.DONE, True)
    assert (batch.counts.done, batch.counts.error, batch.counts.ignored) == (1, 5, 2)
    assert pipeline.errors("CASE-18") == {
        "empty.dcm": ErrorCode.EMPTY,
        "notes.txt": ErrorCode.NOT_DICOM,
        "cut.dcm": ErrorCode.TRUNCATED,
        "away.dcm": ErrorCode.NO_PERMISSION,
        "broken link.dcm": ErrorCode.UNREADABLE,
    }
    assert len(found(elasticsearch, settings)) == 1


def test_a_file_that_may_not_be_read_is_an_error(
    pipeline: Pipeline, images: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = images("CASE-19", "CT_small.dcm")
    if os.geteuid() == 0:
        # Root may read everything, so the refusal of the system is played.
        def refuse(*_: object) -> None:
            raise PermissionError(13, "Permission denied")

        monkeypatch.setattr("indexer.preparing.flatten_file", refuse)
    else:
        (folder / "CT_small.dcm").chmod(0)
    pipeline.run(folder)
    assert pipeline.errors("CASE-19") == {"CT_small.dcm": ErrorCode.NO_PERMISSION}


@pytest.mark.parametrize(
    ("error", "code"),
    [(MemoryError(), ErrorCode.TOO_LARGE), (RecursionError("Doe^John"), ErrorCode.UNREADABLE)],
)
def test_whatever_a_file_does_to_the_reader_is_its_own_error_without_its_values(
    error: Exception,
    code: ErrorCode,
    pipeline: Pipeline,
    images: Callable[..., Path],
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    def fail(*_: object) -> None:
        raise error

    monkeypatch.setattr("indexer.preparing.flatten_file", fail)
    pipeline.run(images("CASE-20", "CT_small.dcm"))
    assert pipeline.errors("CASE-20") == {"CT_small.dcm": code}
    [image_error] = pipeline.services.status.errors("CASE-20").results
    assert "Doe" not in image_error.reason + caplog.text


def test_an_empty_folder_is_a_batch_that_is_done(pipeline: Pipeline, images: Callable[..., Path]) -> None:
    batch = pipeline.run(images("EMPTY"))
    assert (batch.status, batch.counts.total) == (BatchStatus.DONE, 0)


def test_a_folder_that_has_gone_is_an_error_of_its_batch(pipeline: Pipeline, tmp_path: Path) -> None:
    batch = pipeline.run(tmp_path / "gone")
    assert (batch.status, batch.has_error) == (BatchStatus.DONE, True)
    assert pipeline.errors("gone") == {"./": ErrorCode.NO_PERMISSION}


def test_a_folder_delivered_again_indexes_only_what_is_new_or_changed(
    pipeline: Pipeline, images: Callable[..., Path], elasticsearch: Elasticsearch, settings: Settings
) -> None:
    folder = images("CASE-21", "CT_small.dcm", "MR_small.dcm")
    pipeline.run(folder)
    before = {item["Modality"]: item["indexed_at"] for item in found(elasticsearch, settings)}
    images("CASE-21", "rtplan.dcm")
    changed = pydicom.dcmread(folder / "MR_small.dcm")
    changed.PatientID = "CHANGED"
    changed.save_as(folder / "MR_small.dcm")
    batch = pipeline.run(folder)
    assert (batch.counts.total, batch.counts.done, batch.counts.duplicates) == (3, 3, 0)
    after = {item["Modality"]: item for item in found(elasticsearch, settings)}
    assert after["CT"]["indexed_at"] == before["CT"]
    assert after["MR"]["indexed_at"] > before["MR"]
    assert after["MR"]["PatientID"] == "CHANGED"


def test_a_second_batch_does_not_overwrite_the_first(
    pipeline: Pipeline, images: Callable[..., Path], elasticsearch: Elasticsearch, settings: Settings
) -> None:
    pipeline.run(images("FIRST", "CT_small.dcm"))
    pipeline.run(images("SECOND", "MR_small.dcm"))
    assert {item["batch"]: item["Modality"] for item in found(elasticsearch, settings)} == {
        "FIRST": "CT",
        "SECOND": "MR",
    }


def test_an_image_that_is_deleted_and_imported_again_in_one_run_is_found(
    pipeline: Pipeline, images: Callable[..., Path], elasticsearch: Elasticsearch, settings: Settings
) -> None:
    folder = images("CASE-28", "CT_small.dcm")
    pipeline.run(folder)
    [document] = found(elasticsearch, settings)
    [removed] = pipeline.services.sink.write([Removal(document["SOPInstanceUID"], time.time_ns() // 1_000)])
    assert removed.rejected is None
    pipeline.services.sink.refresh()
    assert found(elasticsearch, settings) == []
    (folder / "CT_small.dcm").touch()
    assert pipeline.run(folder).counts.done == 1
    assert [item["SOPInstanceUID"] for item in found(elasticsearch, settings)] == [document["SOPInstanceUID"]]


def test_two_folders_of_the_same_name_are_two_batches(
    pipeline: Pipeline, images: Callable[..., Path], tmp_path: Path
) -> None:
    one = images("CASE-24", "CT_small.dcm")
    other = tmp_path / "elsewhere" / "CASE-24"
    other.mkdir(parents=True)
    shutil.copy(get_testdata_file("MR_small.dcm"), other)
    ids = [pipeline.run(folder).id for folder in (one, other, other)]
    assert ids[0] == "CASE-24"
    assert ids[1] == ids[2] != "CASE-24"


def test_names_of_any_kind_become_ids_fit_for_urls(services: Services, tmp_path: Path) -> None:
    for name in ("CASE 17 ü", "a/b".replace("/", "⁄"), b"caf\xe9".decode("utf-8", "surrogateescape"), "x" * 200):
        folder = tmp_path / name
        folder.mkdir()
        offered = offer(services.ledger, folder, "watcher", "1")
        assert offered.added is Added.CREATED
        assert offered.id.isascii()
        assert set("/?#% ") & set(offered.id) == set()
        assert services.status.batch(offered.id).path == str(folder)


def test_a_task_that_runs_twice_changes_nothing(
    pipeline: Pipeline, images: Callable[..., Path], elasticsearch: Elasticsearch, settings: Settings
) -> None:
    folder = images("CASE-25", "CT_small.dcm", "MR_small.dcm")
    offered = offer(pipeline.services.ledger, folder, "import", "1")
    register_batch(pipeline.services, offered.id)
    [lease] = pipeline.sent
    pipeline.run_queued()
    before = (pipeline.batch("CASE-25"), found(elasticsearch, settings))
    index_chunk(pipeline.services, lease, "here")
    register_batch(pipeline.services, offered.id)
    pipeline.run_queued()
    after = pipeline.batch("CASE-25")
    assert (after.counts, after.finished_at) == (before[0].counts, before[0].finished_at)
    assert found(elasticsearch, settings) == before[1]


def test_images_wait_with_the_reason_while_elasticsearch_is_away_and_are_done_when_it_is_back(
    pipeline: Pipeline, images: Callable[..., Path], services: Services, settings: Settings
) -> None:
    folder = images("CASE-26", "CT_small.dcm")
    real = services.sink.client
    services.sink.patience = 0.0
    with Elasticsearch("http://127.0.0.1:1", max_retries=0) as away:
        services.sink.client = away
        offered = offer(services.ledger, folder, "import", "1")
        register_batch(services, offered.id)
        index_chunk(services, pipeline.sent.pop(), "here")
    batch = pipeline.batch("CASE-26")
    assert (batch.status, batch.counts.new, batch.has_error) == (BatchStatus.PROCESSING, 1, False)
    assert "cannot be reached" in services.status.waiting().reason
    assert len(pipeline.sent) == 1
    services.sink.client = real
    pipeline.run_queued()
    assert pipeline.batch("CASE-26").status is BatchStatus.DONE
    assert services.status.waiting() is None


def test_a_batch_that_cannot_be_finished_yet_is_finished_by_the_check_for_lost_work(
    pipeline: Pipeline, services: Services, images: Callable[..., Path], redis_client: Redis
) -> None:
    folder = images("CASE-27", "CT_small.dcm")
    refresh, services.sink.client = services.sink.client, Elasticsearch("http://127.0.0.1:1", max_retries=0)
    offered = offer(services.ledger, folder, "import", "1")
    services.ledger.registered(offered.id)
    finishing.finish(services, offered.id)
    assert pipeline.batch(offered.id).status is BatchStatus.NEW
    services.sink.client.close()
    services.sink.client = refresh
    services.presence.goes_on()
    now = [0.0]
    recovery = Recovery(services, clock=lambda: now[0])
    recovery.check()
    assert redis_client.llen(QUEUE) == 0
    now[0] = 31.0
    recovery.check()
    assert redis_client.llen(QUEUE) == 1


class TestRecovery:
    """Lost work is found."""

    @pytest.fixture
    def registered(self, pipeline: Pipeline, images: Callable[..., Path]) -> str:
        folder = images("CASE-30", "CT_small.dcm", "MR_small.dcm")
        offered = offer(pipeline.services.ledger, folder, "import", "1")
        register_batch(pipeline.services, offered.id)
        return offered.id

    def test_the_images_of_a_worker_that_died_are_queued_again(self, pipeline: Pipeline, registered: str) -> None:
        [lease] = pipeline.sent
        pipeline.sent.clear()
        pipeline.services.leases.start(lease, "dead")
        pipeline.redis.zadd("leases", {lease.id: 1})
        Recovery(pipeline.services).check()
        assert pipeline.sent == [lease]
        pipeline.run_queued()
        assert pipeline.batch(registered).status is BatchStatus.DONE

    def test_a_listing_that_died_is_queued_again(self, services: Services, pipeline: Pipeline, registered: str) -> None:
        services.leases.start(Lease("listing", registered, ()), "dead")
        pipeline.redis.zadd("leases", {"listing": 1})
        Recovery(services).check()
        assert pipeline.redis.llen(QUEUE) == 1

    def test_a_queue_that_was_lost_is_filled_again_once_nothing_has_moved_for_a_while(
        self, pipeline: Pipeline, registered: str
    ) -> None:
        pipeline.sent.clear()
        now = [0.0]
        recovery = Recovery(pipeline.services, clock=lambda: now[0])
        for now[0] in (0.0, 5.0, 29.0):
            recovery.check()
            assert pipeline.sent == []
        now[0] = 30.0
        recovery.check()
        assert sorted(pipeline.sent[0].paths) == ["CT_small.dcm", "MR_small.dcm"]
        pipeline.run_queued()
        assert pipeline.batch(registered).status is BatchStatus.DONE

    def test_work_that_is_queued_or_waits_is_not_lost(self, pipeline: Pipeline, registered: str) -> None:
        pipeline.sent.clear()
        now = [0.0]
        recovery = Recovery(pipeline.services, clock=lambda: now[0])
        pipeline.services.presence.waits("Elasticsearch cannot be reached")
        for now[0] in (0.0, 100.0, 200.0):
            recovery.check()
        pipeline.services.presence.goes_on()
        pipeline.redis.lpush(QUEUE, "a task")
        for now[0] in (300.0, 400.0):
            recovery.check()
        assert pipeline.sent == []

    def test_a_file_that_kills_its_worker_is_found_by_halves_and_read_in_a_process_of_its_own(
        self, pipeline: Pipeline, registered: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        class Died(BaseException):
            """What a killed worker looks like from inside: nothing after it runs."""

        def read(path: Path, memory: Memory) -> object:
            if path.name == "MR_small.dcm":
                raise Died
            return flatten_file(path, memory)

        monkeypatch.setattr(preparing, "flatten_file", read)
        queue: list[tuple[Lease, int]] = [(pipeline.sent.pop(), 0)]
        pipeline.services.queue.index = lambda lease, tries=0, delay=0.0: queue.append((lease, tries))
        begun = 0
        while queue and begun < 20:
            begun += 1
            lease, tries = queue.pop(0)
            try:
                index_chunk(pipeline.services, lease, "here", tries)
            except Died:
                queue.append((lease, tries))
        # In its own process, which has the real reader, nothing is wrong with this file.
        batch = pipeline.batch(registered)
        assert (batch.status, batch.counts.done, batch.counts.error) == (BatchStatus.DONE, 2, 0)
        assert begun == 6

    def test_an_image_whose_worker_dies_even_so_is_given_up(self, pipeline: Pipeline, registered: str) -> None:
        [lease] = pipeline.sent
        for path in lease.paths:
            index_chunk(pipeline.services, Lease(f"of {path}", lease.batch, (path,)), "here", tries=4)
        assert set(pipeline.errors(registered).values()) == {ErrorCode.CRASHED}
