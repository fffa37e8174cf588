"""Facets: which values the results have, and how many results have each.

What a facet counts follows from the kind of its field: single values; spans of time, as long as the dates suggest;
ranges of numbers, unless there are few different ones. Each value is written as the query language has it, so that a
click can become a filter.
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import Enum
from typing import Any

from app.search.dsl import Query, exists, none_of
from app.search.fields import Field, Shape, UnknownFieldError, resolve
from app.search.levels import Level
from app.search.sorting import sort_path
from mappings.dictionary import Kind

DEFAULT_FACETS = (
    "Modality",
    "StudyDate",
    "BodyPartExamined",
    "Manufacturer",
    "ManufacturerModelName",
    "InstitutionName",
    "PatientSex",
    "derived.age_years",
    "derived.sop_class",
    "derived.transfer_syntax",
    "batch",
)
MOST_FACETS = 40
_AGE = "derived.age_years"
_FEW_NUMBERS = 12
_RANGES = 12
_AGE_STEP = 10
_LONGEST_IN_DAYS, _LONGEST_IN_MONTHS, _LONGEST_IN_YEARS = 45, 1_100, 13_000  # days
_MOST_SPANS = 40
_PRECISION = 4_000


class UnusableFacetError(Exception):
    """A field that cannot be a facet; the message says why."""


class Form(Enum):
    """What a facet counts."""

    VALUES = "values"
    DATES = "dates"
    NUMBERS = "numbers"


@dataclass(frozen=True, slots=True)
class Facet:
    """A facet.

    Attributes
    ----------
    name
        As it is asked for and answered.
    field
        That filters on its values name.
    path
        Where the values stand.
    form
        What it counts.
    """

    name: str
    field: Field
    path: str
    form: Form


@dataclass(frozen=True, slots=True)
class Spread:
    """Least and greatest value (dates as milliseconds since 1970), and about how many different ones."""

    low: float
    high: float
    different: int


# Ages are counted by decades, wherever they begin and end.
_ALL_AGES = Spread(0, 100, 100)


@dataclass(frozen=True, slots=True)
class FacetValue:
    """A value, span or range as the query language has it, and the results that have it.

    Attributes
    ----------
    value
        None counts the results without any value.
    count
        Images, or rows of the level.
    is_range
        Whether `value` is a range or a part of a date, and not one whole value.
    """

    value: str | float | int | None
    count: int
    is_range: bool = False


def facets_of(names: Iterable[str]) -> tuple[Facet, ...]:
    """Find the facets that were asked for.

    Raises
    ------
    UnusableFacetError
        For unknown fields, those without values to count, and too many.
    """
    wanted = list(dict.fromkeys(name.strip() for name in names if name.strip()))
    if len(wanted) > MOST_FACETS:
        raise UnusableFacetError(f"At most {MOST_FACETS} facets can be counted.")
    facets = {facet.name: facet for facet in map(_facet, wanted)}
    return tuple(facets.values())


def spread_aggregations(facet: Facet) -> dict[str, Any]:
    """Ask what a facet has to know before it can count; nothing where it counts single values, or ages."""
    if facet.form is Form.VALUES or facet.path == _AGE:
        return {}
    stats: dict[str, Any] = {"stats": {"stats": {"field": facet.path}}}
    if facet.form is Form.NUMBERS:
        stats["different"] = {"cardinality": {"field": facet.path}}
    return stats


def read_spread(facet: Facet, answer: Mapping[str, Any]) -> Spread | None:
    """Read the answer to `spread_aggregations`; None where there are no values."""
    if facet.path == _AGE:
        return _ALL_AGES
    stats = answer.get("stats")
    if not stats or not stats["count"]:
        return None
    return Spread(stats["min"], stats["max"], answer.get("different", {}).get("value", 0))


def facet_aggregations(
    facet: Facet, spread: Spread | None, level: Level, size: int, chosen: Sequence[Query] = ()
) -> dict[str, Any]:
    """Ask for the counts of a facet.

    Parameters
    ----------
    spread
        Of its values; None for single values, and where there are none.
    level
        What is counted.
    size
        Values at most.
    chosen
        What else is to be counted: values that are chosen, however few results have them.
    """
    count: dict[str, Any] = {}
    if level is not Level.IMAGE:
        # By ordinals: a set of bits for each value instead of a hash for each image.
        cardinality = {
            "cardinality": {
                "field": level.key,
                "precision_threshold": _PRECISION,
                "execution_hint": "global_ordinals",
            }
        }
        count = {"aggregations": {"rows": cardinality}}
    asked = {"missing": {"filter": none_of(exists(facet.path)), **count}}
    if chosen:
        asked["chosen"] = {"filters": {"filters": list(chosen)}, **count}
    if facet.form is not Form.VALUES and spread is None:
        return asked
    return {"values": {**_counting(facet, spread, level, size), **count}, **asked}


def read_facet(
    facet: Facet, spread: Spread | None, level: Level, size: int, answer: Mapping[str, Any]
) -> tuple[list[FacetValue], bool]:
    """Read the answer to `facet_aggregations`: the values, and whether there are more than these.

    Single values come with the most frequent first, spans and ranges in their order; results without a value last.
    """
    buckets = answer.get("values", {}).get("buckets", [])
    values = [_value(facet, spread, bucket, _count(bucket, level)) for bucket in buckets]
    more = bool(answer.get("values", {}).get("sum_other_doc_count"))
    values = [value for value in values if value.count]
    if facet.form is Form.VALUES:
        values.sort(key=lambda value: -value.count)
        more = more or len(values) > size
        values = values[:size]
    if missing := _count(answer["missing"], level):
        values.append(FacetValue(None, missing))
    return values, more


def read_chosen(level: Level, answer: Mapping[str, Any]) -> list[int]:
    """Read how many results have each of the chosen values, in the order of asking."""
    return [_count(bucket, level) for bucket in answer.get("chosen", {}).get("buckets", [])]


def _facet(name: str) -> Facet:
    try:
        field = resolve(name)
    except UnknownFieldError as error:
        near = f" Did you mean {' or '.join(error.suggestions)}?" if error.suggestions else ""
        raise UnusableFacetError(f"{error.message}{near}") from error
    if field.kind in (Kind.BINARY, Kind.SEQUENCE) or field.shape in (Shape.WORDS, Shape.ID):
        raise UnusableFacetError(f"{field.name} has no values that could be counted.")
    if field.name == "malformed":
        raise UnusableFacetError("Malformed values are counted for one attribute, as in malformed.StudyDate.")
    if field.name in ("PatientAge", _AGE):
        return Facet(field.name, resolve(_AGE), _AGE, Form.NUMBERS)
    if field.shape is Shape.TYPED and field.kind in (Kind.DATE, Kind.DATETIME):
        return Facet(field.name, field, field.path, Form.DATES)
    if field.shape is Shape.TYPED and field.kind in (Kind.LONG, Kind.DOUBLE):
        return Facet(field.name, field, field.path, Form.NUMBERS)
    path = field.path if field.shape is Shape.KEYED else sort_path(field)
    return Facet(field.name, field, path, Form.VALUES)


def _counting(facet: Facet, spread: Spread | None, level: Level, size: int) -> dict[str, Any]:
    if spread is None or _has_few(facet, spread):
        # Ordered by images, since an order by rows would count the rows of every value; some more are asked for, so
        # that those with many rows and few images are among them.
        asked = size if level is Level.IMAGE else 4 * size
        return {"terms": {"field": facet.path, "size": asked}}
    if facet.form is Form.NUMBERS:
        return {"histogram": {"field": facet.path, "interval": _step(facet, spread), "min_doc_count": 1}}
    interval = _interval(spread)
    if interval != "years":
        return {"date_histogram": {"field": facet.path, "calendar_interval": interval, "min_doc_count": 1}}
    step, first, last = _years(spread)
    spans = [{"from": f"{y:04d}", "to": f"{y + step:04d}"} for y in range(first, last + 1, step)]
    return {"date_range": {"field": facet.path, "format": "yyyy", "ranges": spans}}


def _has_few(facet: Facet, spread: Spread) -> bool:
    return facet.form is Form.NUMBERS and facet.path != _AGE and spread.different <= _FEW_NUMBERS


def _step(facet: Facet, spread: Spread) -> float:
    """A round width for ranges of numbers."""
    if facet.path == _AGE:
        return _AGE_STEP
    least = (spread.high - spread.low) / _RANGES or 1.0
    power = 10.0 ** math.floor(math.log10(least))
    width = next(factor * power for factor in (1, 2, 5, 10) if factor * power >= least)
    return max(width, 1.0) if facet.field.kind is Kind.LONG else width


def _interval(spread: Spread) -> str:
    days = (spread.high - spread.low) / 86_400_000
    if days <= _LONGEST_IN_DAYS:
        return "day"
    if days <= _LONGEST_IN_MONTHS:
        return "month"
    return "year" if days <= _LONGEST_IN_YEARS else "years"


def _years(spread: Spread) -> tuple[int, int, int]:
    """The number of years in a span, and the first years of the first and the last span."""
    first, last = _date(spread.low).year, _date(spread.high).year
    step = next(years for years in (10, 100, 1_000) if (last - first) / years < _MOST_SPANS or years == 1_000)
    return step, max(first // step * step, 1), last // step * step


def _value(facet: Facet, spread: Spread | None, bucket: Mapping[str, Any], count: int) -> FacetValue:
    key = bucket.get("key")
    if spread is None or _has_few(facet, spread):
        return FacetValue(key, count)
    if facet.form is Form.NUMBERS:
        low = float(bucket["key"])
        return FacetValue(f"[{low:.10g} TO {low + _step(facet, spread):.10g}}}", count, is_range=True)
    if "from" in bucket:
        return FacetValue(f"[{bucket['from_as_string']} TO {int(bucket['to_as_string']) - 1:04d}]", count, True)
    day = _date(bucket["key"]).date().isoformat()
    length = {"day": 10, "month": 7, "year": 4}[_interval(spread)]
    return FacetValue(day[:length], count, is_range=True)


def _count(bucket: Mapping[str, Any], level: Level) -> int:
    count: int = bucket["doc_count"] if level is Level.IMAGE else bucket["rows"]["value"]
    return count


def _date(milliseconds: float) -> datetime:
    return datetime.fromtimestamp(milliseconds / 1000, UTC)
