"""`/api/search`: images by anything in their headers."""

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from flask_openapi3.blueprint import APIBlueprint
from flask_openapi3.models.tag import Tag

from app.api.documents import SearchDocument, SearchParameters, problems
from app.archive import Result, SearchRequest
from app.audit import note
from app.search.facets import DEFAULT_FACETS
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
    archive = services().archive
    names = _facet_names(query.facets, archive.visible(DEFAULT_FACETS))
    answer, facets = archive.search_and_facets(request, names, query.facet_size)
    note(results=answer.total)
    return {
        "total": answer.total,
        "level": query.level.value,
        "results": [_result(result) for result in answer.results],
        "facets": {one.facet.name: [{"value": v.value, "count": v.count} for v in one.values] for one in facets.facets},
        "next": answer.next,
        "previous": answer.previous,
        "milliseconds": max(answer.milliseconds, facets.milliseconds),
        "partial": answer.partial or facets.partial,
        **({} if query.level is Level.IMAGE else {"images": answer.images, "approximate": answer.approximate}),
    }


def _facet_names(text: str, usual: Sequence[str]) -> list[str]:
    """The names that are asked for; `default` stands for the usual ones."""
    names = [[*usual] if name == "default" else [name] for name in names_in(text)]
    return [name for some in names for name in some]


def _result(result: Result) -> dict[str, Any]:
    below = {"below": asdict(result.below)} if result.below else {}
    return {"id": result.id, "fields": result.fields, **below}
