"""Numbers: checked before they are sent, because Elasticsearch refuses a word where a number should be."""

import math
import re
import struct
from dataclasses import dataclass

from app.search.dsl import Query, any_of, between, nothing, term
from app.search.errors import UnusableValueError
from app.search.fields import Field
from app.search.values import Bound, Value
from indexer.flatten.convert import shortest
from mappings.dictionary import Kind

_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d{1,4})?")
_LARGEST_LONG = 2**63 - 1
_LARGEST_FLOAT = 3.4e38  # of 32 bits


@dataclass(frozen=True, slots=True)
class Interval:
    """Numbers from `low` to `high`; None leaves an end open."""

    low: float | int | None
    high: float | int | None
    low_inclusive: bool = True
    high_inclusive: bool = True


def number(text: str, field: Field) -> float | int:
    """Read a number: a whole one as `int`, any other as `float`.

    Raises
    ------
    UnusableValueError
        Where it is none, or larger than what Elasticsearch can hold.
    """
    stripped = text.strip()
    if not _NUMBER.fullmatch(stripped):
        raise UnusableValueError(f"{field.name} holds numbers; “{text}” is none.")
    value = float(stripped)
    if not math.isfinite(value):
        raise UnusableValueError(f"“{text}” is too large a number.")
    if re.fullmatch(r"[+-]?\d+", stripped):
        return int(stripped)
    return int(value) if value.is_integer() and abs(value) < 2**53 else value


def is_number(text: str) -> bool:
    """Whether a text can be read as a number of ordinary size."""
    return bool(_NUMBER.fullmatch(text.strip())) and math.isfinite(float(text))


def interval(field: Field, low: Bound | None, high: Bound | None) -> Interval:
    """Read both ends of a range."""
    return Interval(
        number(low.text, field) if low else None,
        number(high.text, field) if high else None,
        low.inclusive if low else True,
        high.inclusive if high else True,
    )


def equal(field: Field, value: Value) -> Query:
    """Images with exactly this number."""
    if value.is_pattern:
        raise UnusableValueError(f"{field.name} holds numbers: wildcards do not work on them, ranges do.")
    wanted = number(value.text, field)
    if field.kind is Kind.LONG:
        fits = isinstance(wanted, int) and abs(wanted) <= _LARGEST_LONG
        return term(field.path, wanted) if fits else nothing()
    return any_of(term(field.path, one) for one in written(wanted, field))


def written(number: float | int, field: Field) -> list[float]:
    """A number as the index has it: of a 32-bit float that is the shortest of its decimals, and others write more."""
    as_typed = float(number)
    is_short = field.attribute is None or field.attribute.vr == "FL"
    if is_short and abs(as_typed) < _LARGEST_FLOAT and as_typed == struct.unpack("f", struct.pack("f", as_typed))[0]:
        return list(dict.fromkeys((as_typed, shortest(as_typed))))
    return [as_typed]


def in_range(field: Field, low: Bound | None, high: Bound | None) -> Query:
    """Images with a number in a range."""
    wanted = interval(field, low, high)
    if field.kind is Kind.LONG:
        wanted = _whole(wanted)
        if wanted.low is not None and wanted.high is not None and wanted.low > wanted.high:
            return nothing()
    return between(
        field.path,
        **{"gte" if wanted.low_inclusive else "gt": wanted.low},
        **{"lte" if wanted.high_inclusive else "lt": wanted.high},
    )


def _whole(wanted: Interval) -> Interval:
    """The whole numbers of an interval, both ends included, clipped to what a long can hold."""
    low, high = wanted.low, wanted.high
    if low is not None:
        low = math.ceil(low) if wanted.low_inclusive or not float(low).is_integer() else math.floor(low) + 1
        low = min(max(low, -_LARGEST_LONG), _LARGEST_LONG)
    if high is not None:
        high = math.floor(high) if wanted.high_inclusive or not float(high).is_integer() else math.ceil(high) - 1
        high = min(max(high, -_LARGEST_LONG), _LARGEST_LONG)
    return Interval(low, high)
