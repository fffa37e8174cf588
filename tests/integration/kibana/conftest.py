"""An archive that has everything that Kibana is to show, imported as batches are: into Elasticsearch and Redis."""

import gzip
import secrets
import warnings
from collections.abc import Iterator
from dataclasses import dataclass, replace
from io import BytesIO
from pathlib import Path
from typing import Any

import pydicom
import pytest
from pydicom.data import get_testdata_file
from pydicom.dataset import Dataset
from redis import Redis

from indexer.batches import delivery_of, offer
from indexer.indexing import index_chunk
from indexer.queue import TaskQueue
from indexer.registering import register_batch
from indexer.services import Services, build_services
from indexer.settings import Settings
from indexer.status import Lease
from tests.made_images import made_datasets

# Images that are made: with a date before and after all that is probable, and one with a header that is cut.
OLD, FUTURE, CUT = (f"1.2.826.0.1.3680043.10.7.{number}" for number in range(3))
MANY_VALUES = 1_500  # more than are kept of one element


@dataclass(frozen=True)
class Image:
    """An image of the archive, and its file as pydicom reads it."""

    id: str
    path: Path
    batch: str
    dataset: Dataset


@dataclass(frozen=True)
class Imported:
    """The archive: where it is, and its images."""

    settings: Settings
    services: Services
    images: list[Image]


class _Here(TaskQueue):
    """A queue that keeps its tasks, to be run in this process."""

    def __init__(self) -> None:
        self.leases: list[Lease] = []

    def index(self, lease: Lease, tries: int = 0, delay: float = 0.0) -> None:
        self.leases.append(lease)


@pytest.fixture(scope="session")
def imported(elasticsearch_url: str, redis_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Imported]:
    """The archive; its status is in a database of Redis of its own, since other tests empty theirs."""
    redis_url = redis_url.removesuffix("/0") + "/1"
    home = tmp_path_factory.mktemp("kibana")
    index = f"test-{secrets.token_hex(6)}"
    settings = Settings(home=home, elasticsearch_url=elasticsearch_url, redis_url=redis_url, index=index)
    queue = _Here()
    services = replace(build_services(settings), queue=queue)
    client = services.elasticsearch
    with Redis.from_url(redis_url) as redis, warnings.catch_warnings():
        # Some of the files are wrong on purpose.
        warnings.simplefilter("ignore")
        redis.flushdb()
        try:
            for folder in _folders(home):
                batch = offer(services.ledger, folder, "import", delivery_of(folder)).id
                register_batch(services, batch)
                while queue.leases:
                    index_chunk(services, queue.leases.pop(0), "here")
            client.indices.refresh(index=index)
            yield Imported(settings, services, _images(services))
        finally:
            for name in client.indices.get(index=f"{index}-*"):
                client.indices.delete(index=name)
            client.indices.delete_index_template(name=index)
            client.close()
            redis.flushdb()


@pytest.fixture(scope="session")
def field_caps(imported: Imported) -> dict[str, dict[str, Any]]:
    """What Kibana learns of the fields: those that have values, and what can be done with them."""
    found = imported.services.elasticsearch.field_caps(
        index=imported.settings.index, fields="*", include_empty_fields=False
    )
    caps: dict[str, dict[str, Any]] = found["fields"]
    return caps


def _folders(home: Path) -> Iterator[Path]:
    """Folders of real files, of files that are made, and of files that are wrong each in its own way."""
    yield Path(pydicom.__file__).parent / "data" / "test_files"
    made = home / "made"
    made.mkdir()
    list(made_datasets(made))
    yield made
    odd = home / "odd"
    odd.mkdir()
    _changed(odd / "old.dcm", OLD, StudyDate="19050101")
    _changed(odd / "future.dcm", FUTURE, StudyDate="21991231")
    _changed(odd / "cut.dcm", CUT, FrameTimeVector=[1.0] * MANY_VALUES)
    yield odd
    # An image of that folder again, with another header.
    again = home / "again"
    again.mkdir()
    _changed(again / "cut.dcm", CUT, FrameTimeVector=[2.0] * MANY_VALUES)
    yield again


def _changed(path: Path, uid: str, **changes: object) -> None:
    """Write an image of 2004 under another UID."""
    dataset = pydicom.dcmread(get_testdata_file("CT_small.dcm"))
    for keyword in ("AcquisitionDate", "ContentDate", "SeriesDate"):
        delattr(dataset, keyword)
    dataset.SOPInstanceUID = dataset.file_meta.MediaStorageSOPInstanceUID = uid
    for keyword, value in changes.items():
        setattr(dataset, keyword, value)
    dataset.save_as(path)


def _images(services: Services) -> list[Image]:
    found = services.elasticsearch.search(
        index=services.settings.index, size=10_000, source_includes=["file.path", "batch"]
    )
    return [
        Image(
            hit["_id"],
            path := Path(hit["_source"]["file"]["path"]),
            hit["_source"]["batch"],
            _read(path),
        )
        for hit in found["hits"]["hits"]
    ]


def _read(path: Path) -> Dataset:
    content = path.read_bytes()
    if path.suffix == ".gz":
        content = gzip.decompress(content)
    return pydicom.dcmread(BytesIO(content), stop_before_pixels=True, force=True)
