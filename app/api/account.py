"""`/api/me`: who one is, and one's tokens."""

from typing import Any

from flask_openapi3.blueprint import APIBlueprint
from flask_openapi3.models.tag import Tag
from pydantic import BaseModel, ConfigDict, Field

from app.accounts.current import actor
from app.accounts.making_tokens import make_token
from app.accounts.model import Role, RoleName
from app.accounts.tokens import Token
from app.api import examples
from app.api.documents import Page, problems
from app.api.examples import shown_as, such_as
from app.services import services


class MeDocument(BaseModel):
    """Who asks."""

    model_config = shown_as(examples.ME)

    name: str
    role: str = Field(description="viewer, operator or admin")
    deidentified: bool = Field(description="whether identifying attributes are masked")
    via: str = Field(description="how it is known: local, session, token or proxy")


class TokenBody(BaseModel):
    """A token to be made."""

    model_config = ConfigDict(extra="forbid", json_schema_extra=such_as(examples.TOKEN_BODY))

    name: str = Field(min_length=1, max_length=100, description="what it is for")
    role: RoleName = Field("viewer", description="what it may do, at most")
    days: float | None = Field(90, gt=0, le=3_650, description="how long it lasts; null for ever")
    deidentified: bool = Field(False, strict=True, description="whether identifying attributes are masked for it")


class TokenDocument(BaseModel):
    """A token, without what proves it."""

    model_config = shown_as(examples.TOKEN)

    id: str
    name: str
    role: str
    deidentified: bool
    add_date: str
    expires: str | None
    last_used: str | None = Field(description="to a minute")


class NewTokenDocument(TokenDocument):
    """A token that was just made."""

    model_config = shown_as(examples.NEW_TOKEN)

    token: str = Field(description="to be sent as `Authorization: Bearer …`; it is answered this once")


class TokenList(Page):
    """Tokens, the newest first."""

    model_config = shown_as(examples.TOKEN_LIST)

    results: list[TokenDocument]


class TokenPath(BaseModel):
    """Which token."""

    token: str = Field(max_length=100, description="its id", json_schema_extra=such_as(examples.TOKEN_ID))


blueprint = APIBlueprint(
    "api_account",
    __name__,
    url_prefix="/api",
    abp_tags=[Tag(name="Account", description="Who one is, and one's tokens.")],
)


@blueprint.get("/me", summary="Say who asks", responses={"200": MeDocument, **problems(400, 401, 503)})
def show_me() -> dict[str, Any]:
    """Say who asks, and what they may do."""
    who = actor()
    return {"name": who.name, "role": who.role.label, "deidentified": who.deidentified, "via": who.via}


@blueprint.get("/me/tokens", summary="List tokens", responses={"200": TokenList, **problems(400, 401, 503)})
def list_tokens() -> dict[str, Any]:
    """List one's tokens."""
    found = services().accounts.tokens.of(actor().name)
    return {"count": len(found), "next": None, "previous": None, "results": [_document(token) for token in found]}


@blueprint.post(
    "/me/tokens",
    summary="Make a token",
    responses={"201": NewTokenDocument, **problems(400, 401, 403, 413, 415, 503)},
)
def create_token(body: TokenBody) -> tuple[dict[str, Any], int]:
    """Make a token; only somebody who has signed in can."""
    token, text = make_token(
        services().accounts, actor(), body.name, Role.read(body.role), body.days, body.deidentified
    )
    return {**_document(token), "token": text}, 201


@blueprint.delete(
    "/me/tokens/<token>", summary="Revoke a token", responses={"204": None, **problems(400, 401, 403, 404, 503)}
)
def revoke_token(path: TokenPath) -> tuple[str, int]:
    """Revoke a token of one's own."""
    services().accounts.tokens.revoke(actor().name, path.token)
    return "", 204


def _document(token: Token) -> dict[str, Any]:
    return {
        "id": token.id,
        "name": token.name,
        "role": token.role.label,
        "deidentified": token.deidentified,
        "add_date": token.add_date.isoformat(timespec="seconds"),
        "expires": token.expires.isoformat(timespec="seconds") if token.expires else None,
        "last_used": token.last_used.isoformat(timespec="seconds") if token.last_used else None,
    }
