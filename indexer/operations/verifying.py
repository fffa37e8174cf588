"""Whether status, index and disk agree on a batch; what does not is listed and, if asked, repaired.

Everything goes by pages, so that a batch of any size takes the same memory. The records of the images are what is
believed; lists, counters and index have to agree with them.
"""

from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

from indexer.duplicates import FIELD, MOST_NAMED, in_document
from indexer.files import mtime_text, printable
from indexer.operations.documents import PAGE, Hit, Rewrite, hits_of, of_batch, pages, rewrite
from indexer.operations.model import LISTED, BatchBusyError, Difference, Progress, VerifyReport, no_progress
from indexer.operations.redelivery import deliver_again
from indexer.operations.underway import COMMAND, at_rest, found, underway
from indexer.operations.withdrawing import Withdrawal, document_path, relative_paths
from indexer.queue import chunks, new_lease
from indexer.services import Services
from indexer.status import Batch, BatchStatus, Image, ImageStatus, Place

OPERATION = "verify"
DIFFERENCES = {
    "counter": "a counter of the batch is not what its images say",
    "list": "an image stands in the list of another status",
    "lost": "an image is done, but has no document in the index",
    "unnamed": "an image is done, but the document of its SOPInstanceUID does not name its file",
    "unrecoverable": "an image has no document, and its file was cleaned up: it has to be imported again",
    "stray": "a document is of a file that is no done image of the batch",
    "file_gone": "the file of a done image is not on disk: see `dicomsearch sync`",
    "file_changed": "the file of a done image has changed on disk: see `dicomsearch sync`",
}


@dataclass
class _Account:
    images: int = 0
    documents: int = 0
    duplicates: int = 0
    counts: Counter[str] = field(default_factory=Counter)
    differences: list[Difference] = field(default_factory=list)

    def note(self, kind: str, what: str, detail: str = "", times: int = 1) -> None:
        self.counts[kind] += times
        if len(self.differences) < LISTED:
            self.differences.append(Difference(kind, printable(what), detail or DIFFERENCES[kind]))


def verify(
    services: Services,
    batch: str,
    *,
    repair: bool,
    files: bool = False,
    who: str = COMMAND,
    progress: Progress = no_progress,
) -> VerifyReport:
    """Compare status, index and, if asked, disk; repair the differences, if asked.

    Repaired means: images without a document are queued again, documents without an image are removed, counters and
    lists are put right. Differences of the disk are what `sync` repairs.

    Raises
    ------
    UnknownBatchError
        There is no such batch.
    BatchBusyError
        It is being indexed or deleted, or another operation is under way.
    ElasticsearchUnavailableError
        Elasticsearch does not answer.
    """
    one = found(services, batch)
    at_rest(one)
    with underway(services, batch, OPERATION, who):
        comparison = _Comparison(services, one, progress, repair=repair, files=files)
        if one.shrunk:
            comparison.compare_counts()
        else:
            comparison.compare_records()
            comparison.compare_lists()
            comparison.compare_documents()
            comparison.compare_counters()
        account = comparison.account
        # What was queued by a repair opens the batch again; anything else that does makes the figures worthless.
        if not repair and found(services, batch).status is not BatchStatus.DONE:
            raise BatchBusyError(f"The batch {batch} was delivered again meanwhile: try again when it is done.")
        services.ledger.note(
            batch, "verified", images=account.images, differences=account.counts.total(), repaired=int(repair)
        )
    return VerifyReport(account.images, account.documents, dict(account.counts), account.differences, repair)


