"""The shapes of requests and answers: checked when they come in, described in the OpenAPI document."""

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from app.archive import LARGEST_PAGE
from app.problems import CONTENT_TYPE
from app.search.levels import Level
from indexer.status import ImageStatus

DESCRIPTION = (
    "Search DICOM images by anything in their headers. Lists answer `count`, `next`, `previous` and `results`; errors "
    "are problem documents (RFC 9457)."
)
LARGEST_LIST = 1_000


class Parameters(BaseModel):
    """Parameters of a request: an unknown one is an error, not a wish that is silently ignored."""

    model_config = ConfigDict(extra="forbid")


class PageParameters(Parameters):
    """Which part of a list."""

    offset: int = Field(0, ge=0, le=10_000_000, description="entries to leave out")
    size: int = Field(50, ge=1, le=LARGEST_LIST, description="entries to answer, at most")


class ImagesParameters(PageParameters):
    """Which part of a batch's images."""

    status: ImageStatus | None = Field(None, description="only images of this status")


class SearchParameters(Parameters):
    """What to search for."""

    q: str = Field(
        "",
        description="the query; blank finds everything",
        json_schema_extra={"example": "Modality:CT SliceThickness:<=1.25"},
    )
    level: Level = Field(Level.IMAGE, description="what a result is")
    filter: list[str] = Field(
        [], description="conditions beside the query, as in `Modality:=CT`; those on one field are alternatives"
    )
    size: int = Field(25, ge=0, le=LARGEST_PAGE, description="results of a page")
    after: str = Field("", description="`next` or `previous` of an answer, to get that page")
    sort: str = Field("", description="fields to sort by, separated by commas; `-` before a name sorts downwards")
    fields: str = Field("", description="fields to show, separated by commas; none means a useful selection")
    facets: str = Field(
        "", description="fields whose values are counted, separated by commas; `default` stands for the usual ones"
    )
    facet_size: int = Field(20, ge=1, le=LARGEST_PAGE, description="values of a facet, at most")


class BatchPath(BaseModel):
    """Which batch."""

    batch: str = Field(description="id of the batch")


class ImagePath(BaseModel):
    """Which image."""

    image: str = Field(description="id of the image: its SOPInstanceUID, or `sha256-` and the file's digest")


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

    id: str
    name: str
    status: Literal["NEW", "PROCESSING", "DONE"]
    has_error: bool
    counts: CountsDocument
    add_date: str
    modify_date: str
    finished_at: str | None
    tags: list[str]


class ErrorDocument(BaseModel):
    """Why a file could not be indexed."""

    path: str
    code: str
    reason: str


class BatchDocument(BatchSummary):
    """A batch with its errors."""

    errors: list[ErrorDocument] = Field(description=f"the first {LARGEST_LIST:,}; `counts.error` tells how many")


class ReceiptDocument(BaseModel):
    """What became of all elements of a batch's images; `elements` is the sum of the counts after it."""

    images: int = Field(description="images of the batch in the index")
    elements: int
    indexed: int
    empty: int
    binary: int
    malformed: int
    truncated: int
    structural: int


class BatchList(Page):
    """Batches, the newest first."""

    results: list[BatchSummary]


class FileDocument(BaseModel):
    """One file of a batch."""

    path: str
    status: ImageStatus
    uid: str | None = Field(description="id of the image, where it is DONE")
    size: int
    mtime: str


class FileList(Page):
    """Files of a batch, by path."""

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
    schema = ProblemDocument.model_json_schema()
    return {str(status): {"content": {CONTENT_TYPE: {"schema": schema}}} for status in statuses}
