"""What metrics cost: CPU time of a request and of an import with and without them, in turns, and of a scrape.

    requests   /api/search by the application itself, with `DICOMSEARCH_METRICS_PORT` and without
    import     the task that indexes 200 images, with counting and without; and the script that settles them, in Redis
    scrape     /metrics while 0 and while 20,000 batches are known

CPU time, not time by the clock, so that what else the machine does matters little. Needs an Elasticsearch and an empty
Redis that are nobody's:

    .venv/bin/python benchmarks/metrics_overhead.py --elasticsearch http://127.0.0.1:9200 --redis redis://127.0.0.1:6379/5
"""

import argparse
import secrets
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from elasticsearch import Elasticsearch
from import_rate import make_images
from redis.commands.core import Script

from app import create_app
from indexer.batches import delivery_of, offer
from indexer.indexing import index_chunk
from indexer.metrics import Counter, Histogram, Tally
from indexer.queue import new_lease
from indexer.registering import register_batch
from indexer.services import Services, build_services
from indexer.settings import Settings
from indexer.status import ImageStatus, Ledger, connect
from indexer.status.connection import RedisClient

PORT = 9464


class NoTally(Tally):
    """Counts nothing."""

    def count(self, counter: Counter, *labels: str, amount: float = 1) -> None:
        """Do nothing."""

    def observe(self, histogram: Histogram, value: float, *labels: str) -> None:
        """Do nothing."""


def in_turns(runs: int, **each: Callable[[], object]) -> dict[str, float]:
    """CPU milliseconds of each, the median of some runs."""
    spent: dict[str, list[float]] = {name: [] for name in each}
    for _ in range(runs):
        for name, run in each.items():
            begun = time.thread_time()
            run()
            spent[name].append((time.thread_time() - begun) * 1_000)
    return {name: statistics.median(times) for name, times in spent.items()}


def tell(what: str, spent: dict[str, float], unit: str = "ms") -> None:
    """Print both and their ratio."""
    without, counted = spent["without"], spent["counted"]
    print(f"{what:10} without {without:8.3f} {unit}   with {counted:8.3f} {unit}   ratio {counted / without:.3f}")


def requests(settings: Settings) -> None:
    """Ask two applications in turns."""
    measured = settings.model_copy(update={"metrics_port": PORT})
    without, counted = create_app(settings).test_client(), create_app(measured).test_client()
    for client in (without, counted):
        client.get("/api/search", buffered=True)
    tell(
        "request",
        in_turns(
            60,
            without=lambda: without.get("/api/search", buffered=True),
            counted=lambda: counted.get("/api/search", buffered=True),
        ),
    )


def imports(services: Services, folder: Path, client: RedisClient) -> None:
    """Index the same images again and again, with two tallies and two scripts in turns."""
    make_images(folder, 200)
    queue: object = services.queue
    queue.index = lambda *_, **__: None  # type: ignore[attr-defined]
    batch = offer(services.ledger, folder, "watcher", delivery_of(folder)).id
    register_batch(services, batch)
    paths = list(services.status.paths(batch))
    counting, nothing = services.tally, NoTally()
    settle = _settling(services.ledger, client)
    in_redis: dict[str, list[float]] = {"without": [], "counted": []}

    def run(name: str) -> None:
        services.sink.tally = counting if name == "counted" else nothing
        services.ledger._scripts["settle"] = settle[name]
        services.ledger.reopen(batch, paths, [ImageStatus.DONE])
        client.config_resetstat()
        index_chunk(services, new_lease(batch, paths), "here")
        in_redis[name].append(client.info("commandstats")["cmdstat_evalsha"]["usec"] / 1_000)

    run("counted")
    tell("import", in_turns(15, without=lambda: run("without"), counted=lambda: run("counted")))
    tell("in Redis", {name: statistics.median(times) for name, times in in_redis.items()})


def _settling(ledger: Ledger, client: RedisClient) -> dict[str, Script]:
    """The script that settles images, as it is and without what it counts."""
    ledger.settle("nothing", [])
    text = str(ledger._scripts["settle"].script)
    line = "redis.call('HINCRBY', 'metrics', what, amount or 1)"
    assert line in text
    return {"counted": ledger._scripts["settle"], "without": client.register_script(text.replace(line, ""))}


def scrapes(settings: Settings, client: RedisClient) -> None:
    """Ask for the metrics with few and with many batches."""
    web = create_app(settings.model_copy(update={"metrics_port": PORT})).test_client()
    for batches in (0, 20_000):
        pipeline = client.pipeline(transaction=False)
        for at in range(batches):
            values = {"status": "PROCESSING", "new": 1, "processing": 1, "add_date": at, "modify_date": at}
            pipeline.hset(f"batch:{at}", mapping=values)
            pipeline.zadd("batches", {str(at): at})
            pipeline.sadd("batches:active", at)
        pipeline.execute()
        times = []
        for _ in range(20):
            begun = time.perf_counter()
            assert web.get("/metrics", base_url=f"http://localhost:{PORT}").status_code == 200
            times.append((time.perf_counter() - begun) * 1_000)
        middle, most = statistics.median(times), max(times)
        print(f"scrape     {batches:6} open batches   median {middle:6.1f} ms   most {most:6.1f} ms")


def main() -> None:
    """Run all."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0] if __doc__ else None)
    parser.add_argument("--elasticsearch", required=True)
    parser.add_argument("--redis", required=True)
    given = parser.parse_args()
    client = connect(given.redis)
    with tempfile.TemporaryDirectory() as folder:
        settings = Settings(
            home=Path(folder),
            elasticsearch_url=given.elasticsearch,
            redis_url=given.redis,
            index=f"overhead-{secrets.token_hex(4)}",
            audit="off",
        )
        try:
            imports(build_services(settings), Path(folder) / "CASE", client)
            requests(settings)
            scrapes(settings, client)
        finally:
            client.flushdb()
            with Elasticsearch(given.elasticsearch) as elasticsearch:
                for name in elasticsearch.indices.get(index=f"{settings.index}-*", expand_wildcards="all"):
                    elasticsearch.indices.delete(index=name)
                elasticsearch.options(ignore_status=404).indices.delete_index_template(name=settings.index)


if __name__ == "__main__":
    main()
