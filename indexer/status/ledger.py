"""Changing the status of batches and images: each method is one atomic script, and doing it twice changes nothing."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, TypeAlias

from redis.commands.core import Script

from indexer.status.connection import RedisClient, load_script, now
from indexer.status.keys import ACTIVE, BATCHES, DELETED, PATHS, TO_CLEAN, batch_key, errors_key, images_key
from indexer.status.model import ErrorCode, ImageStatus

Argument: TypeAlias = str | int | float
# Images that one script changes at most, since Redis does nothing else meanwhile.
_SLICE = 1_000


class Added(StrEnum):
    """What became of a folder that was offered as a batch."""

    CREATED = "created"
    DELIVERED = "delivered"  # known, but delivered anew
    KNOWN = "known"  # this delivery has been seen before
    TAKEN = "taken"  # the id belongs to another folder
    DELETING = "deleting"  # known, and about to be deleted: to be offered again when that is done


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
        self._scripts: dict[str, Script] = {}

    def add(self, batch: str, name: str, path: str, source: str, delivery: str) -> Added:
        """Begin a batch, or deliver a known one again.

        Parameters
        ----------
        delivery
            Tells one delivery of the folder from the next: offered with the same one, a batch stays as it is, and one
            that was deleted does not come back.
        """
        return Added(self._run("add", self._all(batch), [batch, name, path, source, delivery, now()]))

    def batch_of(self, path: str) -> str | None:
        """Which batch a folder is, whatever its name would suggest; None where it is none."""
        batch: str | None = self._redis.hget(PATHS, path)
        return batch

    def register(self, batch: str, files: Iterable[FoundFile]) -> list[str]:
        """List files of a batch; answer the paths of those that have to be indexed."""
        arguments: list[Argument] = [now()]
        for file in files:
            arguments += (file.path, file.size, file.mtime)
        wanted: list[str] = self._run("register", self._three(batch), arguments)
        return wanted

    def registered(self, batch: str) -> bool:
        """Say that every file has been listed; answer whether no image is open."""
        return bool(self._run("registered", [batch_key(batch)], [now()]))

    def begin(self, batch: str, paths: Sequence[str]) -> list[FoundFile]:
        """Take images for indexing; those that are final already are left out."""
        flat = self._run("begin", [batch_key(batch), images_key(batch)], [now(), *paths])
        return [FoundFile(path, int(size), mtime) for path, size, mtime in zip(*[iter(flat)] * 3, strict=True)]

    def settle(self, batch: str, outcomes: Iterable[Outcome]) -> bool:
        """Write what became of images; answer whether no image of the completely listed batch is open any more."""
        arguments: list[Argument] = [now()]
        for outcome in outcomes:
            file = outcome.file
            arguments += (file.path, file.size, file.mtime, outcome.status, outcome.details())
        return bool(self._run("settle", self._three(batch), arguments))

    def finish(self, batch: str, outboxes: Sequence[str] = ()) -> bool:
        """Make the batch DONE if nothing of it is open; answer True to the one caller that did.

        Parameters
        ----------
        outboxes
            Keys of the lists that are to tell of it (`indexer.notifying`) or to record it (`indexer.audit`).
        """
        return bool(self._run("finish", [batch_key(batch), ACTIVE, *outboxes], [now(), batch]))

    def reopen(self, batch: str, paths: Sequence[str], statuses: Iterable[ImageStatus]) -> list[str]:
        """Make images of these final statuses NEW again; answer which did. They have to be queued then."""
        opened: list[str] = self._run(
            "reopen", [*self._three(batch), ACTIVE], [now(), batch, " ".join(statuses), *paths]
        )
        return opened

    def cancel(self, batch: str) -> int:
        """Make what nobody has taken yet an error that can be retried; answer how many images that were.

        What is being worked on comes to its own end. A batch that is DONE stays as it is.
        """
        count = 0
        while some := int(self._run("cancel", self._three(batch), [now(), _SLICE])):
            count += some
        return count

    def forget(self, batch: str, paths: Sequence[str]) -> int:
        """Take images out of a batch because their files have gone; answer how many. Open ones stay."""
        return int(self._run("forget", self._three(batch), [now(), *paths]))

    def recount(self, batch: str) -> bool:
        """Make the counters what the lists say; answer whether one was wrong."""
        return bool(self._run("recount", [batch_key(batch)], [now()]))

    def describe(self, batch: str, *, tags: Sequence[str] | None = None, note: str | None = None) -> bool:
        """Change what people say of a batch; answer False where there is none of that id."""
        values: list[Argument] = []
        if tags is not None:
            values += ["tags", json.dumps(list(tags), ensure_ascii=False)]
        if note is not None:
            values += ["note", note]
        return bool(self._run("describe", [batch_key(batch)], [now(), *values]))

    def note(self, batch: str, what: str, **details: int | float | str | None) -> None:
        """Add to the history of a batch. Details must not quote a header."""
        self._run("note", [batch_key(batch)], [now(), what, json.dumps(details)])

    def mark_deleting(self, batch: str, *, files: bool) -> bool:
        """Let nothing of a batch be taken any more, because it is to be deleted; answer False for an unknown one."""
        return bool(self._run("deleting", [batch_key(batch), ACTIVE], [now(), batch, int(files)]))

    def delete(self, batch: str) -> bool:
        """Delete all that is known of a batch that was marked; answer whether it was there."""
        return bool(self._run("delete", self._all(batch), [batch]))

    def shrink(self, batch: str) -> bool:
        """Keep only the counts of a batch that is DONE without errors; answer whether it was such a one."""
        return bool(self._run("shrink", [batch_key(batch), images_key(batch)], [now()]))

    def delivered(self, batch: str, delivery: str) -> None:
        """Let a batch's folder as it is now count as known: what changed in it was our own doing."""
        self._run("describe", [batch_key(batch)], [now(), "delivery", delivery])

    def cleaned(self, batch: str, how: str) -> None:
        """Say that files of a batch may be missing from now on, because a clean-up deletes or archives them."""
        self._run("describe", [batch_key(batch)], [now(), "cleaned", how])

    def clean_later(self, batch: str, *, wanted: bool = True) -> None:
        """Remember that the files of a batch are to be cleaned up, or that it is settled."""
        if wanted:
            self._redis.sadd(TO_CLEAN, batch)
        else:
            self._redis.srem(TO_CLEAN, batch)

    def mend(self, batch: str, paths: Sequence[str], *, really: bool) -> int:
        """Put images into the list of their status that are in a wrong one; answer how many there are."""
        return int(self._run("mend", [batch_key(batch), images_key(batch)], [int(really), *paths]))

    def count_duplicates(self, batch: str, count: int) -> None:
        """Put the counter of duplicates right."""
        self._run("describe", [batch_key(batch)], [now(), "duplicates", count])

    def _three(self, batch: str) -> list[str]:
        return [batch_key(batch), images_key(batch), errors_key(batch)]

    def _all(self, batch: str) -> list[str]:
        return [batch_key(batch), BATCHES, ACTIVE, DELETED, images_key(batch), errors_key(batch), PATHS]

    def _run(self, name: str, keys: Sequence[str], arguments: Sequence[Argument]) -> Any:
        if name not in self._scripts:
            self._scripts[name] = load_script(self._redis, name)
        return self._scripts[name](keys=keys, args=arguments)
