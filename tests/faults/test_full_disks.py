"""Disks that are really full, under Redis and under the index: work waits, and goes on when there is space."""

import os
import secrets
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest
from elasticsearch import Elasticsearch
from redis import ResponseError

from indexer.settings import Settings
from indexer.status import BatchStatus, StatusStore, StatusUnavailableError, connect
from local.ports import free_port
from local.redis import redis_service, redis_url
from local.service import Service
from tests.faults.accounting import all_done, faults_of
from tests.faults.deliveries import Deliveries
from tests.faults.stack import faulty_stack
from tests.images import make_images
from tests.processes import WATCHER, WORKER, Processes, processes, wait_for


@contextmanager
def small_disk(megabytes: int) -> Iterator[Path]:
    """A file system of its own, where this user may mount one."""
    folder = Path(tempfile.mkdtemp(prefix="dicomsearch-disk-"))
    mount = shutil.which("mount")
    command = [mount or "mount", "-t", "tmpfs", "-o", f"size={megabytes}m,mode=755", "tmpfs", str(folder)]
    if os.getuid() or not mount or subprocess.run(command, check=False, capture_output=True).returncode:
        folder.rmdir()
        pytest.skip("this user may not mount a small disk")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=True)
        folder.rmdir()


@pytest.fixture
def small_home() -> Iterator[Path]:
    with small_disk(3) as folder:
        yield folder


@pytest.fixture
def redis_on_a_small_disk(small_home: Path) -> Iterator[str]:
    port, password = free_port(), secrets.token_hex(16)
    service = Service(redis_service(small_home, port=port, password=password), small_home.parent / f"{port}.log")
    service.start()
    service.wait_ready()
    yield redis_url(port, password)
    service.stop()
    service.log.unlink()


class Supervised:
    """A watcher and a worker that are started again when they end, as a supervisor does."""

    def __init__(self, running: Processes) -> None:
        self._running = running
        self._commands = {"watcher": WATCHER, "worker": WORKER}
        self._started: dict[str, subprocess.Popen[bytes]] = {}

    def look(self) -> None:
        for name, command in self._commands.items():
            if name not in self._started or self._started[name].poll() is not None:
                self._started[name] = self._running.start(*command)

    def wait_for(self, condition: Callable[[], object], seconds: float = 120.0) -> None:
        def check() -> object:
            self.look()
            try:
                return condition()
            except StatusUnavailableError:
                return False

        wait_for(check, seconds)


def refuses(url: str) -> bool:
    """Whether Redis takes no changes because it cannot write them to its disk."""
    try:
        connect(url).set("probe", "x" * 1_000)
    except ResponseError as error:
        return "MISCONF" in str(error)
    return False


def fill(folder: Path, leaving: int) -> Path:
    """Fill a small disk."""
    filler = folder / "something else"
    # What else writes to the disk at the same time may fill it first.
    with suppress(OSError), filler.open("wb", buffering=0) as file:
        for _ in range((shutil.disk_usage(folder).free - leaving) // 4_096):
            file.write(b"x" * 4_096)
    return filler


def done(store: StatusStore, batch: str) -> bool:
    found = store.batch(batch)
    return found is not None and found.status is BatchStatus.DONE


def test_when_the_disk_of_redis_is_full_work_waits_and_goes_on_when_there_is_space(
    settings: Settings, redis_on_a_small_disk: str, small_home: Path, elasticsearch: Elasticsearch, tmp_path: Path
) -> None:
    changed = settings.model_copy(
        update={
            "redis_url": redis_on_a_small_disk,
            "lease_seconds": 2,
            "heartbeat_seconds": 1,
            "settle_seconds": 0.2,
            "chunk_files": 50,
        }
    )
    incoming = changed.incoming_folder
    store = StatusStore(connect(redis_on_a_small_disk))
    with processes(changed, tmp_path / "logs") as running:
        stack = Supervised(running)
        stack.wait_for(store.workers)
        # Before the watcher can tell of the batch at all.
        filler = fill(small_home, leaving=4_096)
        stack.wait_for(lambda: refuses(redis_on_a_small_disk))
        uids = make_images(incoming / "CASE-1.tmp", 400)
        (incoming / "CASE-1.tmp").rename(incoming / "CASE-1")
        stack.wait_for(lambda: "ResponseError" in running.log())
        assert store.batch("CASE-1") is None
        filler.unlink()
        # In the middle of its import.
        stack.wait_for(lambda: (batch := store.batch("CASE-1")) and batch.counts.processing)
        filler = fill(small_home, leaving=0)
        stack.wait_for(lambda: refuses(redis_on_a_small_disk))
        assert not done(store, "CASE-1")
        filler.unlink()
        stack.wait_for(lambda: done(store, "CASE-1"))
    batch = store.batch("CASE-1")
    assert (batch.counts.total, batch.counts.done, batch.has_error) == (400, 400, False)
    hits = elasticsearch.search(index=settings.index, size=1_000, source=False)["hits"]["hits"]
    assert sorted(hit["_id"] for hit in hits) == uids


@pytest.mark.timeout(900)
def test_when_the_disk_of_elasticsearch_is_full_images_wait_with_the_reason_and_are_done_when_there_is_space(
    request: pytest.FixtureRequest,
) -> None:
    if not request.config.getoption("--faults"):
        pytest.skip("run with --faults: Elasticsearch looks at its disk every ten seconds; `test_chaos` blocks by hand")
    with small_disk(1_400) as home, faulty_stack(home) as stack:
        deliveries = Deliveries(stack.settings.incoming_folder)
        deliveries.deliver("BEFORE", 100)
        wait_for(lambda: all_done(stack, deliveries.delivered))
        often = {"cluster.info.update.interval": "10s"}
        stack.client.cluster.put_settings(persistent=often)
        filler = fill(home, leaving=300_000_000)
        blocked = {"index.blocks.read_only_allow_delete": "true"}
        index = f"{stack.settings.index}-000001"
        wait_for(
            lambda: (
                stack.client.indices.get_settings(index=index, flat_settings=True)[index]["settings"].items()
                >= blocked.items()
            )
        )
        deliveries.deliver("FULL", 100)
        wait_for(lambda: (waiting := stack.store.waiting()) and "cluster_block_exception" in waiting.reason)
        assert not stack.store.batch("FULL").has_error
        filler.unlink()
        wait_for(lambda: all_done(stack, deliveries.delivered), 240)
        assert faults_of(stack, deliveries.delivered) == []
