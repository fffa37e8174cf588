"""Elements on an exact path, private and unknown ones: keys of Elasticsearch's `flattened` fields.

Such a field holds whole values as text and knows neither words nor patterns in the middle of a value. For these the
values that occur are asked for first (a `Lookup`), and the query names them. Numbers stand a second time as text that
sorts as they do.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from app.search.dsl import Query, any_of, between, nothing, term, terms
from app.search.errors import UnusableValueError
from app.search.fields import Field
from app.search.kinds import ages, dates, keywords, names, numbers, texts, times
from app.search.values import Bound, Value, regexp_of
from indexer.flatten.forms import sortable
from mappings.dictionary import Kind

_SMALLEST, _LARGEST = sortable(float("-inf")), sortable(float("inf"))
_LAST_TEXT = "\U0010ffff"
# What words consist of, as Lucene's expressions can say it: digits, and letters of the scripts that have words.
_LETTERS = "0-9A-Za-z\u00c0-\u00d6\u00d8-\u00f6\u00f8-\u02af\u0370-\u05ff\u0620-\u06ff\uac00-\ud7a3"
_BEFORE, _AFTER = f"(.*[^{_LETTERS}])?", f"([^{_LETTERS}].*)?"
_WORD = re.compile(r"(?:[^\W_]|(?<=\d)[.,](?=\d))+")
_LONGEST_EXPRESSION = 1_000  # that Elasticsearch takes


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
    """Images whose element has this value: texts by their words, numbers as numbers, dates and ages as such."""
    match field.kind:
        case Kind.DATE | Kind.DATETIME:
            return _as_text(field, dates.equal(field, value))
        case Kind.TIME:
            return _as_text(field, times.equal(field, value))
        case Kind.AGE:
            return ages.equal(field, value)
        case Kind.LONG | Kind.DOUBLE:
            return _equal_number(field, value)
        case Kind.KEYWORD if value.text.isascii() and (not value.is_pattern or value.prefix is not None):
            return keywords.matching(field.path, value, is_uid=keywords.is_uid(field))
    if value.is_pattern:
        return among(field, _pattern(value, field.kind), look_up)
    if field.kind is Kind.KEYWORD:
        return among(field, value.regexp(), look_up)
    clauses = [term(field.path, value.text, any_case=value.text.isascii())]
    if field.numbers and numbers.is_number(value.text):
        clauses.append(_any_number(field, float(value.text)))
    if texts.has_words(value.text):
        clauses.append(among(field, _containing(value.text, field.kind), look_up))
    return any_of(clauses)


def _equal_number(field: Field, value: Value) -> Query:
    if value.is_pattern:
        raise UnusableValueError(f"{field.name} holds numbers: wildcards do not work on them, ranges do.")
    return _any_number(field, numbers.number(value.text, field))


def _any_number(field: Field, number: float | int) -> Query:
    path = field.numbers or field.path
    return any_of(term(path, sortable(one)) for one in numbers.written(number, field))


def among(field: Field, expression: str, look_up: LookUp) -> Query:
    """Images whose element has a value that fits an expression."""
    if len(expression) > _LONGEST_EXPRESSION:
        raise UnusableValueError(f"This is too long to be looked up in {field.name}: with := it is the whole value.")
    values = look_up(Lookup(field.path, expression))
    return terms(field.path, values) if values else nothing()


def in_range(field: Field, low: Bound | None, high: Bound | None) -> Query:
    """Images whose element has a number in a range, or, where an end is no number, a text in an alphabetical one."""
    match field.kind:
        case Kind.DATE | Kind.DATETIME:
            return _as_text(field, dates.in_range(field, low, high))
        case Kind.TIME:
            return _as_text(field, times.in_range(field, low, high))
        case Kind.AGE:
            return ages.in_range(field, low, high)
    ends = [end for end in (low, high) if end is not None]
    if field.numbers and all(numbers.is_number(end.text) for end in ends):
        wanted = numbers.interval(field, low, high)
        return between(
            field.numbers,
            **{"gte" if wanted.low_inclusive else "gt": _SMALLEST if wanted.low is None else sortable(wanted.low)},
            **{"lte" if wanted.high_inclusive else "lt": _LARGEST if wanted.high is None else sortable(wanted.high)},
        )
    if field.kind in (Kind.LONG, Kind.DOUBLE):
        raise UnusableValueError(f"{field.name} holds numbers; an end of this range is none.")
    return _as_text(field, keywords.in_range(field, low, high))


def _as_text(field: Field, query: Query) -> Query:
    """A range on a typed field as one on text: both ends are needed, and they must not depend on the time of day."""
    bounds = {name: bound for name, bound in query["range"][field.path].items() if name != "format"}
    if any(bound.startswith("now") for bound in bounds.values()):
        raise UnusableValueError(f"Dates relative to now work on nested.{field.name.rpartition('.')[2]} only.")
    if not bounds.keys() & {"gt", "gte"}:
        bounds["gte"] = ""
    if not bounds.keys() & {"lt", "lte"}:
        bounds["lte"] = _LAST_TEXT
    return between(field.path, **bounds)


def _pattern(value: Value, kind: Kind) -> str:
    """A whole value that fits a pattern; of texts and names also one that has a word which does."""
    whole = value.regexp()
    words = f"{_BEFORE}{value.regexp(any_one=f'[{_LETTERS}_]')}{_AFTER}"
    is_words = kind is not Kind.KEYWORD and len(whole) + len(words) < _LONGEST_EXPRESSION
    return f"{whole}|{words}" if is_words else whole


def _containing(text: str, kind: Kind) -> str:
    """A whole value that has these words in it: beside each other, or, in names, in any order."""
    if kind is Kind.NAME:
        # In aggregations `&` demands that the value fits both sides.
        return "&".join(_beside(word) for word in names.words_of(text))
    return _beside(text)


def _beside(text: str) -> str:
    if numbers.is_number(text):
        return f"{_BEFORE}{regexp_of(text)}{_AFTER}"
    words = f"[^{_LETTERS}]+".join(regexp_of(word) for word in _WORD.findall(text))
    return f"{_BEFORE}{words}{_AFTER}"
