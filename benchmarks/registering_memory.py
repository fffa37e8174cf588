"""Batches of a million images: the memory of the processes that list and register them, and what they take in Redis.

The files are empty and hard links of a few, since only their names count here. Each step runs in a process of its own,
as in a deployment: the watcher finds the folder and sees that it does not grow, `register_batch` lists and queues it,
and a worker's part, without reading and Elasticsearch, brings all images to DONE. Memory is the largest resident set of
the process, as Linux counts it in /proc, beside that before its work. The figures that matter are those of the large
batch against those of the small one.

    .venv/bin/python benchmarks/registering_memory.py --images 1000000
    .venv/bin/python benchmarks/registering_memory.py --images 1000000 --folders 100000
"""

import argparse
import json
import os
import secrets
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from indexer.status import Ledger, StatusStore, connect
from indexer.status.keys import errors_key, events_key, images_key, paths_key
from indexer.status.model import ImageStatus
from local.ports import free_port
from local.redis import redis_service, redis_url
from local.service import Service

# Hard links that a file has at most; ext4 allows 65,000.
LINKS = 60_000
BATCH = "BENCHMARK"
QUEUE = "dicomsearch"

REGISTER = """
from indexer.registering import register_batch
register_batch(services, batch)
"""
SETTLE = """
from indexer.queue import chunks
from indexer.status import ImageStatus, Outcome
paths = iter(services.status.open_paths(batch))
for at, some in enumerate(chunks(paths, services.settings.chunk_files)):
    files = services.ledger.begin(batch, some)
    uid = "1.2.840.113619.2.404.3.2831868938.886.1598926853.{:03}.{}".format(at % 1000, at)
    done = [Outcome(file, ImageStatus.DONE, uid=f"{uid}.{n}") for n, file in enumerate(files)]
    services.ledger.settle(batch, done)
services.ledger.finish(batch)
"""
FRAME = """
import json, resource, sys, time
from indexer.services import build_services
from indexer.settings import load_settings
batch = sys.argv[1]
services = build_services(load_settings(running=False))
services.status.ping()
services.queue.waiting()
import indexer.registering
def peak():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
before, start = peak(), time.perf_counter()
exec(sys.stdin.read())
print(json.dumps([before, peak(), time.perf_counter() - start]))
"""


@dataclass(frozen=True)
class Step:
    """One process: MB of memory before its work and at most, and seconds."""

    before: float
    peak: float
    seconds: float


