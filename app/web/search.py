"""`/search`: a query box, facets, and what is found as a table; and help where nothing is found."""

from dataclasses import dataclass
from typing import Any

from flask import Blueprint, render_template, request, url_for

from app.archive import Answer, FacetCounts, QueryRefusedError, SearchRequest
from app.audit import note
from app.search.columns import UnusableColumnError
from app.search.errors import QuerySyntaxError
from app.search.facets import DEFAULT_FACETS, UnusableFacetError
from app.search.fields import resolve
from app.search.filters import Filter, UnusableFilterError, joined, read_filter
from app.search.levels import Level
from app.search.sorting import UnusableCursorError, UnusableSortError
from app.search.views import MaskedFieldError
from app.services import services
from app.web.facet_panel import label_of, panels, title_of
from app.web.masking import is_deidentified
from app.web.paging import Pages, page_number
from app.web.search_state import SIZES, SearchState, UnusableParameterError, check
from app.web.search_table import OFFERED, USUAL, column_names, headings, rows

blueprint = Blueprint("search", __name__)
WORDS = {
    Level.IMAGE: ("image", "images"),
    Level.SERIES: ("series", "series"),
    Level.STUDY: ("study", "studies"),
    Level.PATIENT: ("patient", "patients"),
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
# Where identifying attributes are masked.
_HARMLESS_EXAMPLES = (
    ("chest contrast", "both words, anywhere in what is not masked"),
    ('"chest ct"', "words beside each other"),
    ("Modality:CT SliceThickness:<=1.25", "attributes by keyword, any case"),
    ("AnatomicRegionSequence.CodeMeaning:chest", "inside a sequence, by the whole path"),
    ("(0018,0050):[0 TO 1]", "attributes by tag"),
    ("BodyPartExamined:* NOT Modality:MR", "present, absent, and not"),
)
_UNUSABLE = (
    QueryRefusedError,
    MaskedFieldError,
    UnusableSortError,
    UnusableCursorError,
    UnusableFilterError,
    UnusableColumnError,
    UnusableFacetError,
    UnusableParameterError,
)


@dataclass(frozen=True, slots=True)
class Chip:
    """A filter that is set: what it is about, its value, and the link that takes it back."""

    title: str
    label: str
    excluded: bool
    remove: str


@blueprint.get("/search")
def index() -> tuple[str, int]:
    """Show the search page."""
    state = SearchState.of(request.args)
    error: QuerySyntaxError | None = None
    message = ""
    try:
        return _found(state)
    except QuerySyntaxError as found:
        error, message = found, found.message
    except _UNUSABLE as found:
        message = str(found)
    return _page(state, error=error, message=message, corrections=_corrections(state, error)), 400


def _found(state: SearchState) -> tuple[str, int]:
    check(request.args)
    archive = services().archive
    filters = [read_filter(text) for text in state.filters]
    compiled = archive.compile(state.query)
    asked = SearchRequest(
        query=state.query,
        size=state.size,
        after=request.args.get("after", ""),
        sort=state.sort,
        fields=column_names(state, compiled.fields, archive.visible),
        level=state.level,
        filters=state.filters,
    )
    usual_facets = archive.visible(DEFAULT_FACETS)
    answer, facets = archive.search_and_facets(asked, (*usual_facets, *state.facets), compiled=compiled)
    note(results=answer.total)
    number = page_number(request.args.get("page")) if asked.after else 1
    page = _page(
        state,
        answer=answer,
        milliseconds=max(answer.milliseconds, facets.milliseconds),
        headings=headings(answer, state),
        rows=rows(answer, state),
        chips=[_chip(one, state) for one in filters],
        panels=panels(facets.facets, filters, state),
        columns=_columns(answer, state),
        pages=Pages(number, state.size, answer.total),
        next=state.page(answer.next, number + 1) if answer.next else None,
        previous=state.page(answer.previous, max(number - 1, 1)) if answer.previous else None,
        as_query=state.link(query=joined(state.query, state.filters), filters=()) if filters else None,
        full_query=joined(state.query, state.filters),
        archive_is_empty=not answer.total and not state.query and not state.filters,
        partial=_is_partial(answer, facets),
    )
    return page, 200


def _page(state: SearchState, **more: Any) -> str:
    parameters = {name: value for name, value in state.parameters().items() if name != "facets"}
    return render_template(
        "search.html",
        state=state,
        query=state.query,
        levels=[(level, WORDS[level][1].capitalize(), _level_link(state, level)) for level in Level],
        words=WORDS[state.level],
        sizes=SIZES,
        examples=_HARMLESS_EXAMPLES if is_deidentified() else EXAMPLES,
        api=url_for("api_search.search", **parameters),
        **more,
    )


def _level_link(state: SearchState, level: Level) -> str:
    return state.link(level=level, fields=())


def _chip(one: Filter, state: SearchState) -> Chip:
    excluded = one.excluded
    return Chip(title_of(one.field), label_of(one.field, one.value), excluded, state.with_filter(one.text).link())


def _columns(answer: Answer, state: SearchState) -> list[tuple[str, str, bool]]:
    """The columns that can be chosen: name, title, and whether the table has it."""
    current = [column.name for column in answer.columns]
    offered = dict.fromkeys([*current, *services().archive.visible((*USUAL[state.level], *OFFERED))])
    return [(name, title_of(resolve(name)), name in current) for name in offered]


def _is_partial(answer: Answer, facets: FacetCounts) -> bool:
    return answer.partial or facets.partial


def _corrections(state: SearchState, error: QuerySyntaxError | None) -> list[tuple[str, str]]:
    if error is None:
        return []
    queries = error.corrected(state.query)
    return [(name, state.link(query=query)) for name, query in zip(error.suggestions, queries, strict=True)]
