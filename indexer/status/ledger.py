"""Changing the status of batches and images: each method is one atomic script, and doing it twice changes nothing."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from indexer.status.model import ErrorCode, ImageStatus
from indexer.status.store import ACTIVE, BATCHES, RedisClient, batch_key, errors_key, images_key, load_script, now


class Added(StrEnum):
    """What became of a folder that was offered as a batch."""

    CREATED = "created"
    DELIVERED = "delivered"  # known, but delivered anew
    KNOWN = "known"  # this delivery has been seen before
    TAKEN = "taken"  # the id belongs to another folder


@dataclass(frozen=True, slots=True)
class FoundFile:
    """A file of a batch on disk: path relative to the folder, bytes, time of last change (seconds, as text)."""

    path: str
    size: int
    mtime: str


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one image that a task had taken.

    Attributes
    ----------
    file
        As the task took it: a file that has changed since is not settled by it.
    status
        DONE, ERROR, IGNORED; or NEW, which gives the image back.
    uid, duplicate
        Of a DONE image: its document, and whether another file had the same SOPInstanceUID.
    code, reason
        Of an ERROR image. The reason must not quote the header.
    """

    file: FoundFile
    status: ImageStatus
    uid: str | None = None
    duplicate: bool = False
    code: ErrorCode | None = None
    reason: str | None = None

    def details(self) -> str:
        """What the script keeps of it, as JSON."""
        values = {"uid": self.uid, "duplicate": self.duplicate, "code": self.code, "reason": self.reason}
        return json.dumps({key: value for key, value in values.items() if value})


class Ledger:
    """The one place that changes batches and images.

    Parameters
    ----------
    client
        From `indexer.status.connect`; its connection errors pass through.
    """

    def __init__(self, client: RedisClient) -> None:
        self._redis = client
        self._add = load_script(client, "add")
        self._register = load_script(client, "register")
        self._registered = load_script(client, "registered")
        self._begin = load_script(client, "begin")
        self._settle = load_script(client, "settle")
        self._finish = load_script(client, "finish")

    def add(self, batch: str, name: str, path: str, source: str, delivery: str) -> Added:
        """Begin a batch, or deliver a known one again.

        Parameters
        ----------
        delivery
            Tells one delivery of the folder from the next: offered with the same one, a batch stays as it is.
        """
        keys = [batch_key(batch), BATCHES, ACTIVE]
        return Added(self._add(keys=keys, args=[batch, name, path, source, delivery, now()]))

    def register(self, batch: str, files: Iterable[FoundFile]) -> list[str]:
        """List files of a batch; answer the paths of those that have to be indexed."""
        arguments: list[str | int | float] = [now()]
        for file in files:
            arguments += (file.path, file.size, file.mtime)
        keys = [batch_key(batch), images_key(batch), errors_key(batch)]
        wanted: list[str] = self._register(keys=keys, args=arguments)
        return wanted

    def registered(self, batch: str) -> bool:
        """Say that every file has been listed; answer whether no image is open."""
        return bool(self._registered(keys=[batch_key(batch)], args=[now()]))

    def begin(self, batch: str, paths: Sequence[str]) -> list[FoundFile]:
        """Take images for indexing; those that are final already are left out."""
        flat = self._begin(keys=[batch_key(batch), images_key(batch)], args=[now(), *paths])
        return [FoundFile(path, int(size), mtime) for path, size, mtime in zip(*[iter(flat)] * 3, strict=True)]

    def settle(self, batch: str, outcomes: Iterable[Outcome]) -> bool:
        """Write what became of images; answer whether no image of the completely listed batch is open any more."""
        arguments: list[str | int | float] = [now()]
        for outcome in outcomes:
            file = outcome.file
            arguments += (file.path, file.size, file.mtime, outcome.status, outcome.details())
        keys = [batch_key(batch), images_key(batch), errors_key(batch)]
        return bool(self._settle(keys=keys, args=arguments))

    def finish(self, batch: str) -> bool:
        """Make the batch DONE if nothing of it is open; answer True to the one caller that did."""
        return bool(self._finish(keys=[batch_key(batch), ACTIVE], args=[now(), batch]))
