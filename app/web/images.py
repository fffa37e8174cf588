"""`/images/<id>`: where an image stands in its study, its picture, its whole header, and the ways to others like it."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from flask import Blueprint, render_template, request

from app.archive import ArchiveUnavailableError, Neighbourhood, QueryRefusedError
from app.deidentified import MASK
from app.search.conditions import conditions_of
from app.search.errors import QuerySyntaxError
from app.search.fields import resolve
from app.search.filters import write_filter
from app.search.levels import Level
from app.search.marks import Marks, marks_of
from app.services import query_limits, services
from app.web.formats import first_value, shown
from app.web.header import HeaderView, Wanted, view_header
from app.web.image_state import ImageState, SearchLinks
from app.web.masking import is_deidentified
from app.web.preview import preview_of
from app.web.search_state import SearchState
from indexer.flatten import Place, flatten
from indexer.reader import Header

blueprint = Blueprint("images", __name__)
# A dose report can have 160,000 elements: more than a browser shows in comfort.
MOST_ELEMENTS = 4_000
# What became of the elements is found out for headers up to this length: a third of a second of work.
_MOST_TRACED = 20_000
_SUMMARY = ("PatientID", "PatientSex", "PatientAge", "Modality", "StudyDate", "StudyDescription", "SeriesDescription")


@blueprint.get("/images/<image>")
def show(image: str) -> str:
    """Show an image."""
    archive = services().archive
    document = archive.image(image)
    state = ImageState.of(image, request.args)
    marks, unread = _marks(state)
    header = archive.header(image)
    view = view_header(
        header,
        Wanted(state.find, state.only and bool(marks), MOST_ELEMENTS),
        _places(image, header, document),
        marks,
        services().settings.limits,
    )
    _link_to_searches(view, state)
    return render_template(
        "image.html",
        id=image,
        document=document,
        state=state,
        preview=preview_of(image, document, request.args),
        around=_around(image, document),
        level_link=_level_link,
        view=view,
        marks=marks,
        unread=unread,
        summary=_summary(document),
    )


def _places(image: str, header: Mapping[str, Any], document: Mapping[str, Any]) -> list[Place]:
    """What became of each element, by the same flattening that made the document; not of a very long header."""
    receipt = document.get("receipt", {})
    places: list[Place] = []
    if receipt.get("elements", 0) <= _MOST_TRACED:
        flatten(Header.stored(dict(header), receipt, image), services().settings.limits, places.append)
    return [_visible(place) for place in places] if is_deidentified() else places


def _visible(place: Place) -> Place:
    """What became of an element, in those of its fields that are not masked."""
    return replace(place, fields=services().archive.visible(place.fields))


def _marks(state: ImageState) -> tuple[Marks, str]:
    """What the search that led here marks, or why it marks nothing."""
    if state.search is None:
        return Marks(), ""
    try:
        return marks_of(state.search.query, state.search.filters, query_limits(services().settings)), ""
    except QuerySyntaxError as error:
        return Marks(), error.message


def _link_to_searches(view: HeaderView, state: ImageState) -> None:
    limits = services().settings.limits
    links = SearchLinks(state.search)
    for row in view.rows:
        found = conditions_of(row.place, limits) if row.place is not None else ()
        if found:
            row.find = links.with_all(found)
            row.exclude = links.with_all(found, excluded=True)
            row.query = " ".join(found)


def _around(image: str, document: Mapping[str, Any]) -> Neighbourhood | None:
    """Where the image stands; None where it cannot be asked now."""
    try:
        return services().archive.neighbourhood(image, document)
    except (ArchiveUnavailableError, QueryRefusedError):
        return None


def _level_link(level: str, key: str, of: str = "") -> str:
    """The search for what a patient, a study or a series consists of; `of` is the level of the results."""
    wanted = Level(level)
    text = write_filter(resolve(wanted.key), key)
    return SearchState(filters=(text,), level=Level(of) if of else wanted.below).link()


def _summary(document: Mapping[str, Any]) -> list[str]:
    """What one wants to know first."""
    fields = [resolve(name) for name in _SUMMARY]
    texts = (shown(first_value(document.get(field.name)) or None, field) for field in fields)
    return [text for text in texts if text and text != MASK]
