"""The table of results: its columns with links that sort, its cells as people write values."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from flask import request, url_for

from app.archive import Answer, Below, Result
from app.search.columns import Column
from app.search.fields import Field, Shape, resolve
from app.search.filters import write_filter
from app.search.levels import Level
from app.web.facet_panel import title_of
from app.web.formats import day, shown, thousands
from app.web.search_state import SearchState
from mappings.dictionary import Kind

Visible: TypeAlias = Callable[[Iterable[str]], Iterable[str]]
_MOST_EXTRA = 6
# What the table has without a wish; fields that a query names come after these.
USUAL: Mapping[Level, tuple[str, ...]] = {
    Level.IMAGE: (
        "PatientName",
        "PatientID",
        "StudyDate",
        "Modality",
        "StudyDescription",
        "SeriesDescription",
        "InstanceNumber",
    ),
    Level.SERIES: ("PatientName", "PatientID", "StudyDate", "Modality", "StudyDescription", "SeriesDescription"),
    Level.STUDY: ("PatientName", "PatientID", "StudyDate", "StudyDescription"),
    Level.PATIENT: ("PatientName", "PatientID", "PatientSex", "PatientBirthDate"),
}
# Columns that are offered beside the usual ones.
OFFERED = (
    "AccessionNumber",
    "BodyPartExamined",
    "Manufacturer",
    "ManufacturerModelName",
    "InstitutionName",
    "SeriesNumber",
    "PatientAge",
    "SliceThickness",
    "derived.sop_class",
    "batch",
)
_HARMLESS = (
    "Modality",
    "BodyPartExamined",
    "Manufacturer",
    "ManufacturerModelName",
    "SliceThickness",
    "derived.sop_class",
)
_TITLES = {
    "PatientName": "Patient",
    "StudyDescription": "Study",
    "SeriesDescription": "Series",
    "InstanceNumber": "Image",
}
_STYLES = {
    Kind.LONG: "number",
    Kind.DOUBLE: "number",
    Kind.DATE: "moment",
    Kind.DATETIME: "moment",
    Kind.TIME: "moment",
}


@dataclass(frozen=True, slots=True)
class Heading:
    """A column of the table: its title, the link that sorts by it, how it is sorted now, and how it is set."""

    name: str
    title: str
    link: str | None = None
    sorted: str = ""  # "", "ascending" or "descending"
    style: str = ""  # "", "number" or "moment"


@dataclass(frozen=True, slots=True)
class Row:
    """A row of the table, and where it leads."""

    link: str
    cells: list[str]


def column_names(state: SearchState, named: Sequence[Field], visible: Visible = tuple) -> tuple[str, ...]:
    """The fields that the table shows; `visible` are those of some that are shown to whoever asks."""
    if state.fields:
        return state.fields
    usual = tuple(visible(USUAL[state.level]))
    if len(usual) < len(USUAL[state.level]):
        # Little is left where identifying attributes are masked.
        usual = tuple(dict.fromkeys((*usual, *visible(_HARMLESS))))
    shown_ = visible(field.name for field in named if _can_be_shown(field))
    extra = [name for name in dict.fromkeys(shown_) if name not in (*usual, "batch")][:_MOST_EXTRA]
    return (*usual, *extra, *visible(("batch",) if state.level is Level.IMAGE else ()))


def headings(answer: Answer, state: SearchState) -> list[Heading]:
    """The heads of the table."""
    return [_heading(column, state) for column in answer.columns] + [
        Heading(name, title, style=style) for name, title, style in _counted(state.level)
    ]


def rows(answer: Answer, state: SearchState) -> list[Row]:
    """The rows: an image leads to its page, any other row to what is below it."""
    return [Row(_link(result, state), _cells(result, answer.columns, state.level)) for result in answer.results]


def _counted(level: Level) -> list[tuple[str, str, str]]:
    """Columns of counts: name, title, style."""
    counts = {
        Level.SERIES: ("images",),
        Level.STUDY: ("modalities", "series", "images"),
        Level.PATIENT: ("dates", "modalities", "studies", "series", "images"),
    }
    titles = {"dates": "Study dates", "modalities": "Modalities"}
    return [
        (f"below.{name}", titles.get(name, name.capitalize()), "" if name in titles else "number")
        for name in counts.get(level, ())
    ]


def _cells(result: Result, columns: Sequence[Column], level: Level) -> list[str]:
    cells = [shown(result.fields.get(column.name), column.field) for column in columns]
    below = result.below
    if below is not None:
        cells += [_count(below, name.removeprefix("below.")) for name, _, _ in _counted(level)]
    return cells


def _count(below: Below, name: str) -> str:
    match name:
        case "dates":
            ends = [day(text) for text in (below.first_date, below.last_date) if text]
            return " – ".join(dict.fromkeys(ends))
        case "modalities":
            return ", ".join(below.modalities)
        case "images" if below.found != below.images:
            return f"{thousands(below.found)} of {thousands(below.images)}"
    return thousands(getattr(below, name))


def _link(result: Result, state: SearchState) -> str:
    if state.level is Level.IMAGE:
        # With the search, so that the page marks what was found and leads back to it.
        place: dict[str, Any] = {name: request.args[name] for name in ("after", "page") if request.args.get(name)}
        return url_for("images.show", image=result.id, **state.parameters(), **place)
    text = write_filter(resolve(state.level.key), result.id)
    filters = (*(one for one in state.filters if one != text), text)
    return state.link(level=state.level.below, filters=filters, sort="", fields=())


def _heading(column: Column, state: SearchState) -> Heading:
    title = _TITLES.get(column.name) or title_of(column.field)
    style = _STYLES.get(column.field.kind, "")
    if column.field.shape in (Shape.LISTED, Shape.ID, Shape.WORDS):
        return Heading(column.name, title)
    current = {column.name: "ascending", f"-{column.name}": "descending"}.get(state.sort, "")
    wanted = f"-{column.name}" if current == "ascending" else column.name
    quoted = f'"{wanted}"' if "," in wanted else wanted
    return Heading(column.name, title, state.link(sort=quoted), current, style)


def _can_be_shown(field: Field) -> bool:
    return field.kind not in (Kind.BINARY, Kind.SEQUENCE) and field.shape in (Shape.TYPED, Shape.KEYED, Shape.LISTED)
