"""`/api/images/<id>/preview`: a picture of one frame, drawn from the file when it is asked for."""

import hashlib
import os
from typing import Any, Self

from flask import Response, request
from flask_openapi3.blueprint import APIBlueprint
from flask_openapi3.models.tag import Tag
from pydantic import BaseModel, Field, model_validator

from app.api import examples
from app.api.documents import ImagePath, Parameters, problems
from app.api.examples import shown_as, such_as
from app.api.revalidation import NOT_CHANGED
from app.preview.source import FileState, existing
from app.preview.wish import Wish
from app.security import PRIVATE
from app.services import services

_DRAWN_AS = "1"  # another one when pictures are drawn differently: then those in browsers' caches are old
_LARGEST = 1e30

blueprint = APIBlueprint(
    "api_previews",
    __name__,
    url_prefix="/api",
    abp_tags=[Tag(name="Pictures", description="Pictures of the frames of an image.")],
)


class FrameParameters(Parameters):
    """Which frame."""

    frame: int = Field(1, ge=1, le=2**31 - 1, description="number of the frame, from 1", json_schema_extra=such_as(1))


class PictureParameters(FrameParameters):
    """Which frame, and how it is shown."""

    center: float | None = Field(
        None,
        ge=-_LARGEST,
        le=_LARGEST,
        description="window center (level), together with `width`; by default what the file proposes",
        json_schema_extra=such_as(40.0),
    )
    width: float | None = Field(
        None,
        gt=0,
        le=_LARGEST,
        description="window width; only together with `center`",
        json_schema_extra=such_as(400.0),
    )
    size: int = Field(
        512,
        ge=16,
        le=2048,
        description="pixels of the longer side, at most; it is never enlarged",
        json_schema_extra=such_as(512),
    )

    @model_validator(mode="after")
    def _center_with_width(self) -> Self:
        if (self.center is None) != (self.width is None):
            raise ValueError("center and width go together")
        return self


class WindowDocument(BaseModel):
    """A window level and width."""

    center: float
    width: float
    explanation: str


class PreviewDocument(BaseModel):
    """What there is to show."""

    model_config = shown_as(examples.PREVIEW)

    frames: int
    rows: int
    columns: int
    photometric_interpretation: str
    bits_stored: int
    gray: bool = Field(description="whether a window can be set")
    windows: list[WindowDocument] = Field(description="those that the file proposes for the frame")
    function: str = Field(description="how a window is applied (PS3.3 §C.11.2.1.3)")
    luts: list[str] = Field(description="explanations of the file's VOI tables")
    window: WindowDocument | None = Field(description="the one that is shown by default")
    window_from: str | None = Field(
        description="where the default comes from: `file`, `pixels`, or `lut`, which is a table and no window"
    )
    showable: bool
    problem: dict[str, Any] | None = Field(description="why there is no picture: `kind`, `title`, `status`, `detail`")


@blueprint.get(
    "/images/<image>/preview",
    summary="Show a picture of a frame",
    responses={
        "200": {"description": "the picture", "content": {"image/png": {"schema": {"type": "string"}}}},
        **NOT_CHANGED,
        **problems(400, 403, 404, 409, 410, 422, 503),
    },
)
def show_preview(path: ImagePath, query: PictureParameters) -> Response:
    """Draw a frame as PNG: in the window that is asked for, else as the file proposes, else from dark to bright."""
    archive = services().archive
    file = archive.picture(path.image)
    wish = Wish(file.path, file.image, **query.model_dump())
    tag = archive.fingerprint(_tag(wish))
    if request.if_none_match.contains(tag):
        response = Response(status=304)
    else:
        response = Response(services().previews.draw(wish), content_type="image/png")
    response.set_etag(tag)
    response.headers["Cache-Control"] = PRIVATE
    return response


@blueprint.get(
    "/images/<image>/preview/info",
    summary="Tell what there is to show",
    responses={"200": PreviewDocument, **problems(400, 403, 404, 409, 410, 503)},
)
def show_preview_info(path: ImagePath, query: FrameParameters) -> dict[str, Any]:
    """Tell the frames, the windows that the file proposes, and why there is no picture where there is none."""
    file = services().archive.picture(path.image)
    wish = Wish(file.path, file.image, frame=query.frame)
    return services().previews.describe(wish)


def _tag(wish: Wish) -> str:
    """Name a picture by all that it depends on; the file's content by its size, time and number."""
    state = FileState.of(os.stat(existing(wish.path)))  # noqa: PTH116 (a path of bytes)
    return hashlib.sha256(repr((_DRAWN_AS, wish, state)).encode("utf-8", "surrogatepass")).hexdigest()[:32]
