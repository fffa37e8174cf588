"""`/api/users`: who has an account, for administrators."""

from typing import Any

from flask_openapi3.blueprint import APIBlueprint
from flask_openapi3.models.tag import Tag
from pydantic import BaseModel, ConfigDict, Field

from app.accounts.model import Role, RoleName, User
from app.api import examples
from app.api.documents import Page, PageParameters, problems
from app.api.examples import shown_as, such_as
from app.api.lists import part_of_list
from app.services import services


class UserBody(BaseModel):
    """A user to be added."""

    model_config = ConfigDict(extra="forbid", json_schema_extra=such_as(examples.USER_BODY))

    name: str = Field(max_length=64, description="letters (a to z), digits and . _ @ + -")
    role: RoleName = Field("viewer", description="viewer, operator or admin")
    password: str | None = Field(
        None, max_length=1_000, description="12 characters or more; null where a proxy signs the user in"
    )
    deidentified: bool = Field(False, strict=True, description="whether identifying attributes are masked")


class ChangedUserBody(BaseModel):
    """What is changed of a user; a member that is left out stays as it is."""

    model_config = ConfigDict(extra="forbid", json_schema_extra=such_as(examples.CHANGED_USER))

    role: RoleName | None = Field(None, description="viewer, operator or admin")
    password: str | None = Field(None, max_length=1_000, description="12 characters or more; it ends the sessions")
    deidentified: bool | None = Field(None, strict=True, description="whether identifying attributes are masked")
    disabled: bool | None = Field(None, strict=True, description="whether the user may not come in")


class UserDocument(BaseModel):
    """A user."""

    model_config = shown_as(examples.USER)

    name: str
    role: str
    deidentified: bool
    disabled: bool
    has_password: bool = Field(description="false for those whom only a proxy signs in")
    add_date: str
    modify_date: str
    last_login: str | None = Field(description="when the user last signed in with the password")


class UserList(Page):
    """Users, by name."""

    model_config = shown_as(examples.USER_LIST)

    results: list[UserDocument]


class UserPath(BaseModel):
    """Which user."""

    name: str = Field(max_length=64, description="its name", json_schema_extra=such_as(examples.USER_NAME))


blueprint = APIBlueprint(
    "api_users",
    __name__,
    url_prefix="/api",
    abp_tags=[Tag(name="Users", description="Who has an account; for administrators.")],
)


@blueprint.get("/users", summary="List users", responses={"200": UserList, **problems(400, 401, 403, 503)})
def list_users(query: PageParameters) -> dict[str, Any]:
    """List all users, by name."""
    found = services().accounts.users.all()
    return {
        **part_of_list("api_users.list_users", len(found), query),
        "results": [_document(user) for user in found[query.offset : query.offset + query.size]],
    }


@blueprint.post(
    "/users", summary="Add a user", responses={"201": UserDocument, **problems(400, 401, 403, 409, 413, 415, 503)}
)
def add_user(body: UserBody) -> tuple[dict[str, Any], int]:
    """Add a user."""
    user = services().accounts.users.add(body.name, Role.read(body.role), body.password, deidentified=body.deidentified)
    return _document(user), 201


@blueprint.get(
    "/users/<name>", summary="Show a user", responses={"200": UserDocument, **problems(400, 401, 403, 404, 503)}
)
def show_user(path: UserPath) -> dict[str, Any]:
    """Show one user."""
    return _document(services().accounts.users.get(path.name))


@blueprint.patch(
    "/users/<name>",
    summary="Change a user",
    responses={"200": UserDocument, **problems(400, 401, 403, 404, 409, 413, 415, 503)},
)
def change_user(path: UserPath, body: ChangedUserBody) -> dict[str, Any]:
    """Change a user; a new password, or being disabled, ends the user's sessions."""
    role = Role.read(body.role) if body.role is not None else None
    changed = services().accounts.change(
        path.name, role=role, deidentified=body.deidentified, disabled=body.disabled, password=body.password
    )
    return _document(changed)


@blueprint.delete(
    "/users/<name>", summary="Delete a user", responses={"204": None, **problems(400, 401, 403, 404, 409, 503)}
)
def delete_user(path: UserPath) -> tuple[str, int]:
    """Delete a user, with sessions and tokens."""
    services().accounts.delete(path.name)
    return "", 204


def _document(user: User) -> dict[str, Any]:
    return {
        "name": user.name,
        "role": user.role.label,
        "deidentified": user.deidentified,
        "disabled": user.disabled,
        "has_password": user.password is not None,
        "add_date": user.add_date.isoformat(timespec="seconds"),
        "modify_date": user.modify_date.isoformat(timespec="seconds"),
        "last_login": user.last_login.isoformat(timespec="seconds") if user.last_login else None,
    }