def main() -> None:
    """Measure a small batch and a large one, and print both."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--images", type=int, default=1_000_000)
    parser.add_argument("--folders", type=int, default=1, help="over how many folders they are spread")
    parser.add_argument("--small", type=int, default=10_000, help="images of the batch that is compared with")
    parser.add_argument(
        "--folder", type=Path, help="where the files are made (default: the folder for temporary files)"
    )
    arguments = parser.parse_args()
    print("| images | folders | step | MB before | MB at most | seconds | files/s |")
    print("| --- | --- | --- | --- | --- | --- | --- |")
    in_redis = []
    for images in (arguments.small, arguments.images):
        folders = max(1, arguments.folders * images // arguments.images)
        home = Path(tempfile.mkdtemp(prefix="dicomsearch-benchmark-", dir=arguments.folder))
        try:
            in_redis.append((images, measure(home, images, folders)))
        finally:
            shutil.rmtree(home)
    print("\n| images | Redis | bytes per image |")
    print("| --- | --- | --- |")
    for images, sizes in in_redis:
        for what, size in sizes.items():
            print(f"| {images:,} | {what} | {size / images:,.1f} |")


def measure(home: Path, images: int, folders: int) -> dict[str, int]:
    """Run all steps in a home of their own; answer the bytes that Redis needs."""
    port, password = free_port(), secrets.token_hex(16)
    redis = Service(redis_service(home, port=port, password=password), home / "redis.log")
    redis.start()
    try:
        redis.wait_ready()
        url = redis_url(port, password)
        environment = os.environ | {"DICOMSEARCH_HOME": str(home), "DICOMSEARCH_REDIS_URL": url}
        client = connect(url)
        empty = client.info("memory")["used_memory"]

        def show(name: str, step: Step) -> None:
            memory = f"{step.before:.1f} | {step.peak:.1f}"
            speed = f"{step.seconds:.1f} | {images / step.seconds:,.0f}"
            print(f"| {images:,} | {folders:,} | {name} | {memory} | {speed} |", flush=True)

        make_files(home / "incoming" / f"{BATCH}.tmp", images, folders)
        show("watcher", watch(environment, home, StatusStore(client)))
        client.delete(QUEUE)
        show("register_batch", step(environment, REGISTER))
        registered = client.info("memory")["used_memory"]
        queue = client.memory_usage(QUEUE, samples=0)
        client.delete(QUEUE)
        sizes = {"all, registered": registered - empty, "of that, the queue": queue, **of_batch(client)}
        show("taken and settled", step(environment, SETTLE))
        sizes |= {"all, done": client.info("memory")["used_memory"] - empty, **of_batch(client)}
        Ledger(client).shrink(BATCH)
        wait_for(lambda: client.info("memory")["lazyfree_pending_objects"] == 0)  # freed in the background
        sizes["all, shrunk"] = client.info("memory")["used_memory"] - empty
        return sizes
    finally:
        redis.stop()


def make_files(folder: Path, images: int, folders: int) -> None:
    """Make empty files, spread over folders (1: all in the folder itself)."""
    folder.mkdir(parents=True)
    for at in range(images):
        below = folder / f"series-{at % folders:06d}" if folders > 1 else folder
        if at < folders > 1:
            below.mkdir()
        if at % LINKS == 0:
            first = folder.parent / f".first-{at}"
            first.touch()
        os.link(first, below / f"IM-{at:09d}.dcm")


def watch(environment: dict[str, str], home: Path, store: StatusStore) -> Step:
    """Run the watcher until it has found the folder, which it does not see renamed."""
    program = str(Path(sys.executable).with_name("dicomsearch"))
    with (home / "watcher.log").open("wb") as log:
        process = subprocess.Popen([program, "watch"], env=environment, stdout=log, stderr=log)
    try:
        wait_for(lambda: store.watcher().alive)
        before = resident(process.pid, "VmRSS")
        start = time.perf_counter()
        incoming = home / "incoming"
        # Moved in from elsewhere, so that it has to settle.
        (incoming / f"{BATCH}.tmp").rename(home / BATCH)
        os.utime(home / BATCH)
        (home / BATCH).rename(incoming / BATCH)
        wait_for(lambda: store.batch(BATCH) is not None)
        time.sleep(1)
        return Step(before, resident(process.pid, "VmHWM"), time.perf_counter() - start - 1)
    finally:
        process.terminate()
        process.wait(30)


def step(environment: dict[str, str], code: str) -> Step:
    """Run code in a process of its own."""
    done = subprocess.run(
        [sys.executable, "-c", FRAME, BATCH], env=environment, input=code, capture_output=True, text=True, check=False
    )
    if done.returncode != 0:
        raise SystemExit(done.stderr)
    return Step(*json.loads(done.stdout.splitlines()[-1]))


def of_batch(client: Any) -> dict[str, int]:
    """Bytes of the parts of the batch, by name."""
    sizes = {}
    for name, key in (
        ("images", images_key(BATCH)),
        ("paths NEW", paths_key(BATCH, ImageStatus.NEW)),
        ("paths DONE", paths_key(BATCH, ImageStatus.DONE)),
        ("errors", errors_key(BATCH)),
        ("events", events_key(BATCH)),
    ):
        # A sample: to walk all of a large key holds Redis up for a minute.
        if size := client.memory_usage(key, samples=1_000):
            sizes[f"key {name}"] = size
    return sizes


def resident(pid: int, what: str) -> float:
    """MB of memory of a process now (VmRSS) or at most (VmHWM)."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith(f"{what}:"):
            return int(line.split()[1]) / 1024
    return 0.0


def wait_for(condition: Callable[[], bool]) -> None:
    """Wait until a condition is true."""
    deadline = time.monotonic() + 3_600
    while not condition():
        if time.monotonic() > deadline:
            raise TimeoutError("still not so after an hour")
        time.sleep(0.1)


if __name__ == "__main__":
    main()
