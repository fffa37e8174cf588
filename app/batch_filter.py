"""Finding batches by what they are called and how they are.

The status keeps batches by time alone. Whoever looks for some of them has all read, page by page; thousands of batches
take a fraction of a second.
"""

from dataclasses import dataclass

from indexer.status import Batch, BatchStatus, Page, StatusStore


@dataclass(frozen=True, slots=True)
class BatchFilter:
    """Which batches are wanted.

    Attributes
    ----------
    text
        Is part of the name, of a tag or of the note, whatever its case; several words are all there.
    status, has_error, tag
        None wants any; a tag is compared as a whole, whatever its case.
    """

    text: str = ""
    status: BatchStatus | None = None
    has_error: bool | None = None
    tag: str | None = None

    @property
    def wants_all(self) -> bool:
        """Whether every batch is wanted."""
        return not self.text.split() and self.status is None and self.has_error is None and not self.tag

    def wants(self, batch: Batch) -> bool:
        """Whether a batch is one of those."""
        if self.status is not None and batch.status is not self.status:
            return False
        if self.has_error is not None and batch.has_error is not self.has_error:
            return False
        if self.tag and self.tag.casefold() not in (tag.casefold() for tag in batch.tags):
            return False
        said = "\n".join((batch.id, batch.name, *batch.tags, batch.note)).casefold()
        return all(word in said for word in self.text.casefold().split())


def find_batches(status: StatusStore, wanted: BatchFilter, offset: int, limit: int) -> Page[Batch]:
    """Answer some of the batches that are wanted, the newest first, and how many there are in all."""
    if wanted.wants_all:
        return status.batches(offset, limit)
    count = 0
    found: list[Batch] = []
    for batch in status.all_batches():
        if wanted.wants(batch):
            if offset <= count < offset + limit:
                found.append(batch)
            count += 1
    return Page(count, found)
