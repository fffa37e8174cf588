"""Ages (PS3.5 §6.2, `045Y`): a text names a stretch of a life, so that 45 is from the 45th birthday to the 46th.

The patient's age stands as years in the document; of other ages, the codes that lie in the range are listed.
"""

import re
from functools import cache

from app.search.dsl import Query, all_of, between, exists, terms
from app.search.errors import UnusableValueError
from app.search.fields import Field
from app.search.values import Bound, Value

_AGE = re.compile(r"(\d{1,3}(?:\.\d{1,3})?)([DWMY]?)", re.IGNORECASE)
_YEARS_OF_UNIT = {"D": 1 / 365.25, "W": 7 / 365.25, "M": 1 / 12, "Y": 1.0}
_LIVE_IN_YEARS = "PatientAge"
# The index holds years rounded; a code must not fall out of its own span by that.
_TOLERANCE = 0.0005


def span(text: str) -> tuple[float, float]:
    """Years from which, and up to which, one is as old as a text says.

    Raises
    ------
    UnusableValueError
        Where it says no age.
    """
    match = _AGE.fullmatch(text.strip())
    if match is None:
        raise UnusableValueError(f"“{text}” is no age; write it in years, as in 45, or as 045Y, 018M, 006W or 010D.")
    amount, unit = float(match.group(1)), (match.group(2) or "Y").upper()
    length = 1 if amount.is_integer() else 0
    return amount * _YEARS_OF_UNIT[unit], (amount + length) * _YEARS_OF_UNIT[unit]


def equal(field: Field, value: Value) -> Query:
    """Images with an age inside what the value says."""
    if value.is_pattern:
        raise UnusableValueError(f"{field.name} holds ages: wildcards do not work on them, ranges do.")
    start, end = span(value.text)
    return _within(field, start, end) if end > start else _within(field, start, start + 2 * _TOLERANCE)


def in_range(field: Field, low: Bound | None, high: Bound | None) -> Query:
    """Images with an age in a range: `<=18` is up to the 19th birthday, `>18` from then on."""
    start = end = None
    if low:
        from_start, from_end = span(low.text)
        start = from_start if low.inclusive else from_end
    if high:
        to_start, to_end = span(high.text)
        end = to_end if high.inclusive else to_start
    return _within(field, start, end)


def _within(field: Field, start: float | None, end: float | None) -> Query:
    low = None if start is None else start - _TOLERANCE
    high = None if end is None else end - _TOLERANCE
    if field.path == _LIVE_IN_YEARS:
        return all_of([exists(field.path), between("derived.age_years", gte=low, lt=high)])
    codes = [
        code
        for code, years in _years_of_codes().items()
        if (low is None or years >= low) and (high is None or years < high)
    ]
    return terms(field.path, codes)


@cache
def _years_of_codes() -> dict[str, float]:
    return {f"{n:03d}{unit}": n * years for unit, years in _YEARS_OF_UNIT.items() for n in range(1000)}
