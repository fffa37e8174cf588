"""The shapes of requests and answers: checked when they come in, described in the OpenAPI document."""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from app.api import examples
from app.api.examples import shown_as, such_as
from app.archive import LARGEST_PAGE
from app.problems import CONTENT_TYPE, Problem
from app.search.levels import Level
from indexer.status import BatchStatus, ImageStatus

DESCRIPTION = (
    "Search DICOM images by anything in their headers. Lists answer `count`, `next`, `previous` and `results`; errors "
    "are problem documents (RFC 9457)."
)
LARGEST_LIST = 1_000
PROBLEM = "ProblemDocument"

Condition = Annotated[str, Field(min_length=1)]


class Parameters(BaseModel):
    """Parameters of a request: an unknown one is an error, not a wish that is silently ignored."""

    model_config = ConfigDict(extra="forbid")


class PageParameters(Parameters):
    """Which part of a list."""

    offset: int = Field(0, ge=0, le=10_000_000, description="entries to leave out", json_schema_extra=such_as(0))
    size: int = Field(
        50, ge=1, le=LARGEST_LIST, description="entries to answer, at most", json_schema_extra=such_as(20)
    )


class ImagesParameters(PageParameters):
    """Which part of a batch's images."""

    status: ImageStatus | None = Field(
        None, description="only images of this status", json_schema_extra=such_as(ImageStatus.DONE.value)
    )


class BatchesParameters(PageParameters):
    """Which batches."""

    q: str = Field(
        "",
        max_length=1_000,
        description="words that are in the name, a tag or the note",
        json_schema_extra=such_as("case"),
    )
    status: BatchStatus | None = Field(
        None, description="only batches of this status", json_schema_extra=such_as(BatchStatus.DONE.value)
    )
    has_error: bool | None = Field(
        None, description="only batches with errors, or without", json_schema_extra=such_as(True)
    )
    tag: str | None = Field(None, description="only batches with this tag", json_schema_extra=such_as("trial A"))


class SearchParameters(Parameters):
    """What to search for."""

    q: str = Field(
        "",
        description="the query; blank finds everything",
        json_schema_extra=such_as(examples.QUERY),
    )
    level: Level = Field(Level.IMAGE, description="what a result is", json_schema_extra=such_as(Level.SERIES.value))
    filter: list[Condition] = Field(
        [],
        description="conditions beside the query, as in `Modality:=CT`; those on one field are alternatives",
        json_schema_extra=such_as(examples.FILTER),
    )
    size: int = Field(25, ge=0, le=LARGEST_PAGE, description="results of a page", json_schema_extra=such_as(10))
    after: str = Field(
        "", description="`next` or `previous` of an answer, to get that page", json_schema_extra=such_as("")
    )
    sort: str = Field(
        "",
        description="fields to sort by, separated by commas; `-` before a name sorts downwards",
        json_schema_extra=such_as(examples.SORT),
    )
    fields: str = Field(
        "",
        description="fields to show, separated by commas; none means a useful selection",
        json_schema_extra=such_as(examples.FIELDS),
    )
    facets: str = Field(
        "",
        description="fields whose values are counted, separated by commas; `default` stands for the usual ones",
        json_schema_extra=such_as(examples.FACETS),
    )
    facet_size: int = Field(
        20, ge=1, le=LARGEST_PAGE, description="values of a facet, at most", json_schema_extra=such_as(20)
    )


class BatchPath(BaseModel):
    """Which batch."""

    batch: str = Field(description="id of the batch", json_schema_extra=such_as(examples.BATCH_ID))


class ImagePath(BaseModel):
    """Which image."""

    image: str = Field(
        description="id of the image: its SOPInstanceUID, or `sha256-` and the file's digest",
        json_schema_extra=such_as(examples.IMAGE_ID),
    )


class Page(BaseModel):
    """A part of a list."""

    count: int = Field(description="entries of the whole list")
    next: str | None = Field(description="address of the next part")
    previous: str | None = Field(description="address of the part before")


class CountsDocument(BaseModel):
    """Images of a batch by status; duplicates are among the done."""

    total: int
    new: int
    processing: int
    done: int
    error: int
    ignored: int
    duplicates: int


