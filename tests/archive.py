"""An archive of real images: pydicom's test files and some made for the purpose, indexed as the workers do."""

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from elasticsearch import Elasticsearch
from elasticsearch.helpers import bulk
from pydicom import dcmread
from pydicom.data import get_testdata_files
from pydicom.dataset import Dataset

from indexer.connecting import connect_elasticsearch
from indexer.document import FileFacts, build_document
from indexer.flatten import flatten
from indexer.reader import NotAnImage, ReadError, read_header
from indexer.settings import Settings
from mappings.index import ensure_index, write_alias
from tests.made_images import made_datasets

BATCH_OF_PYDICOM = "PYDICOM"
BATCH_OF_MADE = "MADE"


@dataclass(frozen=True)
class Indexed:
    """An image of the archive, as pydicom reads it."""

    id: str
    path: Path
    dataset: Dataset
    batch: str


@contextmanager
def archive_of(settings: Settings, folder: Path) -> Iterator[list[Indexed]]:
    """Index the archive, and delete it afterwards; of files with the same UID the first is taken.

    Parameters
    ----------
    settings
        Where.
    folder
        For the files that are made.
    """
    with connect_elasticsearch(settings, request_timeout=60) as client:
        index = ensure_index(client, settings.index)
        try:
            # Some of pydicom's files, and of those made here, are wrong on purpose.
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                found = _index_all(client, settings, folder)
            yield found
        finally:
            client.indices.delete(index=index)
            client.indices.delete_index_template(name=settings.index)


def _index_all(client: Elasticsearch, settings: Settings, folder: Path) -> list[Indexed]:
    found: dict[str, Indexed] = {}
    actions = []
    for path, batch in _files(folder):
        try:
            flattened = flatten(read_header(path, settings.limits), settings.limits)
        except (ReadError, NotAnImage):
            continue
        if flattened.id in found:
            continue
        found[flattened.id] = Indexed(flattened.id, path, dcmread(path, stop_before_pixels=True, force=True), batch)
        stat = path.stat()
        facts = FileFacts(str(path), path.name, stat.st_size, datetime.fromtimestamp(stat.st_mtime, UTC))
        document = build_document(flattened, facts, batch, datetime.now(UTC))
        actions.append({"_index": write_alias(settings.index), "_id": flattened.id, **document})
    bulk(client, actions, refresh=True)
    return list(found.values())


def _files(folder: Path) -> Iterator[tuple[Path, str]]:
    for name in sorted(get_testdata_files()):
        yield Path(name), BATCH_OF_PYDICOM
    for path in made_datasets(folder):
        yield path, BATCH_OF_MADE
