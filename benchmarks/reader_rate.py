"""How fast files become documents, in one process: against pydicom, which reads them and converts every value.

    pydicom      dcmread(stop_before_pixels=True), and the value of each element, nested ones too
    document     what a worker does: the file straight to the JSON of its document
    two steps    the same without a memory: reader, then flattener, as for files that are not quite regular

Over the same files, in rounds that take turns; of each file counts the least processor's time of all rounds, since
machines are shared. A round begins without any memory. Each document has to be the one that the two steps come to.

    series       made-up images as they come in a batch: series after series, each image with its own UID, number,
                 times, position and exposure
    studies      made-up images that have little in common: each of another study
    strangers    the same, and after each file all is forgotten: nothing is known of any element
    real         the files that pydicom brings, each once

    .venv/bin/python benchmarks/reader_rate.py --images 600
"""

import argparse
import hashlib
import json
import resource
import tempfile
import time
import warnings
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

import orjson
import pydicom
from generated.files import one_of_each_study, real_files, series_in_order, write_files

from indexer.document import FileFacts, build_document
from indexer.flatten import Flattened, flatten
from indexer.reader import read_header
from indexer.settings import Limits
from indexer.straight import Memory, flatten_file

SEED = 11
_AT = datetime(2025, 1, 1, tzinfo=UTC)
_LIMITS = Limits()


@dataclass(frozen=True, slots=True)
class Figures:
    """What was measured with some files: images a second, ratios, and which part of the elements was known."""

    case: str
    images: int
    pydicom: int
    two_steps: int
    document: int
    ratio: float
    known: float
    megabytes: int


def by_pydicom(path: Path) -> None:
    """Read a file, and convert the value of every element."""
    for element in pydicom.dcmread(path, stop_before_pixels=True).iterall():
        _ = element.value


def body_of(path: Path, flattened: Flattened) -> bytes:
    """Write the document of a file, as a worker does."""
    facts = FileFacts(str(path), path.name, path.stat().st_size, _AT)
    return orjson.dumps(build_document(flattened, facts, "BENCHMARK", _AT))


def by_two_steps(path: Path) -> bytes:
    """Read and flatten."""
    return body_of(path, flatten(read_header(path, _LIMITS), _LIMITS))


def measure(case: str, paths: Sequence[Path], rounds: int, *, forget: bool = False) -> Figures:
    """Measure with some files.

    Parameters
    ----------
    forget
        Whether each file is read without any memory.
    """
    memory = Memory(_LIMITS)

    def document(path: Path) -> bytes:
        if forget:
            memory.forget()
        return body_of(path, flatten_file(path, memory))

    best = {way: [float("inf")] * len(paths) for way in ("pydicom", "two steps", "document")}
    for _ in range(rounds):
        memory = Memory(_LIMITS)
        _time(by_pydicom, paths, best["pydicom"])
        documents = _time(document, paths, best["document"])
        assert documents == _time(by_two_steps, paths, best["two steps"]), "the two ways come to different documents"
    seconds = {way: sum(times) for way, times in best.items()}
    return Figures(
        case,
        len(paths),
        round(len(paths) / seconds["pydicom"]),
        round(len(paths) / seconds["two steps"]),
        round(len(paths) / seconds["document"]),
        round(seconds["pydicom"] / seconds["document"], 2),
        round(1 - memory.misses / max(memory.elements, 1), 3),
        resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024,
    )


def _time(way: Callable[[Path], bytes | None], paths: Sequence[Path], best: list[float]) -> str:
    """Go through the files once, and keep the least time of each; the digest of all documents is answered."""
    digest = hashlib.sha256()
    for at, path in enumerate(paths):
        start = time.process_time()
        body = way(path)
        best[at] = min(best[at], time.process_time() - start)
        digest.update(body or b"")
    return digest.hexdigest()


def readable(path: Path) -> bool:
    """Tell whether both can read a file: some are broken on purpose, or describe others."""
    try:
        by_pydicom(path)
        flatten_file(path, Memory(_LIMITS))
    except Exception:  # whatever either raises
        return False
    return True


def main() -> None:
    """Measure and print, as a table and as JSON."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--images", type=int, default=600, help="made-up images of each case")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--json", action="store_true", help="print no table")
    arguments = parser.parse_args()
    warnings.simplefilter("ignore")
    with tempfile.TemporaryDirectory(prefix="dicomsearch-benchmark-") as name:
        folder = Path(name)
        series = write_files(series_in_order(arguments.images, SEED), folder / "series")
        studies = write_files(one_of_each_study(arguments.images, SEED), folder / "studies")
        real = [path for path in real_files() if readable(path)]
        figures = [
            measure("series", series, arguments.rounds),
            measure("studies", studies, arguments.rounds),
            measure("strangers", studies, arguments.rounds, forget=True),
            measure("real", real, arguments.rounds),
        ]
    if not arguments.json:
        print(" " * 12 + "  images  pydicom/s  two steps/s  document/s   ratio   known    MB")
        for one in figures:
            print(
                f"{one.case:<12}{one.images:>8,}{one.pydicom:>11,}{one.two_steps:>13,}{one.document:>12,}"
                f"{one.ratio:>8.2f}{one.known:>8.1%}{one.megabytes:>6}"
            )
    print(json.dumps([asdict(one) for one in figures]))


if __name__ == "__main__":
    main()