class BatchSummary(BaseModel):
    """A batch: the images imported together."""

    model_config = shown_as(examples.BATCH_SUMMARY)

    id: str
    name: str
    status: Literal["NEW", "PROCESSING", "DONE"]
    has_error: bool
    counts: CountsDocument
    add_date: str
    modify_date: str
    finished_at: str | None
    tags: list[str]
    note: str
    source: str = Field(description="what it came by, such as `watcher`, `import` or `upload`")
    rate: float = Field(description="images per second, the last half minute counting most")
    seconds_left: float | None = Field(description="how long the open images will take; null where nobody knows")
    cancelled: bool = Field(description="whether what nobody had begun was left out on request")
    deleting: bool = Field(description="whether it is about to go")
    cleaned: str = Field(description="what has been done with its files: `delete`, `archive`, or nothing")
    shrunk: bool = Field(description="whether only its counts are kept, and its images are listed by search alone")


class ErrorDocument(BaseModel):
    """Why a file could not be indexed."""

    path: str
    code: str
    reason: str


class BatchDocument(BatchSummary):
    """A batch with its errors."""

    model_config = shown_as(examples.BATCH)

    errors: list[ErrorDocument] = Field(description=f"the first {LARGEST_LIST:,}; `counts.error` tells how many")


class ReceiptDocument(BaseModel):
    """What became of all elements of a batch's images; `elements` is the sum of the counts after it."""

    model_config = shown_as(examples.RECEIPT)

    images: int = Field(description="images of the batch in the index")
    conflicts: int = Field(description="images whose SOPInstanceUID another file has with a different header")
    elements: int
    indexed: int
    empty: int
    binary: int
    malformed: int
    truncated: int
    structural: int


class BatchList(Page):
    """Batches, the newest first."""

    model_config = shown_as(examples.BATCHES)

    results: list[BatchSummary]


class FileDocument(BaseModel):
    """One file of a batch."""

    path: str
    status: ImageStatus
    uid: str | None = Field(description="id of the image, where it is DONE")
    size: int
    mtime: str


class FileList(Page):
    """Files of a batch, by status and path."""

    model_config = shown_as(examples.FILES)

    results: list[FileDocument]


class BelowDocument(BaseModel):
    """What a series, a study or a patient consists of, whether found or not."""

    found: int = Field(description="images of it that the query finds")
    images: int
    series: int
    studies: int
    modalities: list[str]
    first_date: str | None = Field(description="the earliest StudyDate")
    last_date: str | None = Field(description="the latest StudyDate")


class ResultDocument(BaseModel):
    """One image that was found, or one series, study or patient with images that were found."""

    id: str = Field(description="of the image; at other levels a key of the row, as in `derived.study`")
    fields: dict[str, Any] = Field(description="of the image, or of the row's first image that was found")
    below: BelowDocument | None = Field(None, description="at levels above images")


class FacetValue(BaseModel):
    """A value, or a range or span as the query language has it, and how many results have it."""

    value: Any = Field(description="null counts the results without a value")
    count: int


class SearchDocument(BaseModel):
    """What a search found."""

    model_config = shown_as(examples.SEARCH)

    total: int = Field(description="results on all pages")
    level: Level
    images: int | None = Field(None, description="at levels above images: images that the query finds")
    approximate: bool | None = Field(None, description="at levels above images: whether `total` is an estimate")
    results: list[ResultDocument]
    facets: dict[str, list[FacetValue]]
    next: str | None = Field(description="opaque; give it back as `after` to get the next page")
    previous: str | None = Field(description="opaque; give it back as `after` to get the page before")
    milliseconds: int = Field(description="what Elasticsearch took")
    partial: bool = Field(description="whether time ran out, so that there may be more")


class ImageDocument(BaseModel):
    """An image: its attributes, and what dicomsearch knows about it."""

    model_config = shown_as(examples.IMAGE)

    id: str
    batch: str | None
    file: dict[str, Any]
    derived: dict[str, Any]
    receipt: dict[str, Any]
    indexed_at: str | None
    fields: dict[str, Any]


class ProblemDocument(BaseModel):
    """A problem (RFC 9457)."""

    model_config = ConfigDict(extra="allow")

    type: str
    title: str
    status: int
    detail: str


def problems(*statuses: int) -> dict[str | int, Any]:
    """Describe the problems that a route may answer, for its `responses`."""
    return {str(status): {"content": {CONTENT_TYPE: _problem(status)}} for status in statuses}


def _problem(status: int) -> dict[str, Any]:
    kind, title, detail = examples.PROBLEMS[status]
    example = Problem(status, title, detail, kind).document()
    return {"schema": {"$ref": f"#/components/schemas/{PROBLEM}"}, "example": example}
