"""Dates and date-times: every text names a span of time, and a range runs from span to span.

`2004` is a year, `2004-01` a month, `20040119` a day. Elasticsearch is given full dates and half-open ranges only: it
would take `lte: 2004` to mean the first of January. Written as people do, as DICOM does (PS3.5 §6.2, also its ranges
`20040119-20040201`), or relative to now (`now-30d`, `today`).
"""

import re
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from app.search.dsl import Query, between
from app.search.errors import UnusableValueError
from app.search.fields import Field
from app.search.values import Bound, Value
from mappings.dictionary import Kind

_DATETIME = re.compile(
    r"(?P<year>\d{4})(?:(?P<separator>[-./]?)(?P<month>\d{2})(?:(?P=separator)(?P<day>\d{2}))?)?"
    r"(?:[T ]?(?P<hour>\d{2})(?::?(?P<minute>\d{2})(?::?(?P<second>\d{2})(?:\.(?P<fraction>\d{1,6}))?)?)?"
    r"(?P<offset>Z|[+-]\d{2}:?\d{2})?)?"
)
_RELATIVE = re.compile(r"now((?:[+-]\d{1,4}[yMwdhHms]){0,3})(/[yMwdhHms])?")
_NAMED = {"today": "now/d", "yesterday": "now-1d/d", "tomorrow": "now+1d/d"}
_DICOM_RANGE = re.compile(r"(?P<low>[\d.]{4,21})?-(?P<high>[\d.]{4,21})?")
_EXAMPLES = "2004, 2004-01, 2004-01-19, 20040119, today or now-30d"


@dataclass(frozen=True, slots=True)
class Span:
    """A stretch of time as Elasticsearch reads it: from `start` up to, not including, `end` (None: all time)."""

    start: str
    end: str | None


def span(text: str, kind: Kind) -> Span:
    """Read what a text names.

    Parameters
    ----------
    text
        A date, a date and time, or a time relative to now; whole or partial.
    kind
        `Kind.DATE`, which rounds what is relative to days, or `Kind.DATETIME`.

    Raises
    ------
    UnusableValueError
        Where it names no time.
    """
    wanted = text.strip()
    lowered = _NAMED.get(wanted.casefold(), wanted)
    if lowered.casefold().startswith("now"):
        return _relative(lowered, text)
    match = _DATETIME.fullmatch(wanted)
    if match is None:
        raise UnusableValueError(f"“{text}” is no date; write it as {_EXAMPLES}.")
    return _absolute(match, text)


def equal(field: Field, value: Value) -> Query:
    """Images with a date inside what the value names; it may be a DICOM range."""
    text = value.text.strip()
    if value.is_pattern:
        if value.prefix is None:
            raise UnusableValueError(f"{field.name} holds dates: write a part of one, as in 2004-01, or a range.")
        text = value.prefix.rstrip("-./")
    try:
        wanted = span(text, field.kind)
    except UnusableValueError:
        ends = _DICOM_RANGE.fullmatch(text)
        if ends is None or not (ends["low"] or ends["high"]):
            raise
        low, high = (Bound(end, True) if end else None for end in (ends["low"], ends["high"]))
        return in_range(field, low, high)
    return between(field.path, gte=wanted.start, lt=wanted.end, format="strict_date_optional_time")


def in_range(field: Field, low: Bound | None, high: Bound | None) -> Query:
    """Images with a date in a range; an end that is left out is left out as a whole: `>2004` begins in 2005."""
    start = end = None
    if low:
        from_span = span(low.text, field.kind)
        start = from_span.start if low.inclusive else from_span.end
    if high:
        to_span = span(high.text, field.kind)
        end = to_span.end if high.inclusive else to_span.start
    return between(field.path, gte=start, lt=end, format="strict_date_optional_time")


def _relative(wanted: str, text: str) -> Span:
    match = _RELATIVE.fullmatch("now" + wanted[3:])
    if match is None:
        raise UnusableValueError(f"“{text}” is no time; relative ones are written now, now-30d, now-1y, now-1M/M.")
    rounding = match.group(2) or "/d"
    start = f"now{match.group(1)}{rounding}"
    return Span(start, f"{start}+1{rounding[1:]}")


def _absolute(match: re.Match[str], text: str) -> Span:
    month, day = (int(match[name]) if match[name] else None for name in ("month", "day"))
    try:
        first = date(int(match["year"]), month or 1, day or 1)
        if match["hour"] is None:
            return _days(first, month, day)
        if day is None:
            raise ValueError("a time without a day")
        return _moment(first, match)
    except ValueError as error:
        raise UnusableValueError(f"“{text}” is no date of the calendar; write it as {_EXAMPLES}.") from error


def _days(first: date, month: int | None, day: int | None) -> Span:
    try:
        if day is not None:
            after = first + timedelta(days=1)
        elif month is not None:
            after = date(first.year + first.month // 12, first.month % 12 + 1, 1)
        else:
            after = date(first.year + 1, 1, 1)
    except (OverflowError, ValueError):  # the last day that there is
        return Span(first.isoformat(), None)
    return Span(first.isoformat(), after.isoformat())


def _moment(day: date, match: re.Match[str]) -> Span:
    hour, minute, second, fraction = (match[name] for name in ("hour", "minute", "second", "fraction"))
    start = datetime(  # noqa: DTZ001  the offset, where there is one, is passed on as text
        day.year, day.month, day.day, int(hour), int(minute or 0), min(int(second or 0), 59)
    )
    start += timedelta(milliseconds=int((fraction or "0").ljust(6, "0")[:3]))
    if fraction:
        length = timedelta(milliseconds=max(10 ** (3 - len(fraction)), 1))
    elif second:
        length = timedelta(seconds=1)
    else:
        length = timedelta(minutes=1) if minute else timedelta(hours=1)
    offset = match["offset"] or ""
    try:
        end: str | None = (start + length).isoformat(timespec="milliseconds") + offset
    except OverflowError:
        end = None
    return Span(start.isoformat(timespec="milliseconds") + offset, end)
