"""`/api/images/<id>/alike` and `/api/batches/<id>/unusual`: series acquired in the same way, and what is unusual."""

from typing import Any

from flask_openapi3.blueprint import APIBlueprint
from flask_openapi3.models.tag import Tag
from pydantic import BaseModel, Field

from app.api import examples
from app.api.documents import BatchPath, ImagePath, Parameters, problems
from app.api.examples import shown_as, such_as
from app.problems import BatchNotFoundError
from app.services import services

blueprint = APIBlueprint(
    "api_likeness",
    __name__,
    url_prefix="/api",
    abp_tags=[Tag(name="Likeness", description="What is alike, and what is unusual.")],
)


class AlikeParameters(Parameters):
    """How many series."""

    size: int = Field(10, ge=1, le=100, description="series to answer, at most", json_schema_extra=such_as(5))


class AlikeSeriesDocument(BaseModel):
    """A series acquired in a similar way."""

    series: str = Field(description="its key, as in `derived.series`")
    image: str = Field(description="id of one of its images")
    fields: dict[str, Any] = Field(description="of that image")
    different: list[str] = Field(description="parameters that are not the same")


class AlikeDocument(BaseModel):
    """Series with the same acquisition parameters, but for one in five at most; the most similar first."""

    model_config = shown_as(examples.ALIKE)

    parameters: dict[str, list[Any]] = Field(description="acquisition parameters of the image, which were compared")
    results: list[AlikeSeriesDocument]


class UnusualValueDocument(BaseModel):
    """A value that is much more frequent in the batch than elsewhere."""

    field: str
    value: Any
    here: int = Field(description="images of the batch that have it")
    everywhere: int = Field(description="images of the archive that have it")
    similar: str | None = Field(description="a value of other batches that this may be a misspelling of")


class UnusualDocument(BaseModel):
    """What is unusual in a batch, possible misspellings and the most telling values first."""

    model_config = shown_as(examples.UNUSUAL)

    images: int = Field(description="images of the batch")
    others: int = Field(description="images that they were compared with")
    results: list[UnusualValueDocument]


@blueprint.get(
    "/images/<image>/alike",
    summary="Find series acquired alike",
    responses={"200": AlikeDocument, **problems(400, 404, 503)},
)
def show_alike(path: ImagePath, query: AlikeParameters) -> dict[str, Any]:
    """Find series that were acquired like the one that an image is of; numbers may differ by a hundredth."""
    found = services().archive.alike(path.image, query.size)
    return {
        "parameters": {field.name: values for field, values in found.parameters.items()},
        "results": [
            {
                "series": one.series,
                "image": one.image,
                "fields": one.fields,
                "different": [field.name for field in one.different],
            }
            for one in found.series
        ],
    }


@blueprint.get(
    "/batches/<batch>/unusual",
    summary="Find what is unusual",
    responses={"200": UnusualDocument, **problems(400, 404, 503)},
)
def show_unusual(path: BatchPath) -> dict[str, Any]:
    """Find values that set a batch apart from the rest of the archive; identifying ones are left out."""
    found = services().archive.unusual(path.batch)
    # One whose status was lost is in the archive still, and one that has just begun only in the status.
    if not found.images and services().status.batch(path.batch) is None:
        raise BatchNotFoundError(path.batch)
    return {
        "images": found.images,
        "others": found.others,
        "results": [
            {
                "field": one.field.name,
                "value": one.value,
                "here": one.here,
                "everywhere": one.everywhere,
                "similar": one.similar,
            }
            for one in found.values
        ],
    }
