"""Series acquired like the one that an image is of."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from app.archive.elastic import Elastic
from app.archive.requests import values_of
from app.search.columns import columns_of, source_fields
from app.search.dsl import exists, none_of, term
from app.search.fields import Field
from app.search.likeness import LEAST, PARAMETERS, differs, parameters_of, same

_SHOWN = ("PatientName", "PatientID", "StudyDate", "Modality", "StudyDescription", "SeriesDescription")
_SHARE = "80%"


@dataclass(frozen=True, slots=True)
class AlikeSeries:
    """A series acquired in a similar way.

    Attributes
    ----------
    series
        Its key, as in `derived.series`.
    image
        Id of one of its images.
    fields
        Values of that image by their names.
    different
        The parameters that are not the same.
    """

    series: str
    image: str
    fields: Mapping[str, Any]
    different: tuple[Field, ...]


@dataclass(frozen=True, slots=True)
class Alike:
    """What was compared, and what was found, the most similar first; too few parameters find nothing."""

    parameters: Mapping[Field, list[Any]]
    series: list[AlikeSeries]


def find_alike(
    elastic: Elastic, document: Mapping[str, Any], size: int, visible: Callable[[Iterable[str]], Iterable[str]] = tuple
) -> Alike:
    """Find series with the same acquisition parameters, but for one in five.

    Parameters
    ----------
    document
        Of an image.
    size
        Series at most.
    visible
        Those of some fields that may be compared and shown.
    """
    compared = set(visible(PARAMETERS))
    parameters = {field: values for field, values in parameters_of(document).items() if field.name in compared}
    if len(parameters) < LEAST:
        return Alike(parameters, [])
    modality = document.get("Modality")
    query = {
        "bool": {
            "filter": [term("Modality", modality) if isinstance(modality, str) else none_of(exists("Modality"))],
            "must_not": [term("derived.series", document["derived"]["series"])],
            "should": [{"constant_score": {"filter": same(field, values)}} for field, values in parameters.items()],
            "minimum_should_match": _SHARE,
        }
    }
    columns = columns_of(visible(_SHOWN))
    hits = elastic.search(
        query=query,
        collapse={"field": "derived.series"},
        size=size,
        source_includes=[*source_fields(columns), *(field.name for field in parameters)],
        track_total_hits=False,
    )["hits"]["hits"]
    found = []
    for hit in hits:
        source = hit["_source"]
        different = tuple(f for f, values in parameters.items() if differs(f, values, source.get(f.name)))
        series = hit["fields"]["derived.series"][0]
        found.append(AlikeSeries(series, hit["_id"], values_of(source, columns), different))
    return Alike(parameters, found)
