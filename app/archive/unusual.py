"""What is unusual in a batch, compared with the whole archive: a new station, a changed protocol, a misspelt name.

Significant terms are, in each field, the values that are much more frequent in the batch than
elsewhere. What identifies (UIDs, ids, names, dates, numbers of series and images) differs always, and is left out.
"""

import difflib
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from app.archive.elastic import Elastic
from app.search.dsl import none_of, term
from app.search.fields import Field, Shape
from app.search.headers import HeaderField
from app.search.likeness import PARAMETERS
from app.search.sorting import sort_path
from mappings.dictionary import Kind

_FIELDS = 300
_OF_FIELD = 3
_NUMBERS_OF_FIELD = 10
_MOST = 30
_COMPARED = 200  # values of a field that a new one may be a misspelling of
_ALIKE = 0.8
_NO_DIGIT = re.compile(r"\D")
_IDENTIFYING = ("ID", "UID", "Number", "Name", "Date", "Time", "Comments", "Physician", "Address", "History")
_NO_TERMS = ("UI", "UT", "LT", "ST", "UR")
_TELLING_NAMES = (
    "InstitutionName",
    "InstitutionalDepartmentName",
    "ManufacturerModelName",
    "StationName",
    "ProtocolName",
    "SequenceName",
    "PulseSequenceName",
    "ReceiveCoilName",
)


@dataclass(frozen=True, slots=True)
class UnusualValue:
    """A value that is more frequent in a batch than elsewhere.

    Attributes
    ----------
    field, value
        What it is.
    here, everywhere
        Images of the batch, and of the whole archive, that have it.
    similar
        A frequent value that it may be a misspelling of.
    """

    field: Field
    value: Any
    here: int
    everywhere: int
    similar: str | None = None

    @property
    def is_new(self) -> bool:
        """Whether no other batch has it."""
        return self.here == self.everywhere


@dataclass(frozen=True, slots=True)
class Unusual:
    """What is unusual, the most telling first; `images` of the batch were compared with `others`."""

    values: list[UnusualValue]
    images: int
    others: int


def find_unusual(elastic: Elastic, batch: str, headers: Sequence[HeaderField]) -> Unusual:
    """Find unusual values.

    Parameters
    ----------
    batch
        Id of the batch.
    headers
        Fields that occur in the archive, those of most images first.
    """
    fields = [header.field for header in headers if _is_telling(header.field)][:_FIELDS]
    inside = term("batch", batch)
    answer = elastic.search(
        size=0,
        track_total_hits=True,
        aggregations={
            "batch": {"filter": inside, "aggregations": {str(n): _frequent(f) for n, f in enumerate(fields)}},
            "others": {"filter": none_of(inside)},
        },
    )
    found = answer["aggregations"]["batch"]
    images, others = found["doc_count"], answer["aggregations"]["others"]["doc_count"]
    if not images or not others:
        return Unusual([], images, others)
    scored = [*_scored(found, fields), *_scored_numbers(elastic, found, fields, images, images + others)]
    scored.sort(key=lambda one: -one[0])
    values = _with_similar(elastic, batch, [value for _, value in scored[:_MOST]])
    values.sort(key=lambda value: value.similar is None)
    return Unusual(values, images, others)


def _frequent(field: Field) -> dict[str, Any]:
    # Significant terms refuse numbers with a fraction; these are compared here.
    if field.kind is Kind.DOUBLE:
        return {"terms": {"field": field.path, "size": _NUMBERS_OF_FIELD}}
    return {"significant_terms": {"field": sort_path(field), "size": _OF_FIELD, "min_doc_count": 1}}


def _is_telling(field: Field) -> bool:
    attribute = field.attribute
    if attribute is None or field.shape is not Shape.TYPED or field.path.startswith("nested."):
        return False
    if field.name in PARAMETERS or field.name in _TELLING_NAMES:
        return True
    return field.kind in (Kind.TEXT, Kind.KEYWORD) and not (
        attribute.vr in ("UI", "UT", "LT", "ST")
        or field.name.endswith(_IDENTIFYING)
        or field.name.startswith("Patient")
    )


def _scored(found: Mapping[str, Any], fields: Sequence[Field]) -> Iterator[tuple[float, UnusualValue]]:
    for number, field in enumerate(fields):
        if field.kind is Kind.DOUBLE:
            continue
        for bucket in found[str(number)]["buckets"]:
            value = bucket.get("key_as_string", bucket["key"])
            yield bucket["score"], UnusualValue(field, value, bucket["doc_count"], bucket["bg_count"])


def _scored_numbers(
    elastic: Elastic, found: Mapping[str, Any], fields: Sequence[Field], images: int, total: int
) -> Iterator[tuple[float, UnusualValue]]:
    numbers = [
        (field, bucket["key"], bucket["doc_count"])
        for number, field in enumerate(fields)
        if field.kind is Kind.DOUBLE
        for bucket in found[str(number)]["buckets"]
    ]
    if not numbers:
        return
    filters = {str(n): term(field.path, value) for n, (field, value, _) in enumerate(numbers)}
    answer = elastic.search(size=0, track_total_hits=False, aggregations={"values": {"filters": {"filters": filters}}})[
        "aggregations"
    ]["values"]["buckets"]
    for n, (field, value, here) in enumerate(numbers):
        everywhere = max(answer[str(n)]["doc_count"], here)
        share, usual = here / images, everywhere / total
        if share > usual:
            # As Elasticsearch scores terms (JLH): absolute by relative change.
            yield (share - usual) * share / usual, UnusualValue(field, value, here, everywhere)


def _with_similar(elastic: Elastic, batch: str, values: list[UnusualValue]) -> list[UnusualValue]:
    """Find values of other batches that new ones look like."""
    fields = list(dict.fromkeys(v.field for v in values if v.is_new and v.field.kind is Kind.TEXT))
    if not fields:
        return values
    answer = elastic.search(
        query=none_of(term("batch", batch)),
        size=0,
        track_total_hits=False,
        aggregations={str(n): {"terms": {"field": sort_path(f), "size": _COMPARED}} for n, f in enumerate(fields)},
    )
    known = {
        field: [bucket["key"] for bucket in answer["aggregations"][str(number)]["buckets"]]
        for number, field in enumerate(fields)
    }
    return [_compared(value, known.get(value.field, [])) if value.is_new else value for value in values]


def _compared(value: UnusualValue, known: Sequence[str]) -> UnusualValue:
    # Other digits make another value, and no misspelling: MR1 and MR2 are two stations.
    digits = _NO_DIGIT.sub("", str(value.value))
    candidates = [text for text in known if _NO_DIGIT.sub("", text) == digits]
    near = difflib.get_close_matches(str(value.value), candidates, n=1, cutoff=_ALIKE)
    return replace(value, similar=near[0]) if near else value
