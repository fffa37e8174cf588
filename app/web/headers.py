"""`/headers`: which fields occur in the archive, and which values each has."""

from collections.abc import Sequence

from flask import Blueprint, render_template, request, url_for

from app.search.facets import UnusableFacetError
from app.search.fields import Field
from app.search.filters import write_filter
from app.search.headers import HeaderField, matching
from app.services import services
from app.web.formats import shown
from app.web.paging import Pages, page_number

blueprint = Blueprint("headers", __name__)
_FIELDS, _VALUES = 50, 200


@blueprint.get("/headers")
def index() -> str:
    """Show the fields."""
    wanted = request.args.get("q", "").strip()[:200]
    known = services().archive.headers.all()
    found = matching(known.fields, wanted) if wanted else list(known.fields)
    number = page_number(request.args.get("page"))
    pages = Pages(number, _FIELDS, len(found)).checked()
    return render_template(
        "headers.html",
        query=wanted,
        known=known,
        headers=_lines(found[(number - 1) * _FIELDS : number * _FIELDS]),
        pages=pages,
        page_link=lambda page: url_for("headers.index", q=wanted or None, page=page),
    )


@blueprint.get("/headers/<path:keyword>")
def show(keyword: str) -> str:
    """Show a field with its values."""
    wanted = request.args.get("q", "").strip()[:200]
    try:
        found = services().archive.headers.values(keyword, wanted, _VALUES)
    except UnusableFacetError as error:
        return render_template("header_values.html", title=keyword, refused=str(error), query=wanted)
    field = found.header.field
    most = max((count for _, count in found.values), default=1)
    return render_template(
        "header_values.html",
        title=field.name,
        header=found.header,
        found=found,
        query=wanted,
        values=[
            (shown(value, field) or "(empty)", count, round(100 * count / most, 1), condition)
            for (value, count), condition in zip(found.values, found.filters, strict=True)
        ],
        without=write_filter(field, None),
    )


def _lines(headers: Sequence[HeaderField]) -> list[tuple[HeaderField, bool]]:
    """Fields, each with whether its values can be listed."""
    return [(header, _has_values(header.field)) for header in headers]


def _has_values(field: Field) -> bool:
    return field.kind.value not in ("sequence", "binary")
