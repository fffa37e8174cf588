"""Values as people write them: dates, times, names, numbers with separators, sizes."""

import math
import re
from datetime import UTC, date, datetime
from typing import Any

from flask import Flask
from markupsafe import Markup, escape
from pydicom.uid import UID_dictionary

from app.search.fields import Field
from mappings.dictionary import Kind

_DATE = re.compile(r"(\d{4})-?(\d{2})-?(\d{2})")
_TIME = re.compile(r"(\d{2}):?(\d{2}):?(\d{2})(\.\d+)?")
_DATETIME = re.compile(r"(\d{4}-\d{2}-\d{2})T(\d{2}:\d{2}(?::\d{2})?)(?:\.\d+)?(Z|[+-]\d{2}:?\d{2})?")
_AGE = re.compile(r"(\d{3})([DWMY])")
_UNITS = {"D": "day", "W": "week", "M": "month", "Y": "year"}
# Halves of characters, and control characters that no page may have in it.
_UNSENDABLE = re.compile("[\ud800-\udfff\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")
_SIZES = ("B", "kB", "MB", "GB", "TB")
_SHOWN_VALUES = 8


def register(app: Flask) -> None:
    """Make the formats known to the templates."""
    app.jinja_env.filters.update(
        thousands=thousands,
        file_size=file_size,
        moment=moment,
        person=person,
        day=day,
        plural=plural,
        duration=duration,
        rate=rate,
        first_value=first_value,
    )
    app.jinja_env.globals.update(quoted=quoted)
    app.jinja_env.finalize = printable
    app.jinja_env.trim_blocks = True
    app.jinja_env.lstrip_blocks = True


def printable(value: Any) -> Any:
    """Make sure that a value can be sent: names of files need not be UTF-8, and values of headers not be text."""
    if isinstance(value, str) and not (value.isascii() and value.isprintable()):
        return type(value)(_UNSENDABLE.sub("�", value))
    return value


def quoted(text: str) -> str:
    """A text as a phrase of the query language."""
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def first_value(value: Any) -> str:
    """The first of several values, as text; nothing where there is none."""
    if isinstance(value, list):
        value = value[0] if value else None
    return "" if value is None else str(value)


def thousands(number: int) -> str:
    """`1,234`."""
    return f"{number:,}"


def plural(number: int, one: str, many: str = "") -> str:
    """`1 image`, `1,234 images`."""
    return f"{number:,} {one if number == 1 else many or one + 's'}"


def duration(seconds: float) -> str:
    """`40 s`, `12 min`, `3 h 20 min`."""
    if seconds < 60:
        return f"{math.ceil(seconds)} s"
    minutes = math.ceil(seconds / 60)
    return f"{minutes} min" if minutes < 60 else f"{minutes // 60:,} h {minutes % 60} min"


def rate(images: float) -> str:
    """`250/s`, `0.4/s`."""
    return f"{images:,.0f}/s" if images >= 10 else f"{images:.2g}/s"


def file_size(size: int) -> str:
    """`39 kB`: three significant digits at most."""
    amount, unit = float(size), 0
    while amount >= 999.5 and unit < len(_SIZES) - 1:
        amount, unit = amount / 1000, unit + 1
    return f"{amount:.3g} {_SIZES[unit]}"


def moment(at: datetime | str | None) -> Markup:
    """A moment as an element that a script turns into the reader's own time zone."""
    if at is None:
        return Markup("—")
    instant = datetime.fromisoformat(at) if isinstance(at, str) else at
    instant = instant.astimezone(UTC)
    shown = f"{instant.day} {instant:%b %Y, %H:%M} UTC"
    return Markup('<time datetime="{}">{}</time>').format(instant.isoformat(timespec="seconds"), escape(shown))


def day(text: Any) -> str:
    """`19 Jan 2004`, from DICOM's or ISO's form; what is no date stays as it is."""
    found = _DATE.fullmatch(str(text))
    if not found:
        return str(text)
    try:
        value = date(int(found[1]), int(found[2]), int(found[3]))
    except ValueError:
        return str(text)
    return f"{value.day} {value:%b} {value.year}"


def time_of_day(text: Any) -> str:
    """`07:27:30`, from DICOM's form or the index's."""
    found = _TIME.fullmatch(str(text))
    return f"{found[1]}:{found[2]}:{found[3]}" if found else str(text)


def day_and_time(text: Any) -> str:
    """`19 Jan 2004, 07:27:30`."""
    found = _DATETIME.fullmatch(str(text))
    if not found:
        return day(text)
    zone = {"Z": " UTC", None: ""}.get(found[3], f" {found[3]}")
    return f"{day(found[1])}, {found[2]}{zone}"


def person(text: Any) -> str:
    """`Doe, John`, from `Doe^John` (PS3.5 §6.2.1.1: family, given, middle, prefix, suffix)."""
    groups = [group for group in str(text).split("=") if group.strip(" ^")]
    return " · ".join(_person_group(group) for group in groups)


def _person_group(group: str) -> str:
    family, given, middle, prefix, suffix = [part.strip() for part in (group.split("^") + [""] * 5)[:5]]
    rest = " ".join(part for part in (prefix, given, middle, suffix) if part)
    return ", ".join(part for part in (family, rest) if part)


def age(text: Any) -> str:
    """`45 years`, from `045Y`."""
    found = _AGE.fullmatch(str(text))
    return plural(int(found[1]), _UNITS[found[2]]) if found else str(text)


def uid(text: Any) -> str:
    """The name that the standard gives a UID, or the UID."""
    entry = UID_dictionary.get(str(text))
    return str(entry[0]) if entry and entry[0] else str(text)


def number(value: Any) -> str:
    """A number without a needless `.0`."""
    return f"{value:g}" if isinstance(value, float) and value.is_integer() and abs(value) < 1e6 else str(value)


def shown(value: Any, field: Field) -> str:
    """A value of a document as people write it; several with commas between, a long list shortened."""
    if value is None:
        return ""
    if isinstance(value, list):
        texts = [shown(one, field) for one in value[:_SHOWN_VALUES]]
        more = f" … ({len(value):,})" if len(value) > _SHOWN_VALUES else ""
        return ", ".join(texts) + more
    if field.attribute is not None and field.attribute.vr == "UI":
        return uid(value)
    match field.kind:
        case Kind.DATE:
            return day(value)
        case Kind.DATETIME:
            return day_and_time(value)
        case Kind.TIME:
            return time_of_day(value)
        case Kind.NAME:
            return person(value)
        case Kind.AGE:
            return age(value)
        case Kind.DOUBLE | Kind.LONG:
            return number(value)
    return str(value)
