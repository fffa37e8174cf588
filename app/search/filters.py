"""Filters: conditions beside a query that are set and taken back by a click.

Each is one condition of the query language, with `-` before it to exclude: `Modality:=CT`, `-Manufacturer:="ACME"`,
`-BodyPartExamined:*` for images without a value. Those on one field are alternatives, those that exclude hold all, and
fields hold together. `joined` writes query and filters as one query.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass

from luqum.tree import From, Item, Not, Phrase, Prohibit, Range, SearchField, To, Word

from app.search.errors import QuerySyntaxError
from app.search.fields import Field, UnknownFieldError, resolve
from app.search.limits import QueryLimits
from app.search.parse import parse
from app.search.values import Value

_PLAIN_NAME = re.compile(r"@?[A-Za-z0-9_.]+")
_PLAIN_VALUE = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.+-]*")
_SIGN = re.compile(r"^\s*(-|NOT\s)\s*")
_WORDS_OF_GRAMMAR = ("AND", "OR", "NOT", "TO")
MOST_FILTERS = 100


class UnusableFilterError(Exception):
    """A filter that is not one condition on one field; the message says so."""


@dataclass(frozen=True, slots=True)
class Filter:
    """One filter.

    Attributes
    ----------
    text
        As it was written.
    field
        That it is about.
    value
        The wanted value or range as text; None for "no value".
    excluded
        Whether what has the value is left out.
    """

    text: str
    field: Field
    value: str | None
    excluded: bool

    @property
    def unsigned(self) -> str:
        """The condition on the value, whether it is wanted or left out."""
        return _SIGN.sub("", self.text)


def read_filter(text: str) -> Filter:
    """Read a filter.

    Raises
    ------
    UnusableFilterError
        Where it cannot be understood, or is more than one condition.
    """
    problem = f"“{text}” is no filter. A filter is one condition on one field, as in Modality:=CT or -Modality:=CT."
    try:
        tree, _ = parse(text, QueryLimits(clauses=2))
    except QuerySyntaxError as error:
        raise UnusableFilterError(f"{problem} {error.message}") from error
    excluded = isinstance(tree, Prohibit | Not)
    inner = tree.a if isinstance(tree, Prohibit | Not) else tree
    if not isinstance(inner, SearchField):
        raise UnusableFilterError(problem)
    try:
        field = resolve(Value.of_word(inner.name).text)
    except UnknownFieldError as error:
        raise UnusableFilterError(f"{problem} {error.message}") from error
    value, is_anything = _value_of(inner.expr, problem)
    if is_anything:
        # To exclude what has any value is to ask for what has none.
        return Filter(text, field, None, not excluded)
    return Filter(text, field, value, excluded)


def write_filter(field: Field, value: str | None, *, excluded: bool = False, is_range: bool = False) -> str:
    """Write a filter: one value, letter by letter; a range or part of a date as it is typed; or no value."""
    name = name_of(field)
    if value is None:
        return f"{'' if excluded else '-'}{name}:*"
    shown = value if is_range else f"={_plain_or_quoted(value)}"
    return f"{'-' if excluded else ''}{name}:{shown}"


def name_of(field: Field) -> str:
    """The name of a field as a query has it, in quotation marks where it needs them."""
    return field.name if _PLAIN_NAME.fullmatch(field.name) else quoted(field.name)


def conditions(filters: Iterable[Filter]) -> dict[str, str]:
    """One query for each field that filters are about, by the field's name.

    Raises
    ------
    UnusableFilterError
        For too many.
    """
    by_field: dict[str, list[Filter]] = {}
    for one in filters:
        by_field.setdefault(one.field.name, []).append(one)
    if sum(map(len, by_field.values())) > MOST_FILTERS:
        raise UnusableFilterError(f"At most {MOST_FILTERS} filters can be set.")
    return {name: _condition(group) for name, group in by_field.items()}


def joined(query: str, texts: Iterable[str]) -> str:
    """Write a query and filters as one query.

    Raises
    ------
    UnusableFilterError
        Where a filter cannot be understood.
    """
    parts = list(conditions(map(read_filter, texts)).values())
    wanted = query.strip()
    if not parts:
        return wanted
    return " ".join(([f"({wanted})"] if wanted else []) + parts)


def quoted(text: str) -> str:
    """A text as a phrase of the query language."""
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def _condition(filters: list[Filter]) -> str:
    # Written so that the same text is left after joining as a query of its own: NOT binds more tightly than OR.
    alternatives = [
        one.text if one.value is not None else f"(NOT {one.unsigned})" for one in filters if not one.excluded
    ]
    parts = [f"({' OR '.join(alternatives)})" if len(alternatives) > 1 else alternatives[0]] if alternatives else []
    return " ".join(parts + [one.text for one in filters if one.excluded])


def _value_of(node: Item, problem: str) -> tuple[str, bool]:
    match node:
        case Word():
            value = Value.of_word(node.value)
            return value.text, value.is_anything
        case Phrase():
            return Value.of_phrase(node.value).text, False
        case Range() | From() | To():
            return str(node).strip().replace("\\", ""), False
    raise UnusableFilterError(problem)


def _plain_or_quoted(value: str) -> str:
    return value if _PLAIN_VALUE.fullmatch(value) and value not in _WORDS_OF_GRAMMAR else quoted(value)
