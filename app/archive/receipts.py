"""What the index says of itself: the receipt of a batch, and whether the mapping is that of this code.

The receipt of a batch is the sum of its images' receipts. It is asked of the index and not counted along, so that it
always says what a search finds: after a delivery again, a migration or a deletion, too.
"""

from dataclasses import dataclass, fields

from elasticsearch import ApiError, Elasticsearch, NotFoundError, TransportError

from app.archive.errors import ArchiveUnavailableError
from indexer.connecting import refusal
from mappings.index import IndexMissingError, index_is_older_than_code


@dataclass(frozen=True, slots=True)
class BatchReceipt:
    """Images of a batch in the index, and their elements by what became of them.

    Attributes
    ----------
    conflicts
        Images whose SOPInstanceUID another file has with a different header.
    elements
        The sum of the rest.
    """

    images: int
    conflicts: int
    elements: int
    indexed: int
    empty: int
    binary: int
    malformed: int
    truncated: int
    structural: int


COLUMNS = tuple(field.name for field in fields(BatchReceipt) if field.name not in ("images", "conflicts"))


class BatchReceipts:
    """The receipts of batches.

    Parameters
    ----------
    client
        Of Elasticsearch.
    index
        The alias for reading.
    """

    def __init__(self, client: Elasticsearch, index: str) -> None:
        self._client = client
        self._index = index

    def of(self, batch: str) -> BatchReceipt:
        """Sum the receipts of the images that a search for the batch finds.

        Raises
        ------
        ArchiveUnavailableError
            Elasticsearch does not answer.
        """
        try:
            answer = self._client.search(
                index=self._index,
                size=0,
                track_total_hits=True,
                query={"term": {"batch": batch}},
                aggs={
                    "conflicts": {"filter": {"term": {"duplicates.conflict": "true"}}},
                    **{name: {"sum": {"field": f"receipt.{name}"}} for name in COLUMNS},
                },
            )
        except NotFoundError:
            return BatchReceipt(0, 0, *(0 for _ in COLUMNS))
        except (ApiError, TransportError) as error:
            reason = refusal(error) or "Elasticsearch does not answer"
            raise ArchiveUnavailableError(f"{reason}: the receipt is not known.") from error
        sums = (int(answer["aggregations"][name]["value"]) for name in COLUMNS)
        conflicts = int(answer["aggregations"]["conflicts"]["doc_count"])
        return BatchReceipt(int(answer["hits"]["total"]["value"]), conflicts, *sums)


class IndexAge:
    """Whether the index was made by another version of the mapping.

    Parameters
    ----------
    client
        Of Elasticsearch.
    index
        The alias for reading.
    """

    def __init__(self, client: Elasticsearch, index: str) -> None:
        self._client = client.options(request_timeout=2, max_retries=0)
        self._index = index

    def advice(self) -> str | None:
        """Say what to do about an index that is older than the code; None when there is nothing to do, or to ask."""
        try:
            if index_is_older_than_code(self._client, self._index):
                return (
                    "The index is older than this version of dicomsearch: some fields are not searchable as they "
                    "should be. Run `dicomsearch migrate`; searches and imports go on meanwhile."
                )
        except (IndexMissingError, ApiError, TransportError):
            return None
        return None
