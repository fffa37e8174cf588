"""Sections of other pages: series acquired like an image's, and what is unusual in a batch.

Their templates, `_alike.html` and `_odd.html`, ask for what they show; a page only includes them.
"""

from flask import Flask, url_for

from app.archive import Alike, ArchiveUnavailableError, QueryRefusedError, Unusual, UnusualValue
from app.search.fields import resolve
from app.search.filters import write_filter
from app.services import services
from app.web.facet_panel import label_of, title_of

_SERIES = 8


def register(app: Flask) -> None:
    """Make the functions known to the templates."""
    app.jinja_env.globals.update(
        alike_to=_alike, unusual_in=_unusual, field_title=title_of, value_label=label_of, search_for=_search
    )


def _alike(image: str) -> Alike | None:
    """What is alike; None where it cannot be asked now."""
    try:
        return services().archive.alike(image, _SERIES)
    except (ArchiveUnavailableError, QueryRefusedError):
        return None


def _unusual(batch: str) -> Unusual | None:
    """What is unusual; None where it cannot be asked now."""
    try:
        return services().archive.unusual(batch)
    except (ArchiveUnavailableError, QueryRefusedError):
        return None


def _search(batch: str, value: UnusualValue) -> str:
    """The search for the images of a batch that have a value."""
    filters = [write_filter(value.field, str(value.value)), write_filter(resolve("batch"), batch)]
    return url_for("search.index", q="", filter=filters)
