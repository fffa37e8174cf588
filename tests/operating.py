"""Batches that are worked on in this process: what is queued runs when a test says so, as workers would."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pydicom
from pydicom.data import get_testdata_file

from indexer.batches import delivery_of, offer
from indexer.indexing import index_chunk
from indexer.operations import tasks
from indexer.registering import register_batch
from indexer.services import Services
from indexer.status import Batch, Lease


class Operating:
    """Batches, their folders, and what is queued."""

    def __init__(self, services: Services, folder: Path) -> None:
        self.services = services
        self.folder = folder
        self.queued: list[tuple[str, Callable[[], None]]] = []
        queue: Any = services.queue
        queue.index = self._index
        queue.register = lambda batch, lease=None: self._add("register", lambda: register_batch(self.services, batch))
        queue.delete = lambda batch, delay=0.0: self._add("delete", lambda: tasks.delete(self.services, batch, "here"))
        queue.clean = lambda batch, delay=0.0: self._add("clean", lambda: tasks.clean(self.services, batch, "here"))

    def _add(self, name: str, run: Callable[[], None]) -> None:
        self.queued.append((name, run))

    def _index(self, lease: Lease, tries: int = 0, delay: float = 0.0) -> None:
        self._add("index", lambda: index_chunk(self.services, lease, "here", tries))

    def configure(self, **changes: object) -> None:
        """Change settings."""
        settings = self.services.settings.model_copy(update=changes)
        self.services = replace(self.services, settings=settings)

    @property
    def names(self) -> list[str]:
        """What is queued."""
        return [name for name, _ in self.queued]

    def run(self) -> None:
        """Run what is queued, and what that queues."""
        while self.queued:
            self.queued.pop(0)[1]()

    def make(self, batch: str, *uids: str, name: str = "{at}.dcm", **changes: object) -> Path:
        """Write a folder of images with these SOPInstanceUIDs."""
        folder = self.folder / batch
        folder.mkdir(parents=True, exist_ok=True)
        for at, uid in enumerate(uids):
            self.write(folder / name.format(at=at), uid, **changes)
        return folder

    def write(self, file: Path, uid: str, **changes: object) -> None:
        """Write an image."""
        dataset = pydicom.dcmread(get_testdata_file("CT_small.dcm"))
        for keyword, value in ({"SOPInstanceUID": uid} | changes).items():
            setattr(dataset, keyword, value)
        file.parent.mkdir(parents=True, exist_ok=True)
        dataset.save_as(file)

    def deliver(self, folder: Path, delivery: str | None = None) -> Batch:
        """Import a folder as the watcher would."""
        offered = offer(self.services.ledger, folder, "watcher", delivery or delivery_of(folder))
        register_batch(self.services, offered.id)
        self.run()
        return self.batch(offered.id)

    def imported(self, batch: str, *uids: str, **changes: object) -> Batch:
        """Write and import a folder of images."""
        return self.deliver(self.make(batch, *uids, **changes))

    def batch(self, batch: str) -> Batch:
        """One batch, which there is."""
        found = self.services.status.batch(batch)
        assert found is not None
        return found

    def documents(self) -> dict[str, dict[str, Any]]:
        """All documents that search finds, by id."""
        self.services.sink.refresh()
        answer = self.services.elasticsearch.search(
            index=self.services.settings.index, size=1_000, source_excludes=["text"], version=True
        )
        return {hit["_id"]: hit["_source"] for hit in answer["hits"]["hits"]}

    def where(self) -> dict[str, tuple[str, list[str]]]:
        """Of each document its batch, and the batches of the other files that it names."""
        return {
            id_: (document["batch"], [one["batch"] for one in document.get("duplicates", [])])
            for id_, document in self.documents().items()
        }

    def events(self, batch: str) -> list[str]:
        """What happened to a batch, the latest first."""
        return [event.what for event in self.services.status.events(batch)]

    def forget_all(self) -> None:
        """Remove all documents, so that the next test finds an empty index."""
        operations = [{"delete": {"_id": id_}} for id_ in self.documents()]
        if operations:
            self.services.elasticsearch.bulk(index=f"{self.services.settings.index}-write", operations=operations)
        self.services.sink.refresh()