class _Comparison:
    def __init__(self, services: Services, batch: Batch, progress: Progress, *, repair: bool, files: bool) -> None:
        self.account = _Account()
        self._services = services
        self._batch = batch
        self._progress = progress
        self._repair = repair
        self._files = files
        self._withdrawal = Withdrawal(services)

    def compare_records(self) -> None:
        """Look from each record at the lists, the index and the disk."""
        for images in self._services.status.all_images(self._batch.id):
            self.account.images += len(images)
            self.account.duplicates += sum(image.duplicate for image in images)
            self._mend([image.path for image in images])
            for some in chunks((image for image in images if image.status is ImageStatus.DONE), PAGE):
                self._compare_images(some)
            self._tell()

    def _tell(self) -> None:
        total = self._batch.counts.total + self._batch.counts.done
        self._progress(min(self.account.images + self.account.documents, total), total)

    def compare_lists(self) -> None:
        """Look from each list at the records: a path without one stands there wrongly."""
        for paths in chunks(self._services.status.paths(self._batch.id), PAGE):
            records = self._services.status.image_records(self._batch.id, paths)
            self._mend([path for path in paths if path not in records])

    def _mend(self, paths: list[str]) -> None:
        if not paths or not self._services.ledger.mend(self._batch.id, paths, really=False):
            return
        for path in paths:
            if self._services.ledger.mend(self._batch.id, [path], really=self._repair):
                self.account.note("list", path)

    def _compare_images(self, images: list[Image]) -> None:
        documents = hits_of(self._services, sorted({image.uid for image in images if image.uid}))
        again: list[str] = []
        for image in images:
            hit = documents.get(image.uid or "")
            if hit is None:
                kind = "unrecoverable" if self._batch.cleaned else "lost"
                self.account.note(kind, image.path)
                again.append(image.path)
            elif not self._is_named(hit, image):
                self.account.note("unnamed", image.path)
                again.append(image.path)
            if self._files:
                self._compare_file(image, hit)
        if again and self._repair:
            if self._batch.cleaned:
                self._name(images, again, documents)
            else:
                self._index(again)

    def _is_named(self, hit: Hit, image: Image) -> bool:
        path = document_path(self._batch, image.path)
        if any(
            place.batch == self._batch.id and (place.path == path or self._batch.cleaned)
            for place in hit.earlier.places
        ):
            return True
        return len(hit.earlier.others) >= MOST_NAMED

    def _compare_file(self, image: Image, hit: Hit | None) -> None:
        path = Path(self._batch.path) / image.path
        if self._batch.cleaned and hit is not None and hit.earlier.place.batch == self._batch.id:
            if self._batch.cleaned == "delete":
                return
            path = Path(hit.earlier.place.path)
        try:
            facts = path.lstat()
        except OSError:
            self.account.note("file_gone", image.path)
            return
        if (facts.st_size, mtime_text(facts)) != (image.size, image.mtime):
            self.account.note("file_changed", image.path)

    def _index(self, paths: list[str]) -> None:
        for some in chunks(paths, self._services.settings.chunk_files):
            if opened := self._services.ledger.reopen(self._batch.id, some, [ImageStatus.DONE]):
                self._services.queue.index(new_lease(self._batch.id, opened))

    def _name(self, images: list[Image], paths: list[str], documents: dict[str, Hit]) -> None:
        """Name cleaned files in their documents, since they cannot be indexed again."""
        wanted: dict[str, Rewrite] = {}
        for image in images:
            hit = documents.get(image.uid or "")
            if hit is not None and image.path in paths:
                place = Place(self._batch.id, document_path(self._batch, image.path), "")
                others = in_document(hit.earlier.place, [*hit.earlier.others, place])
                wanted[hit.id] = Rewrite(hit.earlier.version, {FIELD: others})
        rewrite(self._services, wanted)

    def compare_documents(self) -> None:
        """Look from each document of the batch at its records."""
        for hits in pages(self._services, of_batch(self._batch.id)):
            self.account.documents += len(hits)
            self._tell()
            suspects = {(hit.id, place.path) for hit, place in self._strays(hits)}
            for id_, path in sorted(suspects):
                self.account.note("stray", id_, f"{DIFFERENCES['stray']}: {path}")
            if suspects and self._repair:
                self._withdrawal.withdraw(sorted({id_ for id_, _ in suspects}), self._is_stray)

    def _strays(self, hits: list[Hit]) -> list[tuple[Hit, Place]]:
        places = [(hit, place) for hit in hits for place in hit.earlier.places if place.batch == self._batch.id]
        records: dict[str, Image] = {}
        for some in chunks((path for _, place in places for path in self._paths(place)), PAGE):
            records |= self._services.status.image_records(self._batch.id, some)
        return [(hit, place) for hit, place in places if not self._has_image(hit.id, place, records)]

    def _paths(self, place: Place) -> list[str]:
        return relative_paths(self._batch, place.path)

    def _is_stray(self, id_: str, place: Place) -> bool:
        """Ask anew, since it may have been indexed meanwhile."""
        if place.batch != self._batch.id:
            return False
        records = self._services.status.image_records(self._batch.id, self._paths(place))
        return not self._has_image(id_, place, records)

    def _has_image(self, id_: str, place: Place, records: dict[str, Image]) -> bool:
        paths = self._paths(place)
        if not paths and self._batch.cleaned:
            return True  # it is in the archive now
        images = [records[path] for path in paths if path in records]
        open_ones = (ImageStatus.NEW, ImageStatus.PROCESSING)
        return any(
            image.status in open_ones or (image.status is ImageStatus.DONE and image.uid == id_) for image in images
        )

    def compare_counters(self) -> None:
        """Compare the counters with the lists."""
        counts = found(self._services, self._batch.id).counts
        listed = {
            str(one).lower(): self._services.status.images(self._batch.id, 0, 0, one).count for one in ImageStatus
        }
        listed["total"] = sum(listed.values())
        for name, is_ in sorted(listed.items()):
            if getattr(counts, name) != is_:
                self.account.note("counter", name, f"{getattr(counts, name):,} instead of {is_:,}")
        # An image that was opened for a repair is no duplicate until it is done again.
        duplicates = counts.duplicates if self.account.counts["lost"] + self.account.counts["unnamed"] else None
        if duplicates is None and counts.duplicates != (is_ := self._duplicates()):
            self.account.note("counter", "duplicates", f"{counts.duplicates:,} instead of {is_:,}")
            if self._repair:
                self._services.ledger.count_duplicates(self._batch.id, is_)
        if self._repair:
            self._services.ledger.recount(self._batch.id)

    def _duplicates(self) -> int:
        """Count the duplicates; until it is the same twice, since a look at all records may tell one twice."""
        last, count = -1, self.account.duplicates
        while last != count:
            last, count = (
                count,
                sum(image.duplicate for images in self._services.status.all_images(self._batch.id) for image in images),
            )
        return count

    def compare_counts(self) -> None:
        """Compare a batch of which only the counts are kept: with how many of its files the index knows."""
        for hits in pages(self._services, of_batch(self._batch.id)):
            self.account.documents += len(hits)
            for hit in hits:
                self.account.images += sum(place.batch == self._batch.id for place in hit.earlier.places)
        done = self._batch.counts.done
        if self.account.images != done:
            detail = f"{done:,} images are done, the index knows {self.account.images:,}"
            self.account.note("lost", self._batch.id, detail, abs(done - self.account.images))
            if self._repair:
                deliver_again(self._services, self._batch, OPERATION)
