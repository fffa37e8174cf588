"""Backups of the index and of the audit log, as snapshots that Elasticsearch keeps in a folder of its own.

A snapshot has the index behind the alias and the months of the audit log. Brought back, the images get an index of
their own beside the one that is there, and the aliases go over in one step when all of it is there: whatever fails
before, the archive is as it was.

https://www.elastic.co/docs/deploy-manage/tools/snapshot-and-restore
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from elasticsearch import Elasticsearch, NotFoundError

from mappings.index import (
    FIRST_NUMBER,
    IndexMissingError,
    all_indices,
    current_version,
    migrating_to,
    numbered,
    put_behind_aliases,
)

REPOSITORY = "dicomsearch"
# Large archives are copied for hours, and Elasticsearch answers when it is done.
_COPY_SECONDS = 7 * 86_400.0


class SnapshotError(Exception):
    """A backup cannot be made or brought back; the message says why and what to do."""


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A backup: what is in it, and whether it is whole.

    Attributes
    ----------
    images
        The index of the archive in it.
    audit
        The months of the audit log in it.
    """

    name: str
    made: datetime
    whole: bool
    images: str | None
    audit: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Restored:
    """What was brought back: the index now behind the alias, with its documents, and months of the audit log.

    Attributes
    ----------
    replaced
        The index that was behind the alias.
    kept
        Months that were there and were left as they were.
    """

    index: str
    documents: int
    replaced: str | None
    audit: tuple[str, ...]
    kept: tuple[str, ...]


def register_repository(client: Elasticsearch, folder: Path) -> None:
    """Tell Elasticsearch where backups are; it tries whether it can write there.

    The folder has to be in the setting `path.repo` of Elasticsearch.
    """
    client.snapshot.create_repository(
        name=REPOSITORY, repository={"type": "fs", "settings": {"location": str(folder), "compress": True}}, verify=True
    )


