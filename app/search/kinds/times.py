"""Times of day, which the index holds as text `HHMMSS.FFFFFF` that sorts: what is typed names a stretch of the day."""

import re

from app.search.dsl import Query, between
from app.search.errors import UnusableValueError
from app.search.fields import Field
from app.search.values import Bound, Value

_TIME = re.compile(r"([01]\d|2[0-3])(?::?([0-5]\d)(?::?([0-5]\d|60)(?:\.(\d{1,6}))?)?)?")
_DICOM_RANGE = re.compile(r"(?P<low>[\d.:]+)?-(?P<high>[\d.:]+)?")


def span(text: str) -> tuple[str, str]:
    """The first and the last moment of what a text names: `08` is from `080000.000000` to `085959.999999`.

    Raises
    ------
    UnusableValueError
        Where it names no time.
    """
    match = _TIME.fullmatch(text.strip())
    if match is None:
        raise UnusableValueError(f"“{text}” is no time of day; write it as 08, 0830, 08:30 or 083000.5.")
    hour, minute, second, fraction = match.groups()
    first = f"{hour}{minute or '00'}{second or '00'}.{(fraction or '').ljust(6, '0')}"
    last = f"{hour}{minute or '59'}{second or '59'}.{(fraction or '').ljust(6, '9')}"
    return first, last


def equal(field: Field, value: Value) -> Query:
    """Images with a time inside what the value names; it may be a DICOM range."""
    text = value.text.strip()
    if value.is_pattern:
        if value.prefix is None:
            raise UnusableValueError(f"{field.name} holds times: write a part of one, as in 08, or a range.")
        text = value.prefix.rstrip(":.")
    try:
        first, last = span(text)
    except UnusableValueError:
        ends = _DICOM_RANGE.fullmatch(text)
        if ends is None or not (ends["low"] or ends["high"]):
            raise
        low, high = (Bound(end, True) if end else None for end in (ends["low"], ends["high"]))
        return in_range(field, low, high)
    return between(field.path, gte=first, lte=last)


def in_range(field: Field, low: Bound | None, high: Bound | None) -> Query:
    """Images with a time in a range; an end that is left out is left out as a whole: `>08` begins at nine."""
    bounds: dict[str, str] = {}
    if low:
        first, last = span(low.text)
        bounds |= {"gte": first} if low.inclusive else {"gt": last}
    if high:
        first, last = span(high.text)
        bounds |= {"lte": last} if high.inclusive else {"lt": first}
    return between(field.path, **bounds)
