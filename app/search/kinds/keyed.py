"""Elements on an exact path, private and unknown ones: keys of Elasticsearch's `flattened` fields.

Such a field holds whole values as text and knows neither words nor patterns in the middle of a value. For these the
values that occur are asked for first (a `Lookup`), and the query names them. Numbers stand a second time as text that
sorts as they do.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from app.search.dsl import Query, any_of, between, nothing, prefix, term, terms
from app.search.errors import UnusableValueError
from app.search.fields import Field
from app.search.kinds import keywords, numbers, texts
from app.search.values import Bound, Value, regexp_of
from indexer.flatten.forms import sortable
from mappings.dictionary import Kind

_SMALLEST, _LARGEST = sortable(float("-inf")), sortable(float("inf"))
_NUMERIC = (Kind.LONG, Kind.DOUBLE)


@dataclass(frozen=True, slots=True)
class Lookup:
    """A question that has to be answered before the query can be made: which values of a field are meant.

    Attributes
    ----------
    path
        The key of a flattened field.
    expression
        Regular expression of Lucene that the whole value fits.
    """

    path: str
    expression: str


LookUp: TypeAlias = Callable[[Lookup], Sequence[str]]


def equal(field: Field, value: Value, look_up: LookUp) -> Query:
    """Images whose element has this value: texts by their words, numbers as numbers, anything else as a whole."""
    if value.is_pattern:
        if value.prefix is not None and field.kind not in (Kind.TEXT, Kind.NAME):
            return prefix(field.path, value.prefix, any_case=True)
        return among(field, value.regexp(), look_up)
    clauses = [keywords.matching(field.path, value, is_uid=_is_uid(field))]
    if field.numbers and numbers.is_number(value.text):
        clauses.append(term(field.numbers, sortable(float(value.text))))
    elif field.kind in _NUMERIC:
        raise UnusableValueError(f"{field.name} holds numbers; “{value.text}” is none.")
    if field.kind in (Kind.TEXT, Kind.NAME) and texts.has_words(value.text):
        clauses.append(among(field, _containing(value.text), look_up))
    return any_of(clauses)


def among(field: Field, expression: str, look_up: LookUp) -> Query:
    """Images whose element has a value that fits an expression."""
    values = look_up(Lookup(field.path, expression))
    return terms(field.path, values) if values else nothing()


def in_range(field: Field, low: Bound | None, high: Bound | None) -> Query:
    """Images whose element has a number in a range, or, where an end is no number, a text in an alphabetical one."""
    ends = [end for end in (low, high) if end is not None]
    if field.numbers and all(numbers.is_number(end.text) for end in ends):
        wanted = numbers.interval(field, low, high)
        return between(
            field.numbers,
            **{"gte" if wanted.low_inclusive else "gt": _SMALLEST if wanted.low is None else sortable(wanted.low)},
            **{"lte" if wanted.high_inclusive else "lt": _LARGEST if wanted.high is None else sortable(wanted.high)},
        )
    if field.kind in _NUMERIC:
        raise UnusableValueError(f"{field.name} holds numbers; both ends of its ranges have to be some.")
    return between(
        field.path,
        **{"gte" if low is None or low.inclusive else "gt": low.text if low else ""},
        **{"lte" if high is None or high.inclusive else "lt": high.text if high else "\U0010ffff"},
    )


def _containing(text: str) -> str:
    """A whole value that has these words in it."""
    words = regexp_of(text)
    return f"(.*[^0-9A-Za-z])?{words}([^0-9A-Za-z].*)?"


def _is_uid(field: Field) -> bool:
    return field.attribute is not None and field.attribute.vr == "UI"
