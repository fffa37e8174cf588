"""`/api/search`: images by anything in their headers."""

from typing import Any

from flask_openapi3.blueprint import APIBlueprint
from flask_openapi3.models.tag import Tag

from app.api.documents import SearchDocument, SearchParameters, problems
from app.archive import SearchRequest
from app.search.fields import names_in
from app.services import services

blueprint = APIBlueprint(
    "api_search",
    __name__,
    url_prefix="/api",
    abp_tags=[Tag(name="Search", description="Images by anything in their headers.")],
)


@blueprint.get("/search", summary="Search images", responses={"200": SearchDocument, **problems(400, 503)})
def search(query: SearchParameters) -> dict[str, Any]:
    """Search images in the query language that the search page has too."""
    request = SearchRequest(query.q, query.size, query.after, query.sort, tuple(names_in(query.fields)))
    answer = services().archive.search(request)
    return {
        "total": answer.total,
        "level": query.level,
        "results": [{"id": result.id, "fields": result.fields} for result in answer.results],
        "facets": {},
        "next": answer.next,
        "previous": answer.previous,
        "milliseconds": answer.milliseconds,
        "partial": answer.partial,
    }
