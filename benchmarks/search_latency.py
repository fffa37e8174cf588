"""How long the answers take, as a person or a program gets them, and how long a linear scan takes for the same.

What is measured is a request to the web application, in this process (Flask's test client): from the query as text to
the whole answer as JSON or as a page, with all that is asked of Elasticsearch in between, over HTTP. Not measured are
gunicorn, nginx and the browser. The images are made up (see `generated`), and the Elasticsearch is the embedded one.

Figures of milliseconds for each question, of three kinds, since caches help:

    cold     p50 of asks before each of which all caches of Elasticsearch are emptied (those of the system are warm)
    p50 p95  of asks with values that were not asked before, the cache of answers emptied before each: what counts
    again    p50 of the same asks when they are repeated, which Elasticsearch answers from its cache where it can

And one that tells what is left of a busy machine's figures on an idle one: `cpu` is the time of processors that such a
new ask takes in the mean, in this process and in Elasticsearch, which work on two of them where there are two.

    .venv/bin/python benchmarks/search_latency.py --images 100000
"""

import argparse
import json
import math
import os
import secrets
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import orjson
from elasticsearch import Elasticsearch
from flask.testing import FlaskClient
from generated import load, stored_headers
from questions import Ask, Question, questions, sorted_scan

from app import create_app
from indexer.settings import Settings, load_settings
from local.elasticsearch import elasticsearch_service
from local.ports import free_port
from local.redis import redis_service, redis_url
from local.service import Service, ServiceSpec
from mappings.template import template_hash

INDEX = "search-benchmark"
PAGE = 1_000
_SIZE, _SIZE_OF_ROWS = 25, 5
_COLD_ASKS, _WARMING_ASKS = 5, 20


@dataclass(frozen=True)
class Figures:
    """Milliseconds of a question; `scan` in seconds, `ratio` of a scan against p50."""

    name: str
    cold: float
    p50: float
    p95: float
    again: float
    cpu: float
    found: int
    scan: float | None
    scanned: int | None

    @property
    def ratio(self) -> float | None:
        """How many times longer a scan takes."""
        return None if self.scan is None else self.scan * 1_000 / self.p50


class Measuring:
    """Asks the application, and scans.

    Parameters
    ----------
    web
        The application.
    elasticsearch, index
        To empty its caches.
    folder
        Of the stored headers.
    scans
        Whether to scan.
    """

    def __init__(
        self, web: FlaskClient, elasticsearch: Elasticsearch, index: str, folder: Path, *, scans: bool
    ) -> None:
        self._web = web
        self._scans = scans
        self._elasticsearch = elasticsearch
        self._index = index
        self._folder = folder

    def answer(self, address: str) -> Any:
        """Ask, and read the answer."""
        return orjson.loads(self._get(address))

    def warm(self, question: Question) -> None:
        """Ask some of a question's: programs that have just been started are slow at everything."""
        for ask in question.asks[:_WARMING_ASKS]:
            self._get(ask.address)

    def question(self, question: Question) -> Figures:
        """Measure one question."""
        asks = question.asks
        cold = [self._time(ask, query=True, fielddata=True, request=True) for ask in asks[:_COLD_ASKS]]
        before = self._processors()
        new = [self._time(ask, request=True) for ask in asks]
        cpu = (self._processors() - before) / len(asks)
        for ask in asks:  # into the cache
            self._get(ask.address)
        again = [self._time(ask) for ask in asks]
        first = asks[0]
        scan, scanned = self._scan(first) if first.scan and self._scans else (None, None)
        found = self.answer(first.address)["total"] if first.address.startswith("/api") else 0
        return Figures(
            question.name,
            statistics.median(cold),
            statistics.median(new),
            percentile(new, 95),
            statistics.median(again),
            cpu,
            found,
            scan,
            scanned,
        )

    def _time(self, ask: Ask, **caches: bool) -> float:
        if caches:
            self._elasticsearch.indices.clear_cache(index=self._index, **caches)
        start = time.perf_counter()
        self._get(ask.address)
        return (time.perf_counter() - start) * 1_000

    def _processors(self) -> float:
        """Milliseconds of processors that this process and Elasticsearch have used."""
        nodes = self._elasticsearch.nodes.stats(metric="process")["nodes"].values()
        return time.process_time() * 1_000 + sum(node["process"]["cpu"]["total_in_millis"] for node in nodes)

    def _get(self, address: str) -> bytes:
        response = self._web.get(address)
        assert response.status_code == 200, (address, response.text[:500])
        return response.data

    def _scan(self, ask: Ask) -> tuple[float, int]:
        assert ask.scan is not None
        start = time.perf_counter()
        found = ask.scan(map(orjson.loads, stored_headers(self._folder)))
        return time.perf_counter() - start, found


def percentile(values: list[float], percent: int) -> float:
    """The smallest of the values that so many percent of them do not exceed."""
    return sorted(values)[max(math.ceil(len(values) * percent / 100) - 1, 0)]


