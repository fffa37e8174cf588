"""A whole stack of one test, each part of which can be killed and started again: its own Elasticsearch and Redis."""

import os
import random
import secrets
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import psutil
from elasticsearch import Elasticsearch
from redis import Redis

from indexer.settings import Settings, load_settings
from indexer.status import StatusStore, connect
from local.elasticsearch import elasticsearch_service
from local.ports import free_port
from local.redis import redis_service, redis_url
from local.service import Service
from tests.fault_proxy import FaultProxy, fault_proxy
from tests.processes import WATCHER, Processes, processes, wait_for

FAKETIME = Path("/usr/lib/x86_64-linux-gnu/faketime/libfaketime.so.1")
WORKERS = 2


class FaultyStack:
    """Elasticsearch behind a fault proxy, Redis, a watcher and two workers, started with the commands of a deployment.

    The clock of the second worker can be set, where `libfaketime` is installed.
    """

    def __init__(self, settings: Settings, elasticsearch: Service, redis: Service, proxy: FaultProxy, run: Processes):
        self.settings = settings
        self.proxy = proxy
        self.elasticsearch_service = elasticsearch
        self.redis_service = redis
        self.client = Elasticsearch(
            f"http://127.0.0.1:{elasticsearch.spec.port}", request_timeout=60, retry_on_timeout=True, max_retries=5
        )
        self.redis: Redis = connect(settings.redis_url, patient=True)
        self.store = StatusStore(self.redis)
        self._clock = ""
        self._processes = run
        self.watcher = self._start_watcher()
        self.workers = [self._start_worker(at) for at in range(WORKERS)]

    def _start_watcher(self) -> subprocess.Popen[bytes]:
        return self._processes.start(*WATCHER)

    def _start_worker(self, at: int) -> subprocess.Popen[bytes]:
        command = ("celery", "-A", "indexer.worker", "worker", "--concurrency", "2", "-n", f"worker-{at}@stack")
        wrong = {"LD_PRELOAD": str(FAKETIME), "FAKETIME": self._clock, "FAKETIME_DONT_FAKE_MONOTONIC": "1"}
        return self._processes.start(*command, **(wrong if at == 1 and self._clock else {}))

    def keep_running(self) -> None:
        """Start workers that have ended by themselves, as a supervisor does."""
        for at, worker in enumerate(self.workers):
            if worker.poll() is not None:
                self.workers[at] = self._start_worker(at)

    def set_clock(self, offset: str) -> None:
        """Turn the clock of the second worker: `+1d`, `-1h`; blank puts it right. The worker is killed for that."""
        if offset != self._clock:
            self._clock = offset
            self.kill_worker(1)

    def kill_watcher(self) -> None:
        self._processes.kill(self.watcher)
        self.watcher = self._start_watcher()

    def kill_worker(self, at: int, number: signal.Signals = signal.SIGKILL) -> None:
        """End a worker with all its processes, and start another."""
        if number is signal.SIGTERM:
            # As a supervisor does: the main process is told, and tells its children.
            self.workers[at].terminate()
            self.workers[at].wait(timeout=60)
        self._processes.kill(self.workers[at])
        self.workers[at] = self._start_worker(at)

    def kill_child_of_worker(self, at: int) -> None:
        """Kill one of the processes that do a worker's work."""
        with suppress(psutil.NoSuchProcess):
            children = psutil.Process(self.workers[at].pid).children()
            for child in random.sample(children, min(1, len(children))):
                child.kill()

    def freeze_worker(self, at: int, seconds: float) -> None:
        """Stop a worker in the middle of whatever it does, and let it go on later."""
        os.killpg(self.workers[at].pid, signal.SIGSTOP)
        time.sleep(seconds)
        os.killpg(self.workers[at].pid, signal.SIGCONT)

    def kill_elasticsearch(self, away: float) -> None:
        self.elasticsearch_service.kill()
        time.sleep(away)
        self.elasticsearch_service.start()
        self.elasticsearch_service.wait_ready()

    def remember_redis(self) -> None:
        """Keep what Redis has on its disk, for `kill_redis`."""
        self.redis.execute_command("CONFIG", "SET", "auto-aof-rewrite-percentage", "0")
        shutil.copy(self._append_only, self._remembered)

    def kill_redis(self, away: float, *, as_remembered: bool = False) -> None:
        """Kill Redis and start it again, as it was, or as it was when it was remembered."""
        self.redis_service.kill()
        if as_remembered:
            self._remembered.replace(self._append_only)
        time.sleep(away)
        self.redis_service.start()
        self.redis_service.wait_ready()

    def lose_last_second(self) -> None:
        """Kill Redis before the last second has reached its disk."""
        self.remember_redis()
        time.sleep(1.2)
        self.kill_redis(away=0.5, as_remembered=True)

    @property
    def _append_only(self) -> Path:
        return self.redis_service.spec.folder / "appendonly.aof"

    @property
    def _remembered(self) -> Path:
        return self._append_only.with_suffix(".remembered")

    def forget_queue(self) -> None:
        """Lose the messages that nobody has taken."""
        self.redis.delete("dicomsearch")

    def repeat_queue(self) -> None:
        """Deliver all queued messages twice."""
        for message in self.redis.lrange("dicomsearch", 0, -1):
            self.redis.lpush("dicomsearch", message)

    def block_writes(self, seconds: float) -> None:
        """Make the index read-only, as Elasticsearch does when its disk is full."""
        index = f"{self.settings.index}-*"
        self.client.indices.put_settings(index=index, settings={"index.blocks.read_only_allow_delete": True})
        time.sleep(seconds)
        self.client.indices.put_settings(index=index, settings={"index.blocks.read_only_allow_delete": None})

    def log(self) -> str:
        return self._processes.log()


@contextmanager
def faulty_stack(home: Path, **changes: object) -> Iterator[FaultyStack]:
    """Run a stack for the time of the body.

    Parameters
    ----------
    home
        A folder that also the user who runs Elasticsearch can reach.
    changes
        Settings.
    """
    base = load_settings().model_copy(update={"elasticsearch_heap_mb": 512})
    ports: list[int] = []
    for _ in range(3):
        ports.append(free_port(taken=frozenset(ports)))
    password = secrets.token_hex(16)
    elasticsearch = Service(
        elasticsearch_service(home, base, port=ports[0], transport_port=ports[1]), home / "logs" / "elasticsearch.log"
    )
    redis = Service(redis_service(home, port=ports[2], password=password), home / "logs" / "redis.log")
    try:
        elasticsearch.start()
        redis.start()
        redis.wait_ready()
        elasticsearch.wait_ready()
        with fault_proxy(f"http://127.0.0.1:{ports[0]}") as proxy:
            settings = Settings(
                home=home,
                incoming=home / "incoming",
                elasticsearch_url=proxy.url,
                redis_url=redis_url(ports[2], password),
                lease_seconds=3,
                heartbeat_seconds=1,
                settle_seconds=0.2,
                chunk_files=50,
                **changes,  # type: ignore[arg-type]
            )
            with processes(settings, home / "logs") as running:
                stack = FaultyStack(settings, elasticsearch, redis, proxy, running)
                wait_for(lambda: len(stack.store.workers()) == WORKERS)
                yield stack
    finally:
        redis.stop()
        elasticsearch.stop()
