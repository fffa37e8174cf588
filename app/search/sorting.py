"""In which order results come, and where a page ends.

A page is described by the sort values of the row next to it (`search_after`): any number of pages, and stable ones,
because the order ends in keys that differ from image to image. A page before a row is the page after it in reverse
order.
"""

import base64
import binascii
import hashlib
import json
from dataclasses import dataclass
from typing import Any

from app.search.fields import Field, Shape, UnknownFieldError, names_in, resolve
from mappings.dictionary import Kind

# The index is sorted by the first three, newest study first; the others only tell images apart.
_DEFAULT = (("derived.date", True), ("derived.study", False), ("derived.series", False), ("InstanceNumber", False))
_TELLING_APART = (("SOPInstanceUID", False), ("batch", False), ("file.path", False), ("indexed_at", False))
_UNSORTABLE = (Kind.BINARY, Kind.SEQUENCE)
_MOST_KEYS = 5
_LONGEST_CURSOR = 20_000


class UnusableSortError(Exception):
    """A sort order that cannot be used; the message says what can."""


class UnusableCursorError(Exception):
    """A `next` or `after` that was not made for this search."""


@dataclass(frozen=True, slots=True)
class SortKey:
    """One key of an order."""

    name: str
    path: str
    descending: bool


@dataclass(frozen=True, slots=True)
class Order:
    """The order of results.

    Attributes
    ----------
    chosen
        The keys that were asked for; empty for the default order.
    keys
        All keys.
    """

    chosen: tuple[SortKey, ...]
    keys: tuple[SortKey, ...]

    def body(self, *, backwards: bool = False) -> list[dict[str, Any]]:
        """For Elasticsearch; images without a value come last, whichever the direction."""
        return [
            {
                key.path: {
                    "order": "desc" if key.descending != backwards else "asc",
                    "missing": "_first" if backwards else "_last",
                }
            }
            for key in self.keys
        ]


@dataclass(frozen=True, slots=True)
class Cursor:
    """The row that a page begins after, or, backwards, ends before."""

    values: tuple[Any, ...]
    backwards: bool = False

    def encode(self, query: str, order: Order) -> str:
        """As opaque text for URLs, bound to one search."""
        record = [_fingerprint(query, order), int(self.backwards), list(self.values)]
        return base64.urlsafe_b64encode(json.dumps(record, separators=(",", ":")).encode()).decode().rstrip("=")


def order_of(text: str) -> Order:
    """Read an order.

    Parameters
    ----------
    text
        Names of fields with commas between; `-` before a name sorts downwards; blank means the newest study first.

    Raises
    ------
    UnusableSortError
        For fields that are unknown, or have no order.
    """
    chosen = chosen_keys(text)
    rest = _TELLING_APART if chosen else _DEFAULT + _TELLING_APART
    used = {key.path for key in chosen}
    return Order(chosen, chosen + tuple(SortKey(path, path, down) for path, down in rest if path not in used))


def chosen_keys(text: str) -> tuple[SortKey, ...]:
    """Read the keys that are asked for.

    Raises
    ------
    UnusableSortError
        For fields that are unknown, or have no order, and for too many.
    """
    names = names_in(text)
    if len(names) > _MOST_KEYS:
        raise UnusableSortError(f"At most {_MOST_KEYS} fields can be sorted by.")
    return tuple(_key(name) for name in names)


def read_cursor(text: str, query: str, order: Order) -> Cursor:
    """Read what `Cursor.encode` wrote.

    Raises
    ------
    UnusableCursorError
        Where it is damaged, or belongs to another search.
    """
    problem = "This page was made for another search: begin again without `after`."
    if len(text) > _LONGEST_CURSOR:
        raise UnusableCursorError(problem)
    try:
        record = json.loads(base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True))
    except (binascii.Error, ValueError, RecursionError) as error:
        raise UnusableCursorError(problem) from error
    match record:
        case [str(fingerprint), 0 | 1 as backwards, list(values)] if (
            fingerprint == _fingerprint(query, order)
            and len(values) == len(order.keys)
            and all(isinstance(value, str | int | float | None) for value in values)
        ):
            return Cursor(tuple(values), bool(backwards))
    raise UnusableCursorError(problem)


def _key(name: str) -> SortKey:
    descending = name.startswith("-")
    try:
        field = resolve(name.lstrip("+-"))
    except UnknownFieldError as error:
        near = f" Did you mean {' or '.join(error.suggestions)}?" if error.suggestions else ""
        raise UnusableSortError(f"{error.message}{near}") from error
    if field.kind in _UNSORTABLE or field.shape in (Shape.WORDS, Shape.ID):
        raise UnusableSortError(f"Results cannot be sorted by {field.name}.")
    return SortKey(field.name, sort_path(field), descending)


def sort_path(field: Field) -> str:
    """Where the values stand that a field is sorted by."""
    if field.shape is Shape.KEYED and field.numbers and field.kind in (Kind.LONG, Kind.DOUBLE):
        return field.numbers
    return field.exact


def _fingerprint(query: str, order: Order) -> str:
    text = json.dumps([query, [[key.path, key.descending] for key in order.keys]])
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:12]
