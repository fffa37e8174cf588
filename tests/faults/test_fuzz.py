"""Real files, damaged at random, through a real worker: none stops the service, and each is accounted for."""

import random
from pathlib import Path

import pytest
from elasticsearch import Elasticsearch
from pydicom.data import get_testdata_files
from redis import Redis

from indexer.settings import Settings
from indexer.status import BatchStatus, ImageStatus, StatusStore
from tests.conftest import REPOSITORY
from tests.processes import WATCHER, WORKER, processes, wait_for

_SHORT, _LONG = 600, 10_000
_LARGEST = 300_000  # bytes of a file that is damaged, so that the disk is not what is tested
_HEADER = 6_000  # most damage is done in here, where it hurts


def originals() -> list[bytes]:
    """Real files: the corpus, where it is, and pydicom's."""
    corpus = REPOSITORY.parent / "shared" / "corpus"
    paths = [Path(path) for path in get_testdata_files()] + sorted(corpus.rglob("*"))
    contents = [path.read_bytes() for path in paths if path.is_file() and 200 < path.stat().st_size < _LARGEST]
    assert len(contents) > 50
    return contents


def damaged(content: bytes, chance: random.Random) -> bytes:
    """Damage a file in one to four places."""
    data = bytearray(content)
    for _ in range(chance.randint(1, 4)):
        end = min(len(data), _HEADER) if chance.random() < 0.8 else len(data)
        at = chance.randrange(max(end, 1))
        match chance.randrange(6):
            case 0:
                data[at : at + 1] = bytes([chance.randrange(256)])
            case 1:
                data[at : at + 4] = chance.choice([b"\xff\xff\xff\xff", b"\x00\x00\x00\x00", chance.randbytes(4)])
            case 2:
                del data[at : at + chance.randint(1, 60)]
            case 3:
                data[at:at] = chance.randbytes(chance.randint(1, 60))
            case 4:
                some = data[at : at + chance.randint(8, 400)]
                data[at:at] = some * chance.randint(1, 5)
            case 5:
                del data[chance.randint(at, len(data)) :]
    return bytes(data)


@pytest.fixture
def files(request: pytest.FixtureRequest) -> int:
    return _LONG if request.config.getoption("--faults") else _SHORT


@pytest.fixture
def folder(settings: Settings, files: int) -> Path:
    chance = random.Random(files)
    contents = originals()
    growing = settings.incoming_folder / "FUZZED.tmp"
    growing.mkdir(parents=True)
    for number in range(files):
        (growing / f"{number:05}.dcm").write_bytes(damaged(chance.choice(contents), chance))
    return growing


@pytest.mark.timeout(1_800)
def test_no_damaged_file_stops_the_worker_and_each_is_accounted_for(
    settings: Settings, folder: Path, files: int, redis_client: Redis, elasticsearch: Elasticsearch, tmp_path: Path
) -> None:
    store = StatusStore(redis_client)
    with processes(settings, tmp_path / "logs") as running:
        running.start(*WATCHER)
        running.start(*WORKER)
        folder.rename(settings.incoming_folder / "FUZZED")
        wait_for(lambda: (batch := store.batch("FUZZED")) and batch.status is BatchStatus.DONE, 1_500)
        log = running.log()
    counts = store.batch("FUZZED").counts
    assert counts.total == files == counts.done + counts.error + counts.ignored
    assert counts.done > files / 10
    codes = {error.code for error in store.errors("FUZZED", 0, files).results}
    assert codes <= {"not_dicom", "truncated", "unreadable", "empty"}, "of a damaged file nothing else can be said"
    for sign in ("WorkerLostError", "exited prematurely", "could not be understood", "lost task"):
        assert sign not in log
    # Whatever is DONE has its document, or is a duplicate of one that names it.
    elasticsearch.indices.refresh(index=settings.index)
    done = {image.uid for image in store.images("FUZZED", 0, files, ImageStatus.DONE).results}
    found = elasticsearch.count(index=settings.index)["count"]
    assert found == len(done)
