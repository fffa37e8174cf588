"""`/search`: a query box, the images it finds as a table, and help where it finds none."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from flask import Blueprint, render_template, request, url_for

from app.archive import Answer, QueryRefusedError, Result, SearchRequest
from app.search.columns import Column
from app.search.errors import QuerySyntaxError
from app.search.fields import Field, Shape
from app.search.sorting import UnusableCursorError, UnusableSortError
from app.services import services
from app.web.formats import shown
from app.web.paging import Pages, page_number
from mappings.dictionary import Kind

blueprint = Blueprint("search", __name__)
SIZES = (25, 50, 100)
_MOST_EXTRA_COLUMNS = 6
# What the table always has; fields that a query names come after these.
_COLUMNS = (
    "PatientName",
    "PatientID",
    "StudyDate",
    "Modality",
    "StudyDescription",
    "SeriesDescription",
    "InstanceNumber",
)
_TITLES = {
    "PatientName": "Patient",
    "PatientID": "Patient ID",
    "StudyDate": "Study date",
    "StudyDescription": "Study",
    "SeriesDescription": "Series",
    "InstanceNumber": "Image",
    "batch": "Batch",
}
_STYLES = {
    Kind.LONG: "number",
    Kind.DOUBLE: "number",
    Kind.DATE: "moment",
    Kind.DATETIME: "moment",
    Kind.TIME: "moment",
}
EXAMPLES = (
    ("chest contrast", "both words, anywhere in the header"),
    ('"chest ct"', "words beside each other"),
    ("Modality:CT SliceThickness:<=1.25", "attributes by keyword, any case"),
    ("StudyDate:[2004-01 TO 2004-06]", "dates: a year, a month, a day or a range"),
    ("PatientName:muller", "names, with or without accents"),
    ("nested.CodeMeaning:chest", "inside any sequence, at any depth"),
    ("(0018,0050):[0 TO 1]", "attributes by tag"),
    ("ContrastBolusAgent:* NOT Modality:MR", "present, absent, and not"),
)


@dataclass(frozen=True, slots=True)
class Heading:
    """A column of the table: its title, the link that sorts by it, how it is sorted now, and how it is set."""

    column: Column
    title: str
    link: str | None
    sorted: str  # "", "ascending" or "descending"
    style: str  # "", "number" or "moment"


@blueprint.get("/search")
def index() -> tuple[str, int]:
    """Show the search page."""
    query = request.args.get("q", "").strip()
    size = request.args.get("size", type=int)
    asked = SearchRequest(
        query=query,
        size=size if size in SIZES else SIZES[0],
        after=request.args.get("after", ""),
        sort=request.args.get("sort", ""),
        fields=_COLUMNS,
    )
    error: QuerySyntaxError | None = None
    message = ""
    try:
        answer, columns = _find(asked)
        return _page(asked, answer, columns)
    except QuerySyntaxError as found:
        error = found
    except (QueryRefusedError, UnusableSortError, UnusableCursorError) as found:
        message = str(found)
    page = render_template(
        "search.html",
        query=query,
        error=error,
        message=message,
        examples=EXAMPLES,
        corrections=_corrections(query, error),
    )
    return page, 400


def _find(asked: SearchRequest) -> tuple[Answer, tuple[Column, ...]]:
    """Search, with a column for each field that the query names."""
    archive = services().archive
    compiled = archive.compile(asked.query)
    named = [field.name for field in compiled.fields if _can_be_shown(field)]
    extra = [name for name in dict.fromkeys(named) if name not in _COLUMNS][:_MOST_EXTRA_COLUMNS]
    fields = (*_COLUMNS, *extra, "batch")
    answer = archive.search(SearchRequest(asked.query, asked.size, asked.after, asked.sort, fields), compiled)
    return answer, answer.columns


def _can_be_shown(field: Field) -> bool:
    return field.kind not in (Kind.BINARY, Kind.SEQUENCE) and field.shape in (Shape.TYPED, Shape.KEYED, Shape.LISTED)


def _page(asked: SearchRequest, answer: Answer, columns: Sequence[Column]) -> tuple[str, int]:
    number = page_number(request.args.get("page")) if asked.after else 1
    state: dict[str, Any] = {"q": asked.query, **({"size": asked.size} if asked.size != SIZES[0] else {})}
    sort: dict[str, Any] = {"sort": asked.sort} if asked.sort else {}
    page = render_template(
        "search.html",
        query=asked.query,
        sort=asked.sort,
        size=asked.size,
        answer=answer,
        headings=[_heading(column, asked.sort, state) for column in columns],
        rows=[(result.id, _cells(result, columns)) for result in answer.results],
        pages=Pages(number, asked.size, answer.total),
        next=_turn(answer.next, number + 1, state | sort),
        previous=_turn(answer.previous, number - 1, state | sort),
        examples=EXAMPLES,
        archive_is_empty=not answer.total and not asked.query,
        api=url_for("api_search.search", **state, **sort),
    )
    return page, 200


def _turn(cursor: str | None, number: int, state: dict[str, Any]) -> str | None:
    return url_for("search.index", **state, after=cursor, page=max(number, 1)) if cursor else None


def _heading(column: Column, sort: str, state: dict[str, Any]) -> Heading:
    title = _TITLES.get(column.name) or (column.field.attribute.name if column.field.attribute else column.name)
    if column.field.shape is Shape.LISTED:
        return Heading(column, title, None, "", "")
    current = {column.name: "ascending", f"-{column.name}": "descending"}.get(sort, "")
    wanted = f"-{column.name}" if current == "ascending" else column.name
    return Heading(
        column, title, url_for("search.index", **state, sort=wanted), current, _STYLES.get(column.field.kind, "")
    )


def _cells(result: Result, columns: Sequence[Column]) -> list[str]:
    return [shown(result.fields.get(column.name), column.field) for column in columns]


def _corrections(query: str, error: QuerySyntaxError | None) -> list[tuple[str, str]]:
    if error is None:
        return []
    return list(zip(error.suggestions, error.corrected(query), strict=True))
