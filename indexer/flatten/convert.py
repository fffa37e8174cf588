"""Values of DICOM as the types of Elasticsearch: numbers, ISO dates, normalised times (PS3.5 §6.2).

Each converter takes one value of the DICOM JSON Model and returns what is indexed, or None for a value that does not
fit the type; Elasticsearch itself then never has to refuse one.
"""

import math
import re
import struct
from collections.abc import Callable, Mapping
from datetime import date
from types import MappingProxyType

from mappings.dictionary import Kind

Scalar = str | int | float
Converter = Callable[[Scalar, str], Scalar | None]

_LONG = range(-(1 << 63), 1 << 63)
_DATE = re.compile(r"(\d{4})([.-]?)(\d{2})\2(\d{2})", re.ASCII)
_TIME = re.compile(r"([01]\d|2[0-3])(?::?([0-5]\d)(?::?([0-5]\d|60)(?:\.(\d{1,6})\d*)?)?)?", re.ASCII)
_DATETIME = re.compile(r"(\d{4})(\d{2})?(\d{2})?(\d{2}(?:\d{2}(?:\d{2}(?:\.\d{1,6})?)?)?)?([+-]\d{4})?", re.ASCII)
_AGE = re.compile(r"(\d{1,3})([DWMY])", re.ASCII)
_OFFSET = re.compile(r"([+-])(\d{2})(\d{2})", re.ASCII)
_YEARS = {"D": 1 / 365.25, "W": 7 / 365.25, "M": 1 / 12, "Y": 1.0}


def to_text(value: Scalar, vr: str) -> str | None:
    """Write any value as text."""
    return value.strip() if isinstance(value, str) else number_text(value, vr)


def number_text(value: float, vr: str = "") -> str:
    """Write a number in one way only: `5` for 5, 5.0 and 5.00."""
    if isinstance(value, float):
        value = shortest(value) if vr == "FL" else value
        if value.is_integer() and abs(value) < 1e16:
            return str(int(value))
    return repr(value)


def shortest(value: float) -> float:
    """Round a 32-bit float to the shortest decimal that is still that float: 0.1, not 0.10000000149011612."""
    for digits in (6, 7, 8):
        candidate = float(f"{value:.{digits}g}")
        if struct.pack("f", candidate) == struct.pack("f", value):
            return candidate
    return value


def to_double(value: Scalar, vr: str) -> float | None:
    """Convert a number, or the text of one."""
    if isinstance(value, str):
        if not value.isascii() or "_" in value:
            return None
        try:
            value = float(value)
        except ValueError:
            return None
    elif vr == "FL":
        value = shortest(value)
    # Elasticsearch holds -0.0 apart from 0.0 and below it; headers have it as a direction cosine or a location.
    number = float(value) + 0.0
    return number if math.isfinite(number) else None


def to_long(value: Scalar, vr: str) -> int | None:
    """Convert a whole number that fits 64 bits, or the text of one."""
    if isinstance(value, str):
        text = value.strip()
        if not text.isascii() or "_" in text:
            return None
        try:
            value = int(text)
        except ValueError:
            as_double = to_double(text, vr)
            if as_double is None:
                return None
            value = as_double
    if isinstance(value, float):
        if not value.is_integer():
            return None
        value = int(value)
    return value if value in _LONG else None


def to_date(value: Scalar, _vr: str = "") -> str | None:
    """Convert a DA to an ISO date; also the form 2004.01.19 of ACR-NEMA, and ISO's own."""
    found = _DATE.fullmatch(str(value).strip())
    return _iso_date(found[1], found[3], found[4]) if found else None


def _iso_date(year: str, month: str | None, day: str | None) -> str | None:
    try:
        return date(int(year), int(month or 1), int(day or 1)).isoformat()
    except ValueError:
        return None


def to_time(value: Scalar, _vr: str = "") -> str | None:
    """Convert a TM to `HHMMSS.FFFFFF`, so that times sort as text; also the form HH:MM:SS of ACR-NEMA."""
    found = _TIME.fullmatch(str(value).strip())
    if not found:
        return None
    hours, minutes, seconds, fraction = found.groups()
    return f"{hours}{minutes or '00'}{seconds or '00'}.{(fraction or '').ljust(6, '0')}"


def to_datetime(value: Scalar, _vr: str = "") -> str | None:
    """Convert a DT to an ISO date with time, its offset kept; missing parts are the first there are."""
    found = _DATETIME.fullmatch(str(value).strip())
    if not found:
        return None
    day = _iso_date(found[1], found[2], found[3])
    if day is None:
        return None
    if found[4] is None:
        return day
    time = to_time(found[4])
    return None if time is None else join_date_time(day, time, found[5])


def join_date_time(day: str, time: str | None, offset: str | None = None) -> str | None:
    """Write an ISO date with time.

    Parameters
    ----------
    day
        From `to_date`.
    time
        From `to_time`.
    offset
        As DICOM has it, `+0100`.

    Returns
    -------
    str or None
        None for an offset that is none.
    """
    if time is None:
        return day
    # A leap second is legal in DICOM and not in Elasticsearch.
    seconds = "59" if time[4:6] == "60" else time[4:6]
    fraction = time[6:].rstrip("0").rstrip(".")
    zone = ""
    if offset:
        found = _OFFSET.fullmatch(offset)
        if not found or int(found[2]) > 14 or int(found[3]) > 59:
            return None
        zone = f"{found[1]}{found[2]}:{found[3]}"
    return f"{day}T{time[:2]}:{time[2:4]}:{seconds}{fraction}{zone}"


def to_age(value: Scalar, _vr: str = "") -> str | None:
    """Convert an AS to its four characters: `045Y`."""
    found = _AGE.fullmatch(str(value).strip())
    return f"{int(found[1]):03d}{found[2]}" if found else None


def age_in_years(age: str) -> float:
    """Convert an age from `to_age` to years."""
    return round(int(age[:3]) * _YEARS[age[3]], 3)


CONVERTERS: Mapping[Kind, Converter] = MappingProxyType(
    {
        Kind.TEXT: to_text,
        Kind.NAME: to_text,
        Kind.KEYWORD: to_text,
        Kind.LONG: to_long,
        Kind.DOUBLE: to_double,
        Kind.DATE: to_date,
        Kind.DATETIME: to_datetime,
        Kind.TIME: to_time,
        Kind.AGE: to_age,
    }
)
NUMERIC = frozenset({Kind.LONG, Kind.DOUBLE})
