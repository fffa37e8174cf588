"""How fast a folder becomes searchable: the whole stack, against what a user would write, against the ceiling.

    script    30 lines with pydicom and elasticsearch.helpers.bulk, dynamic mapping, one process
    stack     watcher → Celery worker (2 processes) → Elasticsearch, as `dicomsearch up` runs it
    replay    the stack's own documents, read back and written again by bulk: what Elasticsearch alone can take

All three use the same real Elasticsearch and the same images: copies of pydicom's CT and MR test files without pixels,
each under a SOPInstanceUID of its own. Each result is checked: as many documents as images, but for those that the
script's dynamic mapping rejects, which are told.

    .venv/bin/python benchmarks/import_rate.py --images 4000
"""

import argparse
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pydicom
from elasticsearch import Elasticsearch, helpers
from pydicom.data import get_testdata_file

from indexer.settings import load_settings
from indexer.status import BatchStatus, StatusStore, connect
from local.control import stop
from local.ports import free_port

TEMPLATES = ("CT_small.dcm", "MR_small.dcm")


def make_images(folder: Path, number: int) -> None:
    """Write images that differ in UIDs and numbers, without pixel data."""
    templates = [pydicom.dcmread(get_testdata_file(name), stop_before_pixels=True) for name in TEMPLATES]
    for at in range(number):
        dataset = templates[at % len(templates)]
        dataset.SOPInstanceUID = dataset.file_meta.MediaStorageSOPInstanceUID = f"1.2.826.0.1.3680043.10.1.{at}"
        dataset.SeriesInstanceUID = f"1.2.826.0.1.3680043.10.2.{at // 100}"
        dataset.StudyInstanceUID = f"1.2.826.0.1.3680043.10.3.{at // 400}"
        dataset.PatientID = f"P{at // 1200}"
        dataset.InstanceNumber = at % 100 + 1
        target = folder / f"S{at // 100:05d}" / f"{at:07d}.dcm"
        target.parent.mkdir(exist_ok=True, parents=True)
        dataset.save_as(target)


def script(client: Elasticsearch, folder: Path) -> int:
    """What a user would write: every element's value under its keyword, whatever Elasticsearch makes of it.

    Returns
    -------
    int
        How many documents it lost.
    """

    def plain(value: Any) -> Any:
        if isinstance(value, pydicom.Sequence):
            return [document(item) for item in value]
        if isinstance(value, pydicom.multival.MultiValue):
            return [plain(each) for each in value]
        return value if isinstance(value, int | float) else str(value)

    def document(dataset: pydicom.Dataset) -> dict[str, Any]:
        return {e.keyword: plain(e.value) for e in dataset if e.keyword and not isinstance(e.value, bytes)}

    def actions() -> Iterator[dict[str, Any]]:
        for path in folder.rglob("*.dcm"):
            dataset = pydicom.dcmread(path, stop_before_pixels=True)
            yield {"_index": "script", "_id": dataset.SOPInstanceUID, "_source": document(dataset)}

    client.indices.create(index="script", settings={"mapping.total_fields.limit": 20_000})
    _, lost = helpers.bulk(client, actions(), raise_on_error=False, stats_only=True)
    return int(str(lost))


def replay(client: Elasticsearch, index: str) -> float:
    """Write all documents of an index into an empty one of the same mapping; answer the seconds that this took."""
    pages = list(helpers.scan(client, index=index, size=1_000))
    mapping = next(iter(client.indices.get(index=index).body.values()))
    settings = {"index.codec": "best_compression", "index.sort": mapping["settings"]["index"]["sort"]}
    client.indices.create(
        index="replay", mappings=mapping["mappings"], settings={**settings, "mapping.total_fields.limit": 20_000}
    )
    start = time.perf_counter()
    list(
        helpers.parallel_bulk(
            client,
            ({"_index": "replay", "_id": page["_id"], "_source": page["_source"]} for page in pages),
            thread_count=2,
            chunk_size=200,
        )
    )
    return time.perf_counter() - start


def count(client: Elasticsearch, index: str) -> int:
    """Count documents after a refresh."""
    client.indices.refresh(index=index)
    return int(client.count(index=index)["count"])


def measure(number: int) -> dict[str, float]:
    """Run all three; answer images per second of each, and the ratios."""
    with tempfile.TemporaryDirectory(prefix="dicomsearch-benchmark-", ignore_cleanup_errors=True) as name:
        folder, home = Path(name), Path(name) / "home"
        folder.chmod(0o755)
        make_images(home / "incoming" / "BENCHMARK.tmp", number)
        command = Path(sys.executable).with_name("dicomsearch")
        subprocess.run([command, "up", "--detach", "--home", home, "--port", str(free_port())], check=True)
        try:
            return _measure(home, number)
        finally:
            stop(home)


def _measure(home: Path, number: int) -> dict[str, float]:
    settings = load_settings(home=home)
    with Elasticsearch(settings.elasticsearch_url, request_timeout=120) as client:
        start = time.perf_counter()
        (home / "incoming" / "BENCHMARK.tmp").rename(home / "incoming" / "BENCHMARK")
        _wait_done(home)
        stack = time.perf_counter() - start
        assert count(client, settings.index) == number
        start = time.perf_counter()
        lost = script(client, home / "incoming" / "BENCHMARK")
        by_script = time.perf_counter() - start
        assert count(client, "script") == number - lost
        by_replay = replay(client, settings.index)
        assert count(client, "replay") == number
    rates = {"script": number / by_script, "stack": number / stack, "replay": number / by_replay}
    return {
        "lost by script": lost,
        **{f"{name} images/s": round(rate) for name, rate in rates.items()},
        "stack / script": round(rates["stack"] / rates["script"], 2),
        "stack / replay": round(rates["stack"] / rates["replay"], 2),
    }


def _wait_done(home: Path) -> None:
    store = StatusStore(connect(load_settings(home=home).redis_url))
    while not ((batch := store.batch("BENCHMARK")) and batch.status is BatchStatus.DONE):
        time.sleep(0.02)
    assert not batch.has_error


def main() -> None:
    """Measure and print, as a table and as JSON."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--images", type=int, default=4_000)
    figures = measure(parser.parse_args().images)
    for name, figure in figures.items():
        print(f"{name:<20}{figure:>10,}")
    print(json.dumps(figures))


if __name__ == "__main__":
    main()