class Snapshots:
    """The backups of an archive.

    Parameters
    ----------
    client
        A client of Elasticsearch.
    index, audit_index
        The aliases for reading.
    """

    def __init__(self, client: Elasticsearch, index: str, audit_index: str) -> None:
        self._client = client
        self._patient = client.options(request_timeout=_COPY_SECONDS)
        self._index = index
        self._audit = audit_index

    def all(self) -> list[Snapshot]:
        """List them, the oldest first.

        Raises
        ------
        SnapshotError
            There is no repository.
        """
        try:
            answer = self._client.snapshot.get(repository=REPOSITORY, snapshot="_all", sort="start_time")
        except NotFoundError as error:
            raise SnapshotError(
                "Elasticsearch has not been told where backups are: set DICOMSEARCH_SNAPSHOTS and run "
                "`dicomsearch setup index`"
            ) from error
        return [self._read(found) for found in answer["snapshots"]]

    def make(self, now: datetime | None = None) -> Snapshot:
        """Make one, of this moment; indexing and searches go on.

        Raises
        ------
        SnapshotError
            There is nothing to copy, or not all of it could be copied: what is there of it does not count.
        """
        self.all()  # is there a repository?
        try:
            images = current_version(self._client, self._index).name
        except IndexMissingError as error:
            raise SnapshotError("there is no index yet") from error
        name = f"{self._index}-{now or datetime.now(UTC):%Y%m%d-%H%M%S}"
        answer = self._patient.snapshot.create(
            repository=REPOSITORY,
            snapshot=name,
            indices=[images, *self._months()],
            include_global_state=False,
            wait_for_completion=True,
        )
        made = self._read(answer["snapshot"])
        if not made.whole:
            shards = answer["snapshot"]["shards"]
            raise SnapshotError(f"{name} is not whole: {shards['failed']} of {shards['total']} shards were not copied")
        return made

    def keep(self, number: int) -> list[str]:
        """Delete all but the newest whole ones of this archive; answer which went."""
        whole = [one for one in self.all() if one.whole and one.images]
        gone = [one.name for one in whole[: max(0, len(whole) - number)]]
        for name in gone:
            self._patient.snapshot.delete(repository=REPOSITORY, snapshot=name)
        return gone

    def restore(self, name: str | None, *, replace: bool, say: Callable[[str], None] = lambda line: None) -> Restored:
        """Bring one back.

        Parameters
        ----------
        name
            Of the snapshot; None: the newest whole one.
        replace
            Whether an index with images may be replaced; it stays, behind no alias, until
            `dicomsearch migrate --drop-old`.

        Raises
        ------
        SnapshotError
            There is none, it is not whole, or there are images already and nothing was said of replacing them.
        """
        snapshot = self._find(name)
        if migrating_to(self._client, self._index):
            raise SnapshotError("a migration is under way: bring the backup back when it is done")
        old = self._old(replace)
        taken = all_indices(self._client, self._index)
        target = snapshot.images if snapshot.images not in taken else self._next(taken)
        if snapshot.images is None or target is None:
            raise SnapshotError(f"{snapshot.name} has no index of the archive {self._index}")
        say(f"bringing back {snapshot.name} as {target}")
        documents = self._bring_images(snapshot, snapshot.images, target, old)
        there = self._months()
        audit = tuple(month for month in snapshot.audit if month not in there)
        if audit:
            self._copy_back(snapshot, audit)
        kept = tuple(month for month in snapshot.audit if month in there)
        return Restored(target, documents, old, audit, kept)

    def _bring_images(self, snapshot: Snapshot, source: str, target: str, old: str | None) -> int:
        if old is not None:
            # Whoever writes waits meanwhile, and goes on with the new index: nothing is written into one that goes.
            self._client.indices.add_block(index=old, block="write")
        try:
            renamed = {"rename_pattern": f"^{source}$", "rename_replacement": target}
            self._copy_back(snapshot, [source], include_aliases=False, **renamed)
            put_behind_aliases(self._client, self._index, target, instead_of=old)
        except BaseException:
            self._client.indices.delete(index=target, ignore_unavailable=True)
            raise
        finally:
            if old is not None:
                self._client.indices.put_settings(index=old, settings={"index.blocks.write": None})
        return int(self._client.count(index=self._index)["count"])

    def _copy_back(self, snapshot: Snapshot, indices: Sequence[str], **options: Any) -> None:
        answer = self._patient.snapshot.restore(
            repository=REPOSITORY,
            snapshot=snapshot.name,
            indices=list(indices),
            include_global_state=False,
            # An index that was being filled, or blocked, when it was copied is an ordinary one again.
            ignore_index_settings=["index.blocks.write"],
            wait_for_completion=True,
            **options,
        )
        shards = answer["snapshot"]["shards"]
        if shards["failed"]:
            raise SnapshotError(
                f"{shards['failed']} of {shards['total']} shards of {', '.join(indices)} could not be brought back: "
                "see the log of Elasticsearch"
            )

    def _find(self, name: str | None) -> Snapshot:
        found = [one for one in self.all() if (name is None and one.whole and one.images) or one.name == name]
        if not found:
            raise SnapshotError("there is no backup yet" if name is None else f"there is no backup {name}")
        if not found[-1].whole:
            raise SnapshotError(f"{found[-1].name} is not whole: choose another one")
        return found[-1]

    def _old(self, replace: bool) -> str | None:
        try:
            old = current_version(self._client, self._index).name
        except IndexMissingError:
            return None
        images = int(self._client.count(index=old)["count"])
        if images and not replace:
            raise SnapshotError(
                f"there are {images:,} images in {old} already: with --replace the backup takes their place, and {old} "
                "is kept until `dicomsearch migrate --drop-old`"
            )
        return old

    def _next(self, taken: Sequence[str]) -> str:
        return numbered(self._index, max([int(name[-6:]) for name in taken], default=FIRST_NUMBER - 1) + 1)

    def _months(self) -> list[str]:
        found = self._client.indices.get(index=f"{self._audit}-*", filter_path="*.settings.index.uuid").body
        return sorted(found)

    def _read(self, found: dict[str, Any]) -> Snapshot:
        indices = found["indices"]
        images = [name for name in indices if name.startswith(f"{self._index}-") and name[-6:].isdecimal()]
        return Snapshot(
            name=found["snapshot"],
            made=datetime.fromtimestamp(found["start_time_in_millis"] / 1000, UTC),
            whole=found["state"] == "SUCCESS",
            images=max(images, default=None),
            audit=tuple(sorted(name for name in indices if name.startswith(f"{self._audit}-"))),
        )