def pages(measuring: Measuring, images: int, asks: int) -> Iterator[Question]:
    """Questions for pages far behind, by the addresses that the page before them gives: as one who turns pages asks."""
    for level, size in (("image", _SIZE), ("series", _SIZE_OF_ROWS)):
        parameters = {"level": level, "fields": "SOPInstanceUID,SeriesInstanceUID"}
        total = measuring.answer(f"/api/search?{urlencode(parameters | {'size': 0})}")["total"]
        page = max(min(PAGE, total // size - asks), 1)
        before, after = (page - 1) * size, ""
        while before:
            step = min(before, 1_000)
            after = measuring.answer(f"/api/search?{urlencode(parameters | {'size': step, 'after': after})}")["next"]
            before -= step
        found = []
        for _ in range(asks):
            if after is None:
                break
            address = f"/api/search?{urlencode({'level': level, 'size': size, 'after': after})}"
            scan = sorted_scan((page - 1) * size, size) if level == "image" else None
            found.append(Ask(address, scan))
            after = measuring.answer(address)["next"]
        yield Question(f"page {page:,} of {level if level == 'series' else 'images'}, {size} a page", found)


@contextmanager
def services(home: Path) -> Iterator[Settings]:
    """Start the embedded Elasticsearch, with the heap that it has in a stack, and Redis."""
    settings = load_settings(running=False)
    port = free_port()
    transport = free_port(taken=frozenset({port}))
    redis_port = free_port(taken=frozenset({port, transport}))
    password = secrets.token_hex(16)
    specs: list[ServiceSpec] = [
        elasticsearch_service(home, settings, port=port, transport_port=transport),
        redis_service(home, port=redis_port, password=password),
    ]
    with ExitStack() as stack:
        for spec in specs:
            service = Service(spec, home / f"{spec.name}.log")
            service.start()
            stack.callback(service.stop)
            service.wait_ready()
        yield settings.model_copy(
            update={
                "home": home,
                "elasticsearch_url": f"http://127.0.0.1:{port}",
                "redis_url": redis_url(redis_port, password),
                "index": INDEX,
            }
        )


def prepare(settings: Settings, home: Path, images: int, seed: int) -> None:
    """Load the images, unless the home has them already."""
    mark, wanted = home / "archive.json", {"images": images, "seed": seed, "mapping": template_hash()}
    if mark.exists():
        assert json.loads(mark.read_text()) == wanted, f"{home} holds another archive: {mark.read_text()}"
        return
    loaded = load(settings.elasticsearch_url, settings.index, images, seed, home)
    assert loaded.images == images
    mark.write_text(json.dumps(wanted))
    print(f"{images:,} images made, flattened and indexed in {loaded.seconds:.0f} s", flush=True)


@contextmanager
def lent(url: str, redis: str, home: Path) -> Iterator[Settings]:
    """Use services that run already, and leave nothing in them."""
    index = f"{INDEX}-{secrets.token_hex(4)}"
    settings = load_settings(running=False)
    try:
        yield settings.model_copy(update={"home": home, "elasticsearch_url": url, "redis_url": redis, "index": index})
    finally:
        with Elasticsearch(url) as client:
            client.indices.delete(index=f"{index}-000001", ignore_unavailable=True)
            client.options(ignore_status=404).indices.delete_index_template(name=index)


def measure(
    settings: Settings, images: int, seed: int, asks: int, show: Callable[[Figures], None], *, scans: bool
) -> None:
    """Load the images where needed, and measure all questions."""
    home = settings.home
    prepare(settings, home, images, seed)
    web = create_app(settings).test_client()
    with Elasticsearch(settings.elasticsearch_url, request_timeout=60) as client:
        measuring = Measuring(web, client, settings.index, home, scans=scans)
        asked = [*questions(images, seed, asks), *pages(measuring, images, asks)]
        for do in (measuring.warm, lambda question: show(measuring.question(question))):
            for question in asked:
                if question.asks:
                    do(question)


def show_line(figures: Figures) -> None:
    """Print one line of the table."""
    scan = "" if figures.scan is None else f"{figures.scan:.2f} s"
    ratio = "" if figures.ratio is None else f"{figures.ratio:,.0f}"
    same = "" if figures.scanned in (None, figures.found) else f"  (the scan finds {figures.scanned:,})"
    times = "".join(
        f" {value:>6.0f} |" for value in (figures.cold, figures.p50, figures.p95, figures.again, figures.cpu)
    )
    print(f"| {figures.name:<38} | {figures.found:>9,} |{times} {scan:>8} | {ratio:>6} |{same}", flush=True)


def main() -> None:
    """Measure, and print a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--images", type=int, default=100_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--asks", type=int, default=60, help="asks of each question")
    parser.add_argument(
        "--keep", type=Path, help="folder that keeps the archive for the next run, instead of a new one"
    )
    parser.add_argument("--scans", action=argparse.BooleanOptionalAction, default=True, help="whether to scan")
    parser.add_argument("--elasticsearch", help="URL of one that runs already, to be used with --redis")
    parser.add_argument("--redis", help="URL of a Redis that runs already")
    arguments = parser.parse_args()
    with ExitStack() as stack:
        home = arguments.keep
        if home is None:
            folder = tempfile.TemporaryDirectory(prefix="dicomsearch-benchmark-", ignore_cleanup_errors=True)
            home = Path(stack.enter_context(folder))
        home = home.absolute()
        home.mkdir(exist_ok=True, parents=True)
        home.chmod(0o755)
        print(f"load of the machine: {' '.join(f'{each:.1f}' for each in os.getloadavg())}, {os.cpu_count()} cores")
        heads = "".join(f" {name:>6} |" for name in ("cold", "p50", "p95", "again", "cpu"))
        print(f"| {'question':<38} | {'found':>9} |{heads} {'scan':>8} | {'ratio':>6} |")
        print("| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |")
        lend = lent(arguments.elasticsearch, arguments.redis, home) if arguments.elasticsearch else services(home)
        settings = stack.enter_context(lend)
        measure(settings, arguments.images, arguments.seed, arguments.asks, show_line, scans=arguments.scans)
        print(f"load of the machine: {' '.join(f'{each:.1f}' for each in os.getloadavg())}")


if __name__ == "__main__":
    main()
