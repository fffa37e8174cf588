"""Exports of many rows: rows per second, and the memory that the exporting process needs at most.

Documents are those of pydicom's CT and MR test files, as the indexer makes them, with identifiers of their own. Each
export is `dicomsearch search --all` in a process of its own, written to a file whose rows are counted. Memory is the
largest resident set of that process, as Linux counts it in /proc, beside that of an export of one row: what the program
needs before it exports anything. The figures that matter are the ratios of 100,000 rows against 10,000.

    .venv/bin/python benchmarks/export_memory.py --rows 100000
"""

import argparse
import csv
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import orjson
from elasticsearch import Elasticsearch, helpers
from pydicom.data import get_testdata_file

from indexer.document import FileFacts, build_document
from indexer.flatten import flatten
from indexer.reader import read_header
from indexer.settings import load_settings
from local.elasticsearch import elasticsearch_service
from local.ports import free_port
from local.service import Service
from mappings.index import ensure_index, write_alias

TEMPLATES = ("CT_small.dcm", "MR_small.dcm")
FORMATS = ("csv", "ndjson", "json", "paths")
INDEX = "export-benchmark"


@dataclass(frozen=True)
class Run:
    """One export: its rows, seconds of the whole process, and MB of memory at most."""

    rows: int
    seconds: float
    megabytes: float


def documents(number: int) -> Iterator[dict[str, Any]]:
    """Real documents under identifiers of their own."""
    settings = load_settings(running=False)
    templates = []
    for name in TEMPLATES:
        path = Path(str(get_testdata_file(name)))
        facts = FileFacts(str(path), path.name, path.stat().st_size, datetime.now(UTC))
        flattened = flatten(read_header(path, settings.limits), settings.limits)
        templates.append(orjson.dumps(build_document(flattened, facts, "BENCHMARK", datetime.now(UTC))))
    for at in range(number):
        document = orjson.loads(templates[at % len(templates)])
        uid = f"1.2.826.0.1.3680043.10.1.{at}"
        keys = {"patient": f"P{at // 1200}", "study": f"1.3.{at // 400}", "series": f"1.4.{at // 100}"}
        document |= {"SOPInstanceUID": uid, "InstanceNumber": at + 1, "derived": document["derived"] | keys}
        document["file"]["path"] = f"/archive/{at // 100:05d}/{at:07d}.dcm"
        yield {"_index": write_alias(INDEX), "_id": uid, **document}


def export(url: str, rows: int, form: str, folder: Path) -> Run:
    """Export in a process of its own, and count what it wrote."""
    target = folder / "export"
    command = [str(Path(sys.executable).with_name("dicomsearch")), "search", f"InstanceNumber:<={rows}"]
    command += ["--all", "--format", form, "--home", str(folder)]
    environment = os.environ | {"DICOMSEARCH_ELASTICSEARCH_URL": url, "DICOMSEARCH_INDEX": INDEX}
    start = time.perf_counter()
    with target.open("wb") as output:
        process = subprocess.Popen(command, env=environment, stdout=output)
        peak = 0.0
        while process.poll() is None:
            # Not `ru_maxrss`: a new process inherits that of the one that started it.
            peak = max(peak, largest_resident_set(process.pid))
            time.sleep(0.02)
    seconds = time.perf_counter() - start
    assert process.returncode == 0, process.returncode
    assert count(target, form) == rows, form
    return Run(rows, seconds, peak)


def largest_resident_set(pid: int) -> float:
    """The MB that a process has had in memory at most so far; 0 when it has ended."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next((int(line.split()[1]) / 1024 for line in lines if line.startswith("VmHWM:")), 0.0)


def count(target: Path, form: str) -> int:
    """Count the rows of a file."""
    if form == "json":
        return len(orjson.loads(target.read_bytes())["results"])
    with target.open(newline="", encoding="utf-8") as lines:
        return sum(1 for _ in csv.DictReader(lines)) if form == "csv" else sum(1 for _ in lines)


def measure(rows: int) -> dict[str, float]:
    """Start an Elasticsearch, fill it, and export in each format."""
    with tempfile.TemporaryDirectory(prefix="dicomsearch-benchmark-", ignore_cleanup_errors=True) as name:
        home = Path(name)
        home.chmod(0o755)
        port = free_port()
        transport = free_port(taken=frozenset({port}))
        spec = elasticsearch_service(home, load_settings(running=False), port=port, transport_port=transport)
        service = Service(spec, home / "elasticsearch.log")
        service.start()
        try:
            service.wait_ready()
            return _measure(f"http://127.0.0.1:{port}", rows, home)
        finally:
            service.stop()


def _measure(url: str, rows: int, folder: Path) -> dict[str, float]:
    with Elasticsearch(url, request_timeout=120) as client:
        ensure_index(client, INDEX)
        helpers.bulk(client, documents(rows), chunk_size=500)
        client.indices.refresh(index=INDEX)
    figures: dict[str, float] = {}
    base = export(url, 1, "csv", folder)
    figures["MB, 1 row"] = round(base.megabytes, 1)
    for form in FORMATS:
        few, many = export(url, rows // 10, form, folder), export(url, rows, form, folder)
        figures[f"{form}: rows/s"] = round((many.rows - few.rows) / (many.seconds - few.seconds))
        figures[f"{form}: MB, {few.rows:,} rows"] = round(few.megabytes, 1)
        figures[f"{form}: MB, {many.rows:,} rows"] = round(many.megabytes, 1)
        figures[f"{form}: memory ratio"] = round(many.megabytes / few.megabytes, 3)
    return figures


def main() -> None:
    """Measure and print, as a table and as JSON."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=100_000)
    figures = measure(parser.parse_args().rows)
    for name, figure in figures.items():
        print(f"{name:<28}{figure:>12,}")
    print(json.dumps(figures))


if __name__ == "__main__":
    main()
