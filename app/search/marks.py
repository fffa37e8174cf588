"""Which elements of a header a query is about, and where in their values its words stand.

Taken from the same syntax tree that the compiler reads, so that a page marks what the search has found: what must not
be there marks nothing, a value is compared by the kind of its field, and a field that a query only names marks all of
its elements.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from luqum.tree import (
    BaseGroup,
    From,
    Fuzzy,
    Item,
    Not,
    Phrase,
    Prohibit,
    Proximity,
    Range,
    Regex,
    SearchField,
    To,
    Word,
)

from app.search.comparing import ANYTHING, Comparison, of_range, of_value
from app.search.errors import QuerySyntaxError, UnusableValueError
from app.search.fields import OWN_FIELDS, Field, Shape, UnknownFieldError, resolve
from app.search.kinds import numbers
from app.search.limits import QueryLimits
from app.search.matching import Span, Spans, all_words, merged, similar_words, words_in
from app.search.parse import parse
from app.search.values import Bound, Value
from mappings.dictionary import Kind

_MOST_CONDITIONS = 100
# Of all conditions together: a second of work, and more than any header but dose reports.
_MOST_CHARACTERS = 30_000_000
_ANYWHERE = OWN_FIELDS["text"]


@dataclass(frozen=True, slots=True)
class Element:
    """An element as search sees it.

    Attributes
    ----------
    fields
        The fields of the document that hold it.
    names
        How `empty` and `sequences` list it: by its path, and by itself.
    texts
        Its values.
    """

    fields: frozenset[str]
    names: tuple[str, ...]
    texts: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Condition:
    """One condition of a query."""

    field: Field
    comparison: Comparison


@dataclass(slots=True)
class Marks:
    """What a query marks in a header; made for one header, since what it looks at is bounded.

    Attributes
    ----------
    is_cut
        Whether it has given up looking at values.
    """

    conditions: tuple[Condition, ...] = ()
    is_cut: bool = False
    _left: int = field(default=_MOST_CHARACTERS)

    def __bool__(self) -> bool:
        return bool(self.conditions)

    def of(self, element: Element) -> tuple[Condition, ...]:
        """The conditions that an element fulfils."""
        return tuple(one for one in self.conditions if self._fits(one, element))

    def _fits(self, one: Condition, element: Element) -> bool:
        comparison, wanted = one.comparison, one.field
        if wanted.shape is Shape.LISTED:
            return wanted.path in element.fields and comparison.fits_any(element.names)
        if wanted.kind is Kind.SEQUENCE:
            return "sequences" in element.fields and wanted.path in element.names
        path = comparison.source or wanted.path
        if path not in element.fields:
            return False
        if comparison is ANYTHING:
            return True
        self._left -= sum(map(len, element.texts))
        if self._left < 0:
            self.is_cut = True
            return False
        return comparison.fits_any(element.texts)


def spans_in(conditions: Iterable[Condition], text: str) -> Spans:
    """Where the words of conditions stand in a text of an element that fulfils them."""
    found: list[Span] = []
    for one in conditions:
        if one.field.shape is not Shape.LISTED:
            found += one.comparison.find(text) or []
    return merged(found)


def marks_of(query: str, filters: Iterable[str] = (), limits: QueryLimits | None = None) -> Marks:
    """Find out what a query and its filters mark.

    Raises
    ------
    QuerySyntaxError
        Where the query or a filter cannot be read.
    """
    reader = _Reader()
    for text in (query, *filters):
        tree, _ = parse(text, limits or QueryLimits())
        if tree is not None:
            reader.read(tree, None, wanted=True)
    return Marks(tuple(reader.found[:_MOST_CONDITIONS]))


class _Reader:
    """Walks over a tree and collects the conditions that have to be fulfilled, all or one of them."""

    def __init__(self) -> None:
        self.found: list[Condition] = []

    def read(self, node: Item, inside: Field | None, *, wanted: bool) -> None:
        match node:
            case Prohibit() if inside and _is_negative_number(node, inside):
                self._add(inside, wanted, of_value(inside, Value((f"-{_value(node.a).text}",))))
            case Prohibit() | Not():
                self.read(node.children[0], inside, wanted=not wanted)
            case SearchField():
                try:
                    found = resolve(Value.of_word(node.name).text)
                except UnknownFieldError:
                    return
                self.read(node.expr, found, wanted=wanted)
            case Word() | Phrase() | Range() | From() | To() | Regex() | Fuzzy() | Proximity():
                place = inside or _ANYWHERE
                try:
                    self._add(place, wanted, _comparison(node, place))
                except (UnusableValueError, QuerySyntaxError):
                    return
            case BaseGroup() | Item():
                for child in node.children:
                    self.read(child, inside, wanted=wanted)

    def _add(self, place: Field, wanted: bool, comparison: Comparison | None) -> None:
        if wanted and comparison is not None:
            self.found.append(Condition(place, comparison))


def _comparison(node: Item, place: Field) -> Comparison | None:
    match node:
        case Word() | Phrase():
            value = _value(node)
            # Any word at all marks nothing in particular.
            return None if place is _ANYWHERE and value.is_anything else of_value(place, value)
        case Range():
            return of_range(place, _bound(node.low, node.include_low), _bound(node.high, node.include_high))
        case From():
            return of_range(place, _bound(node.a, node.include), None)
        case To():
            return of_range(place, None, _bound(node.a, node.include))
        case Fuzzy():
            return _similar(_value(node.term).text, node.degree)
        case Proximity():
            return Comparison(all_words(words_in(_value(node.term).text)))
    # What a person typed as a regular expression is not run here: it might not end.
    return None if place is _ANYWHERE else ANYTHING


def _similar(text: str, degree: float) -> Comparison | None:
    words: Sequence[str] = words_in(text)
    if len(words) != 1:
        return None
    usual = 0 if len(words[0]) < 3 else 1 if len(words[0]) < 6 else 2  # Elasticsearch's AUTO
    return Comparison(similar_words(words[0], usual if degree % 1 else int(degree)))


def _is_negative_number(node: Item, inside: Field) -> bool:
    numeric = inside.kind in (Kind.LONG, Kind.DOUBLE)
    child = node.children[0]
    return numeric and isinstance(child, Word) and numbers.is_number(Value.of_word(child.value).text)


def _value(node: Item) -> Value:
    return Value.of_phrase(node.value) if isinstance(node, Phrase) else Value.of_word(node.value)


def _bound(node: Item, inclusive: bool) -> Bound | None:
    value = _value(node)
    return None if value.is_anything else Bound(value.text, inclusive)
