"""What is asked of the archive, and what it answers."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from app.search.columns import Column
from app.search.fields import Field
from app.search.levels import Level

LARGEST_PAGE = 1_000


@dataclass(frozen=True, slots=True)
class SearchRequest:
    """What is asked of the archive.

    Attributes
    ----------
    query
        In the query language; blank finds everything.
    size
        Results of a page, 0 to `LARGEST_PAGE`.
    after
        `next` or `previous` of an answer, to get that page.
    sort
        Fields to sort by, `-` before a name sorts downwards.
    fields
        Fields to show; none means the default ones.
    level
        What a result is.
    filters
        Conditions beside the query; those on one field are alternatives (see `app.search.filters`).
    """

    query: str = ""
    size: int = 25
    after: str = ""
    sort: str = ""
    fields: tuple[str, ...] = ()
    level: Level = Level.IMAGE
    filters: tuple[str, ...] = ()

    @property
    def page_size(self) -> int:
        """Results of a page, within the bounds."""
        return min(max(self.size, 0), LARGEST_PAGE)


@dataclass(frozen=True, slots=True)
class Below:
    """What a series, a study or a patient consists of: all of it, not only what was found.

    Attributes
    ----------
    found
        Images of it that the query finds.
    images, series, studies
        How many it has.
    modalities
        Of its images, the most frequent first.
    first_date, last_date
        The earliest and the latest StudyDate (ISO 8601); None where it has none.
    """

    found: int
    images: int
    series: int
    studies: int
    modalities: tuple[str, ...]
    first_date: str | None
    last_date: str | None


@dataclass(frozen=True, slots=True)
class Result:
    """One image, or, at another level, one row: its id is then the key of the level.

    Attributes
    ----------
    id
        Of the image, or key of the row.
    fields
        Values by the names of the columns; of a row, those of its first image that was found.
    below
        What a row consists of; None for an image.
    """

    id: str
    fields: Mapping[str, Any]
    below: Below | None = None


@dataclass(frozen=True, slots=True)
class Answer:
    """What the archive answers.

    Attributes
    ----------
    total
        Results that the query finds, on all pages.
    results
        Those of this page.
    next, previous
        The `after` of the neighbouring pages; None at the ends.
    columns
        What each result shows.
    named
        The fields that the query names.
    milliseconds
        What Elasticsearch took.
    partial
        Whether time ran out, or a shard failed, so that there may be more.
    images
        Images that the query finds.
    approximate
        Whether `total` is an estimate.
    """

    total: int
    results: list[Result]
    next: str | None
    previous: str | None
    columns: tuple[Column, ...]
    named: tuple[Field, ...]
    milliseconds: int
    partial: bool
    images: int
    approximate: bool = False


@dataclass(frozen=True, slots=True)
class ImageFile:
    """The file of an image: the id that the index has for the image, and the path."""

    image: str
    path: str


@dataclass(frozen=True, slots=True)
class ArchiveState:
    """How Elasticsearch is: `status` is green, yellow or red."""

    status: str
    images: int | None


def values_of(source: Mapping[str, Any], columns: Iterable[Column]) -> dict[str, Any]:
    """Take the values of columns out of a document."""
    values = {column.name: column.value(source) for column in columns}
    return {name: value for name, value in values.items() if value is not None}
