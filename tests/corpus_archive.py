"""The corpus of real files, brought into Elasticsearch by the same steps that workers take, in this process."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from indexer.batches import delivery_of, offer
from indexer.indexing import index_chunk
from indexer.queue import TaskQueue
from indexer.registering import register_batch
from indexer.services import build_services
from indexer.settings import Settings
from indexer.status import Lease
from tests.corpus_hostile import hostile_files

BATCHES = ("edge", "public")
HOSTILE = "hostile"
# What pydicom cannot read to its end, or reads by another layout than the one that is in the file.
UNREADABLE_BY_PYDICOM = {
    "FreezePattern.dcm",
    "GH177_D_CLUNIE_CT1_IVRLE_BigEndian_undefined_length.dcm",
    "GH364.dcm",
}


@dataclass(frozen=True)
class CorpusImage:
    """An image of the archive: what the index calls it, its file, and its batch."""

    id: str
    path: Path
    batch: str


@dataclass(frozen=True)
class CorpusArchive:
    """The archive: where it is, its images, and what became of each file (paths relative to the batch's folder)."""

    settings: Settings
    images: list[CorpusImage]
    statuses: dict[Path, str]


class _Here(TaskQueue):
    """A queue that keeps its tasks, to be run in this process."""

    def __init__(self) -> None:
        self.leases: list[Lease] = []

    def index(self, lease: Lease, tries: int = 0, delay: float = 0.0) -> None:
        self.leases.append(lease)


@contextmanager
def corpus_archive(settings: Settings, corpus: Path, made: Path) -> Iterator[CorpusArchive]:
    """Import the corpus and some hostile files, and delete the index afterwards.

    Parameters
    ----------
    settings
        Where.
    corpus
        The folder of real files.
    made
        A folder for files that are made.
    """
    queue = _Here()
    services = replace(build_services(settings), queue=queue)
    client = services.elasticsearch
    statuses: dict[Path, str] = {}
    hostile = made / HOSTILE
    hostile.mkdir()
    hostile_files(hostile)
    try:
        for folder in (*(corpus.resolve() / name for name in BATCHES), hostile):
            batch = offer(services.ledger, folder, "import", delivery_of(folder)).id
            register_batch(services, batch)
            while queue.leases:
                index_chunk(services, queue.leases.pop(0), "here")
            found = services.status.images(batch, 0, 10_000).results
            statuses |= {folder / image.path: image.status.value for image in found}
        client.indices.refresh(index=settings.index)
        hits = client.search(index=settings.index, size=10_000, source_includes=["file.path", "batch"])["hits"]["hits"]
        yield CorpusArchive(settings, [_image(hit) for hit in hits], statuses)
    finally:
        for index in client.indices.get(index=f"{settings.index}-*"):
            client.indices.delete(index=index)
        client.indices.delete_index_template(name=settings.index)
        client.close()


def _image(hit: dict[str, Any]) -> CorpusImage:
    return CorpusImage(hit["_id"], Path(hit["_source"]["file"]["path"]), hit["_source"]["batch"])
