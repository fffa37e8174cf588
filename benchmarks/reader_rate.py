"""How fast files become documents, in one process: against pydicom, which reads them and converts every value.

    pydicom      dcmread(stop_before_pixels=True), and the value of each element, nested ones too
    document     what a worker does: the file straight to the JSON of its document
    two steps    the same without a memory: reader, then flattener, as for files that are not quite regular

Over the same files, in rounds that take turns; what counts is the processor's time of the best round. A round of
`document` begins without any memory. Each document has to be the one that the two steps come to.

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


def by_pydicom(paths: Sequence[Path]) -> None:
    """Read files, and convert the value of every element."""
    for path in paths:
        for element in pydicom.dcmread(path, stop_before_pixels=True).iterall():
            _ = element.value


def body_of(path: Path, flattened: Flattened) -> bytes:
    """Write the document of a file, as a worker does."""
    facts = FileFacts(str(path), path.name, path.stat().st_size, _AT)
    return orjson.dumps(build_document(flattened, facts, "BENCHMARK", _AT))


def by_two_steps(paths: Sequence[Path]) -> list[str]:
    """Read and flatten, and answer the digests of the documents."""
    return [_digest(body_of(path, flatten(read_header(path, _LIMITS), _LIMITS))) for path in paths]


def straight(paths: Sequence[Path], memory: Memory) -> list[str]:
    """The same with a memory."""
    return [_digest(body_of(path, flatten_file(path, memory))) for path in paths]


def _digest(body: bytes) -> str:
    return hashlib.sha256(body).hexdigest()


def measure(case: str, paths: Sequence[Path], rounds: int, *, forget: bool = False) -> Figures:
    """Measure with some files.

    Parameters
    ----------
    forget
        Whether each file is read without any memory.
    """
    expected = by_two_steps(paths)
    memory = Memory(_LIMITS)

    def documents() -> None:
        nonlocal memory
        memory = Memory(_LIMITS)
        if not forget:
            found = straight(paths, memory)
        else:
            found = []
            for path in paths:
                memory.forget()
                found += straight([path], memory)
        assert found == expected, "the two ways come to different documents"

    ways: dict[str, Callable[[], object]] = {
        "pydicom": lambda: by_pydicom(paths),
        "document": documents,
        "two steps": lambda: by_two_steps(paths),
    }
    best = dict.fromkeys(ways, float("inf"))
    for _ in range(rounds):
        for name, way in ways.items():
            start = time.process_time()
            way()
            best[name] = min(best[name], time.process_time() - start)
    return Figures(
        case,
        len(paths),
        round(len(paths) / best["pydicom"]),
        round(len(paths) / best["two steps"]),
        round(len(paths) / best["document"]),
        round(best["pydicom"] / best["document"], 2),
        round(1 - memory.misses / max(memory.elements, 1), 3),
        resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024,
    )


def readable(path: Path) -> bool:
    """Tell whether both can read a file: some are broken on purpose, or describe others."""
    try:
        by_pydicom([path])
        flatten_file(path, Memory(_LIMITS))
    except Exception:  # whatever either raises
        return False
    return True


def main() -> None:
    """Measure and print, as a table and as JSON."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--images", type=int, default=600, help="made-up images of each case")
    parser.add_argument("--rounds", type=int, default=3)
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
