"""`/api/headers`: which fields occur in the archive, and which values they have."""

from typing import Any

from flask import Response, jsonify, url_for
from flask_openapi3.blueprint import APIBlueprint
from flask_openapi3.models.tag import Tag
from pydantic import BaseModel, Field

from app.api import examples
from app.api.documents import LARGEST_LIST, Page, PageParameters, Parameters, problems
from app.api.examples import shown_as, such_as
from app.api.revalidation import NOT_CHANGED, revalidated
from app.search.headers import HeaderField, matching
from app.services import services

blueprint = APIBlueprint(
    "api_headers",
    __name__,
    url_prefix="/api",
    abp_tags=[Tag(name="Headers", description="Which fields occur in the archive, and their values.")],
)


class HeadersParameters(PageParameters):
    """Which fields."""

    q: str = Field(
        "",
        max_length=200,
        description="words of the keyword or name, a VR, or the beginning of a tag",
        json_schema_extra=such_as("slice"),
    )


class ValuesParameters(Parameters):
    """Which values."""

    q: str = Field(
        "",
        max_length=200,
        description="only values that have this text in them; numbers begin with it",
        json_schema_extra=such_as("1"),
    )
    size: int = Field(50, ge=1, le=LARGEST_LIST, description="values to answer, at most", json_schema_extra=such_as(20))


class HeaderPath(BaseModel):
    """Which field."""

    keyword: str = Field(
        description="as queries name it: keyword, tag, path or `private.CREATOR.ggggxxee`",
        json_schema_extra=such_as("SliceThickness"),
    )


class HeaderDocument(BaseModel):
    """A field that occurs in the archive."""

    keyword: str = Field(description="as queries name it")
    tag: str | None
    vr: str | None
    name: str | None
    images: int = Field(description="that have a value of it")


class HeaderListDocument(Page):
    """Fields, those that fit best or are in most images first."""

    model_config = shown_as(examples.HEADERS)

    results: list[HeaderDocument]
    sampled: int = Field(
        description="images that names of private elements and exact paths were collected from; names that none of "
        "these has are not listed, though they can be searched for"
    )


class ValueDocument(BaseModel):
    """A value and how many images have it."""

    value: Any
    count: int
    query: str = Field(description="the condition that finds it")


class HeaderValuesDocument(HeaderDocument):
    """A field with its values, the most frequent first."""

    model_config = shown_as(examples.HEADER_VALUES)

    values: list[ValueDocument]
    more: bool = Field(description="whether there are further values")
    different: int = Field(description="about how many different values there are")
    missing: int = Field(description="images without a value")


@blueprint.get(
    "/headers", summary="List fields", responses={"200": HeaderListDocument, **NOT_CHANGED, **problems(400, 503)}
)
def list_headers(query: HeadersParameters) -> Response:
    """List the fields that occur in the archive: attributes, nested ones, exact paths, private elements."""
    known = services().archive.headers.all()
    found = matching(known.fields, query.q) if query.q.strip() else list(known.fields)
    offset, size = query.offset, query.size
    more: dict[str, Any] = {"size": size, **({"q": query.q} if query.q else {})}
    before = max(offset - size, 0)
    document = {
        "count": len(found),
        "next": url_for(".list_headers", offset=offset + size, **more) if offset + size < len(found) else None,
        "previous": url_for(".list_headers", offset=before, **more) if offset else None,
        "results": [_document(header) for header in found[offset : offset + size]],
        "sampled": known.sampled,
    }
    return revalidated(jsonify(document))


@blueprint.get(
    "/headers/<path:keyword>",
    summary="Show a field's values",
    responses={"200": HeaderValuesDocument, **NOT_CHANGED, **problems(400, 404, 503)},
)
def show_header_values(path: HeaderPath, query: ValuesParameters) -> Response:
    """Show one field with the values that it has in the archive."""
    found = services().archive.headers.values(path.keyword, query.q, query.size)
    values = [
        {"value": value, "count": count, "query": condition}
        for (value, count), condition in zip(found.values, found.filters, strict=True)
    ]
    document = {
        **_document(found.header),
        "values": values,
        "more": found.more,
        "different": found.different,
        "missing": found.missing,
    }
    return revalidated(jsonify(document))


def _document(header: HeaderField) -> dict[str, Any]:
    return {
        "keyword": header.field.name,
        "tag": header.tag,
        "vr": header.vr,
        "name": header.name,
        "images": header.images,
    }
