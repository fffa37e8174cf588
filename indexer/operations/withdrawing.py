"""Taking files out of the index: their documents, and where documents of the same image name them.

Where another file of the image is left, the image must still be found. It is indexed again from that file; where that
cannot be done (its own batch was cleaned up, or only its counts are kept) and its header is the same, the document is
handed over to it as it is.
"""

import os
import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeAlias

import structlog

from indexer.duplicates import FIELD, Earlier, in_document
from indexer.files import printable
from indexer.operations.documents import PAGE, Hit, Rewrite, hits_of, rewrite, time_text, write
from indexer.operations.model import BatchBusyError, OperationError
from indexer.operations.redelivery import deliver_again
from indexer.queue import chunks, new_lease
from indexer.services import Services
from indexer.sink import Change, Removal
from indexer.status import Batch, ImageStatus, Outcome, Place

log = structlog.get_logger(__name__)

Gone: TypeAlias = Callable[[str, Place], bool]
# How often a document that workers write meanwhile is looked at again.
_ROUNDS = 8
_ESCAPED = re.compile(rb"\\x([0-9a-f]{2})")


@dataclass
class Withdrawal:
    """Takes files out of documents.

    Attributes
    ----------
    removed
        Documents deleted or handed over so far.
    reopened
        Images of other files that are indexed again.
    """

    services: Services
    removed: int = 0
    reopened: int = 0
    _batches: dict[str, Batch | None] = field(default_factory=dict)

    def withdraw(self, ids: Iterable[str], gone: Gone) -> None:
        """Make documents of these ids say nothing of files that have gone.

        Doing it again, after it was interrupted, is right.

        Parameters
        ----------
        ids
            Of the documents that may be made from these files, or name them.
        gone
            Whether a file, as the document of this id names it, is one of them.

        Raises
        ------
        BatchBusyError
            Workers write the same images over and over.
        ElasticsearchUnavailableError
            Elasticsearch does not answer.
        """
        for some in chunks(ids, PAGE):
            removed: set[str] = set()
            open_ids = some
            for _ in range(_ROUNDS):
                found = hits_of(self.services, open_ids)
                concerned = [hit for hit in found.values() if _names(hit, gone)]
                if not concerned:
                    break
                self._change(concerned, gone, removed)
                open_ids = [hit.id for hit in concerned]
            else:
                raise BatchBusyError("Workers are indexing the same images: try again when they are done.")
            self.removed += len(removed)

    def _change(self, hits: Sequence[Hit], gone: Gone, removed: set[str]) -> None:
        removals: list[Change] = []
        rewrites: dict[str, Rewrite] = {}
        reopen: dict[str, list[str]] = defaultdict(list)
        anew: set[str] = set()
        for hit in hits:
            earlier = hit.earlier
            left = [place for place in earlier.others if not gone(hit.id, place)]
            if not gone(hit.id, earlier.place):
                rewrites[hit.id] = Rewrite(earlier.version, {FIELD: in_document(earlier.place, left) or None})
                continue
            removed.add(hit.id)
            again = {place: where for place in left if (where := self.record_of(place)) is not None}
            heir = next((place for place in left if self._can_take_over(place) and _same_header(place, earlier)), None)
            if heir is not None:
                rewrites[hit.id] = Rewrite(earlier.version, _handed_over(hit, heir, left))
            else:
                for batch, path in again.values():
                    reopen[batch].append(path)
                anew |= {place.batch for place in left if self._is_only_counted(place)}
                removals.append(Removal(hit.id, earlier.version))
        # The other files are queued before the document goes: whatever is interrupted here, none of them is forgotten.
        self._reopen(reopen)
        for shrunk in filter(None, map(self._batch, sorted(anew))):
            deliver_again(self.services, shrunk, "retry")
            self._batches.pop(shrunk.id)
        write(self.services, removals)
        rewrite(self.services, rewrites)

    def _reopen(self, wanted: dict[str, list[str]]) -> None:
        for batch, paths in wanted.items():
            for some in chunks(paths, self.services.settings.chunk_files):
                if opened := self.services.ledger.reopen(batch, some, [ImageStatus.DONE]):
                    self.services.queue.index(new_lease(batch, opened))
                    self.reopened += len(opened)
            log.info("images are indexed again from other files", batch=batch, images=len(paths))

    def record_of(self, place: Place) -> tuple[str, str] | None:
        """Find the image that a file is in its own batch, as far as it can be indexed again: batch, relative path."""
        batch = self._batch(place.batch)
        if batch is None or batch.cleaned or batch.shrunk:
            return None
        paths = relative_paths(batch, place.path)
        records = self.services.status.image_records(batch.id, paths)
        return next(((batch.id, path) for path in paths if path in records), None)

    def _batch(self, batch_id: str) -> Batch | None:
        if batch_id not in self._batches:
            self._batches[batch_id] = self.services.status.batch(batch_id)
        batch = self._batches[batch_id]
        return None if batch is None or batch.deleting else batch

    def _can_take_over(self, place: Place) -> bool:
        batch = self._batch(place.batch)
        return batch is not None and bool(batch.cleaned or batch.shrunk)

    def _is_only_counted(self, place: Place) -> bool:
        batch = self._batch(place.batch)
        return batch is not None and batch.shrunk and not batch.cleaned


def withdraw_former(services: Services, batch: Batch, outcomes: Iterable[Outcome]) -> None:
    """Remove the documents of what files were before: changed files that hold another image now.

    Parameters
    ----------
    outcomes
        Of the files, not yet settled: their records still tell which images they were.
    """
    now = {one.file.path: one.uid for one in outcomes if one.uid}
    records = services.status.image_records(batch.id, list(now))
    former = {
        (image.uid, document_path(batch, path))
        for path, image in records.items()
        if image.uid and image.uid != now[path]
    }
    if not former:
        return
    try:
        Withdrawal(services).withdraw(
            sorted({uid for uid, _ in former}),
            lambda id_, place: place.batch == batch.id and (id_, place.path) in former,
        )
    except OperationError as error:
        log.warning("former documents stay", batch=batch.id, documents=len(former), reason=str(error))


def relative_paths(batch: Batch, document_path: str) -> list[str]:
    r"""Tell which path in its batch the path in a document may stand for: bytes that are no UTF-8 are `\xNN` there."""
    folder = printable(batch.path).rstrip("/") + "/"
    if not document_path.startswith(folder):
        return []
    path = document_path.removeprefix(folder)
    raw = os.fsdecode(_ESCAPED.sub(lambda match: bytes([int(match[1], 16)]), path.encode()))
    return [path] if raw == path else [path, raw]


def document_path(batch: Batch, path: str) -> str:
    """Write the path of an image as its document has it."""
    return printable(str(Path(batch.path) / path))


def _names(hit: Hit, gone: Gone) -> bool:
    return any(gone(hit.id, place) for place in hit.earlier.places)


def _same_header(place: Place, earlier: Earlier) -> bool:
    return bool(place.digest) and place.digest == earlier.place.digest


def _handed_over(hit: Hit, heir: Place, left: Iterable[Place]) -> dict[str, Any]:
    file: dict[str, Any] = {**hit.file, "path": heir.path, "name": heir.path.rpartition("/")[2]}
    try:
        facts = Path(heir.path).lstat()
    except (OSError, ValueError):
        pass  # its file was deleted when its batch was cleaned up: the old one's size and time are those of a copy
    else:
        file |= {"size": facts.st_size, "mtime": time_text(facts)}
    others = [place for place in left if place is not heir]
    return {"batch": heir.batch, "file": file, FIELD: in_document(heir, others) or None}
