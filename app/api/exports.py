"""`/api/search/export`: all results of a search as a file, streamed."""

from datetime import UTC, datetime

from flask import Response
from flask_openapi3.blueprint import APIBlueprint
from flask_openapi3.models.tag import Tag
from pydantic import Field

from app.api import examples
from app.api.documents import Condition, Parameters, problems
from app.api.examples import such_as
from app.archive import SearchRequest
from app.audit import note
from app.export import Export, ExportRequest, Format, open_export
from app.search.fields import names_in
from app.search.levels import Level
from app.services import services

TOTAL = "X-Total-Count"
ESTIMATE = "X-Total-Count-Estimate"


class ExportParameters(Parameters):
    """What to export, and how."""

    q: str = Field(
        "",
        description="the query; blank finds everything",
        json_schema_extra=such_as(examples.QUERY),
    )
    level: Level = Field(
        Level.IMAGE,
        description="what a row is; paths are always those of images",
        json_schema_extra=such_as(Level.IMAGE.value),
    )
    filter: list[Condition] = Field(
        [], description="conditions beside the query, as in `/api/search`", json_schema_extra=such_as(examples.FILTER)
    )
    format: Format = Field(
        Format.CSV,
        description="`csv`, `ndjson` (one JSON object a line), `json`, or `paths` of the files, one a line",
        json_schema_extra=such_as(Format.CSV.value),
    )
    fields: str = Field(
        "",
        description="columns, separated by commas; none means a useful selection. Beside fields of images there are "
        "`id` and, at the other levels, `below.images`, `below.series`, `below.modalities` and so on.",
        json_schema_extra=such_as(f"id,{examples.FIELDS}"),
    )
    sort: str = Field(
        "", description="as in `/api/search`; without it, the fastest order", json_schema_extra=such_as(examples.SORT)
    )
    bom: bool = Field(
        False,
        description="whether CSV begins with a byte order mark, as Excel needs it to read UTF-8",
        json_schema_extra=such_as(False),
    )
    null: bool = Field(
        False,
        description="whether NUL follows each path, as in `xargs -0`, and not a line break",
        json_schema_extra=such_as(False),
    )


_DOCUMENT = {
    "type": "object",
    "required": ["total", "level", "partial", "results"],
    "properties": {
        "total": {"type": "integer"},
        "level": {"$ref": "#/components/schemas/Level"},
        "partial": {"type": "boolean", "description": "whether time ran out, so that there may be more"},
        "approximate": {"type": "boolean", "description": "there where `total` is an estimate"},
        "results": {"type": "array", "items": {"$ref": "#/components/schemas/ResultDocument"}},
    },
}
_TEXT = {"type": "string"}
_CONTENT = {
    Format.CSV: {"schema": _TEXT, "example": examples.EXPORT_CSV},
    Format.NDJSON: {"schema": _TEXT, "example": examples.EXPORT_NDJSON},
    Format.JSON: {"schema": _DOCUMENT, "example": examples.EXPORT_JSON},
    Format.PATHS: {"schema": _TEXT, "example": examples.EXPORT_PATHS},
}
_OK = {
    "description": "The file. A connection that is closed before the end of the answer means that rows are missing.",
    "headers": {
        TOTAL: {"description": "rows of the whole file", "schema": {"type": "integer"}},
        ESTIMATE: {"description": "the same, where they can only be estimated", "schema": {"type": "integer"}},
    },
    "content": {form.content_type.partition(";")[0]: content for form, content in _CONTENT.items()},
}

blueprint = APIBlueprint(
    "api_exports",
    __name__,
    url_prefix="/api",
    abp_tags=[Tag(name="Search", description="Images by anything in their headers.")],
)


@blueprint.get("/search/export", summary="Export all results", responses={"200": _OK, **problems(400, 429, 503)})
def export(query: ExportParameters) -> Response:
    """Answer all results of a search as a file, as of one point in time, in constant memory."""
    search = SearchRequest(
        query=query.q,
        sort=query.sort,
        fields=tuple(names_in(query.fields)),
        level=query.level,
        filters=tuple(query.filter),
    )
    wanted = ExportRequest(search, query.format, byte_order_mark=query.bom, null=query.null)
    begun = _begin(wanted)
    note(results=begun.total)
    headers = {
        "Content-Disposition": f'attachment; filename="{wanted.file_name(datetime.now(UTC))}"',
        ESTIMATE if begun.approximate else TOTAL: str(begun.total),
        # nginx passes on what comes, so that progress can be seen.
        "X-Accel-Buffering": "no",
    }
    return Response(begun, headers=headers, content_type=wanted.form.content_type)


def _begin(wanted: ExportRequest) -> Export:
    """Begin an export; it is closed with the response, also when the reader goes away."""
    seat = services().seats.take()
    try:
        begun = open_export(services().archive, wanted, services().settings.export_rows)
    except BaseException:
        seat.give_back()
        raise
    begun.on_close(seat.give_back)
    return begun
