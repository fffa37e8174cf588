"""`/api/saved-searches`: searches with a name.

How requests of other sites are kept out is told in `app.same_origin`.
"""

from typing import Any

from flask import Response, current_app, url_for
from flask_openapi3.blueprint import APIBlueprint
from flask_openapi3.models.tag import Tag
from pydantic import BaseModel, ConfigDict, Field

from app.api import examples
from app.api.documents import Condition, Page, PageParameters, problems
from app.api.examples import shown_as, such_as
from app.api.lists import part_of_list
from app.saved import SavedSearch, SavedState
from app.saved.store import LONGEST_NAME
from app.search.levels import Level
from app.services import query_limits, saved_of_actor, services


class SavedSearchBody(BaseModel):
    """A search to be saved. But for `name`, the members are the parameters of `/api/search`."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra=such_as(examples.SAVED_BODY),
    )

    name: str = Field(min_length=1, max_length=LONGEST_NAME, description="unique among one's own, whatever its case")
    q: str = Field("", description="the query")
    level: Level = Field(Level.IMAGE, description="what a result is")
    sort: str = Field("", description="fields to sort by")
    fields: str = Field("", description="fields to show")
    facets: str = Field("", description="facets to count")
    filter: list[Condition] = Field([], description="conditions beside the query")
    shared: bool = Field(False, description="whether all users see it; where nobody signs in, all do")

    def state(self) -> SavedState:
        """What is to be saved, checked."""
        state = SavedState(self.q, self.level.value, self.sort, self.fields, self.facets, tuple(self.filter))
        state.check(query_limits(services().settings))
        return state


class SavedSearchDocument(SavedSearchBody):
    """A saved search."""

    model_config = shown_as(examples.SAVED)

    id: str = Field(description="stays the same when it gets another name")
    owner: str = Field(description="the user who saved it")
    url: str = Field(description="address of its results in the API")
    add_date: str
    modify_date: str


class SavedSearchList(Page):
    """Saved searches, by name."""

    model_config = shown_as(examples.SAVED_LIST)

    results: list[SavedSearchDocument]


class SavedSearchPath(BaseModel):
    """Which saved search."""

    search: str = Field(max_length=100, description="its id", json_schema_extra=such_as(examples.SAVED_ID))


blueprint = APIBlueprint(
    "api_saved_searches",
    __name__,
    url_prefix="/api",
    abp_tags=[Tag(name="Saved searches", description="Searches with a name: one's own, and those that others share.")],
)


@blueprint.get(
    "/saved-searches", summary="List saved searches", responses={"200": SavedSearchList, **problems(400, 503)}
)
def list_saved_searches(query: PageParameters) -> dict[str, Any]:
    """List the saved searches, by name."""
    found = saved_of_actor().all()
    return {
        **part_of_list("api_saved_searches.list_saved_searches", len(found), query),
        "results": [_document(one) for one in found[query.offset : query.offset + query.size]],
    }


@blueprint.post(
    "/saved-searches",
    summary="Save a search",
    responses={"201": SavedSearchDocument, **problems(400, 403, 409, 413, 415, 503)},
)
def add_saved_search(body: SavedSearchBody) -> Response:
    """Save a search under a name."""
    saved = saved_of_actor().add(body.name, body.state(), shared=body.shared)
    response = _answer(saved, 201)
    response.headers["Location"] = url_for("api_saved_searches.show_saved_search", search=saved.id)
    return response


@blueprint.get(
    "/saved-searches/<search>",
    summary="Show a saved search",
    responses={"200": SavedSearchDocument, **problems(400, 404, 503)},
)
def show_saved_search(path: SavedSearchPath) -> dict[str, Any]:
    """Show one saved search."""
    return _document(saved_of_actor().get(path.search))


@blueprint.put(
    "/saved-searches/<search>",
    summary="Change a saved search",
    responses={"200": SavedSearchDocument, **problems(400, 403, 404, 409, 413, 415, 503)},
)
def change_saved_search(path: SavedSearchPath, body: SavedSearchBody) -> Response:
    """Replace a saved search: its name and all that it says."""
    return _answer(saved_of_actor().change(path.search, body.name, body.state(), shared=body.shared), 200)


@blueprint.delete(
    "/saved-searches/<search>",
    summary="Delete a saved search",
    responses={"204": None, **problems(400, 403, 404, 503)},
)
def delete_saved_search(path: SavedSearchPath) -> tuple[str, int]:
    """Forget a saved search."""
    saved_of_actor().delete(path.search)
    return "", 204


def _answer(saved: SavedSearch, status: int) -> Response:
    return Response(current_app.json.dumps(_document(saved)), status, content_type="application/json")


def _document(saved: SavedSearch) -> dict[str, Any]:
    return {
        "id": saved.id,
        "name": saved.name,
        **saved.state.document(),
        "owner": saved.owner,
        "shared": saved.shared,
        "url": url_for("api_search.search", **saved.state.parameters()),
        "add_date": saved.add_date.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        "modify_date": saved.modify_date.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
    }
