"""`/api/search`: images by anything in their headers."""

from dataclasses import asdict
from typing import Any

from flask_openapi3.blueprint import APIBlueprint
from flask_openapi3.models.tag import Tag

from app.api.documents import SearchDocument, SearchParameters, problems
from app.archive import Result, SearchRequest
from app.search.fields import names_in
from app.search.levels import Level
from app.services import services

blueprint = APIBlueprint(
    "api_search",
    __name__,
    url_prefix="/api",
    abp_tags=[Tag(name="Search", description="Images by anything in their headers.")],
)


@blueprint.get("/search", summary="Search at any level", responses={"200": SearchDocument, **problems(400, 503)})
def search(query: SearchParameters) -> dict[str, Any]:
    """Search images, series, studies or patients in the query language that the search page has too."""
    request = SearchRequest(
        query=query.q,
        size=query.size,
        after=query.after,
        sort=query.sort,
        fields=tuple(names_in(query.fields)),
        level=query.level,
        filters=tuple(query.filter),
    )
    answer = services().archive.search(request)
    return {
        "total": answer.total,
        "level": query.level.value,
        "results": [_result(result) for result in answer.results],
        "facets": {},
        "next": answer.next,
        "previous": answer.previous,
        "milliseconds": answer.milliseconds,
        "partial": answer.partial,
        **({} if query.level is Level.IMAGE else {"images": answer.images, "approximate": answer.approximate}),
    }


def _result(result: Result) -> dict[str, Any]:
    below = {"below": asdict(result.below)} if result.below else {}
    return {"id": result.id, "fields": result.fields, **below}
