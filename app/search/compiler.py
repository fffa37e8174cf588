"""From luqum's syntax tree to Elasticsearch's query DSL, each condition by the kind of its field.

Beside each other means AND. A condition that cannot be meant as it stands is an error with its place; nothing is
guessed and nothing is left out silently.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from luqum.tree import (
    AndOperation,
    BaseGroup,
    From,
    Fuzzy,
    Item,
    Not,
    OrOperation,
    Phrase,
    Plus,
    Prohibit,
    Proximity,
    Range,
    Regex,
    SearchField,
    To,
    UnknownOperation,
    Word,
)

from app.search.dsl import Query, all_of, any_of, everything, none_of, regexp, term
from app.search.errors import MaskedQueryError, QuerySyntaxError, UnusableValueError
from app.search.fields import OWN_FIELDS, Field, Shape, UnknownFieldError, resolve
from app.search.kinds import ages, anywhere, dates, exact, keyed, keywords, listed, names, numbers, texts, times
from app.search.kinds.keyed import Lookup
from app.search.limits import QueryLimits
from app.search.parse import parse
from app.search.presence import present
from app.search.rewrite import Rewritten
from app.search.values import Bound, Value, several
from app.search.views import EVERYTHING, MaskedFieldError, View
from mappings.dictionary import Kind

_ANYWHERE = OWN_FIELDS["text"]
_LONGEST_EXPRESSION = 500
_RANGE_NEEDS_FIELD = "A range needs a field before it, as in SliceThickness:[1 TO 5]."


@dataclass(frozen=True, slots=True)
class Compiled:
    """A query, ready to be run.

    Attributes
    ----------
    query
        For Elasticsearch.
    lookups
        Questions to be answered first; while there are any, `query` finds too little.
    fields
        The fields that it names, in their order.
    """

    query: Query
    lookups: tuple[Lookup, ...]
    fields: tuple[Field, ...]


def compile_query(
    text: str,
    limits: QueryLimits | None = None,
    known: Mapping[Lookup, Sequence[str]] | None = None,
    view: View = EVERYTHING,
) -> Compiled:
    """Make what a person typed into a query for Elasticsearch.

    Parameters
    ----------
    text
        The query; a blank one finds everything.
    limits
        What it may cost.
    known
        Answers to the lookups of an earlier call with the same text.
    view
        What it may see.

    Raises
    ------
    MaskedQueryError
        Where it names what its view does not show.
    QuerySyntaxError
        Where it cannot be understood; never anything else.
    """
    limits = limits or QueryLimits()
    tree, rewritten = parse(text, limits)
    if tree is None:
        return Compiled(everything(), (), ())
    compiler = _Compiler(rewritten, limits, known or {}, view)
    query = compiler.compile(tree, None)
    return Compiled(query, tuple(compiler.lookups), tuple(compiler.fields))


@dataclass
class _Compiler:
    rewritten: Rewritten
    limits: QueryLimits
    known: Mapping[Lookup, Sequence[str]]
    view: View
    lookups: dict[Lookup, None] = field(default_factory=dict)
    fields: dict[Field, None] = field(default_factory=dict)
    patterns: int = 0
    words: int = 0

    def compile(self, node: Item, inside: Field | None) -> Query:
        """Compile one node; `inside` is the field whose values it names, None outside of any."""
        match node:
            case AndOperation() | UnknownOperation():
                return all_of([self.compile(child, inside) for child in node.children])
            case OrOperation():
                return any_of([self.compile(child, inside) for child in node.children])
            case Prohibit() if inside and self._is_negative_number(node, inside):
                return self._located(node, lambda: _equal(inside, Value((f"-{_value(node.a).text}",))))
            case Not() | Prohibit():
                return none_of(self.compile(node.a, inside))
            case Plus() | BaseGroup():
                return self.compile(node.children[0], inside)
            case SearchField():
                return self._field(node, inside)
            case _:
                return self._located(node, lambda: self._condition(node, inside or _ANYWHERE))

    def _is_negative_number(self, node: Item, inside: Field) -> bool:
        numeric = inside.kind in (Kind.LONG, Kind.DOUBLE)
        return numeric and isinstance(node.a, Word) and numbers.is_number(Value.of_word(node.a.value).text)

    def _field(self, node: SearchField, inside: Field | None) -> Query:
        name = Value.of_word(node.name).text
        if inside is not None:
            raise self._error(node, "A field cannot stand inside another field's value.", length=len(name))
        if name == "*" and isinstance(node.expr, Word) and Value.of_word(node.expr.value).is_anything:
            return everything()
        try:
            found = resolve(name)
        except UnknownFieldError as error:
            raise self._unknown(node, error) from error
        try:
            self.view.check(found)
        except MaskedFieldError as error:
            raise self._masked(node, error, length=len(name)) from error
        self.fields[found] = None
        return self.compile(node.expr, found)

    def _unknown(self, node: SearchField, error: UnknownFieldError) -> QuerySyntaxError:
        start = self.rewritten.origin(node.pos)
        end = self.rewritten.origin(node.pos + len(node.name))
        message = error.message
        if not error.suggestions and message.startswith("There is no field"):
            message += " To search for a text that has a colon in it, put it in quotes."
        return QuerySyntaxError(message, start, end - start, error.suggestions)

    def _condition(self, node: Item, wanted: Field) -> Query:
        if self.view.seals(wanted):
            return self._sealed(node, wanted)
        if wanted is _ANYWHERE and (fields := self.view.words()) is not None:
            return self._in_fields(node, fields)
        match node:
            case Word() | Phrase():
                return self._value_condition(_value(node), wanted)
            case Range() | From() | To():
                return self._range(node, wanted)
            case Regex():
                return self._regexp(node, wanted)
            case Fuzzy():
                return self._fuzzy(node, wanted)
            case Proximity():
                return self._proximity(node, wanted)
            case _:
                raise UnusableValueError("This cannot stand here.")

    def _sealed(self, node: Item, wanted: Field) -> Query:
        """A field whose values are known by another name: one of these, and nothing else."""
        if not isinstance(node, Word | Phrase):
            raise UnusableValueError(f"{wanted.name} takes an id as it is shown, and nothing else.")
        value = _value(node)
        if value.is_anything:
            return present(wanted)
        opened = self.view.opened(wanted, value.text)
        return (
            listed.identified(Value((opened,), quoted=True)) if wanted.shape is Shape.ID else term(wanted.path, opened)
        )

    def _in_fields(self, node: Item, fields: Sequence[Field]) -> Query:
        """Words without a field, where they are sought in some fields only."""
        self.words += 1
        if self.view.most_words is not None and self.words > self.view.most_words:
            raise UnusableValueError(
                f"At most {self.view.most_words} words without a field are sought at a time, since each is sought in "
                "every attribute that is not masked: name fields, as in BodyPartExamined:chest."
            )
        match node:
            case Word() | Phrase() if (value := _value(node)).is_anything:
                return everything()
            case Word() | Phrase() if (value := _value(node)).is_pattern:
                self._count_pattern(value.begins_with_wildcard())
                return anywhere.pattern(fields, value)
            case Word() | Phrase():
                return anywhere.equal(fields, _value(node))
            case Fuzzy():
                self._count_pattern(False)
                return anywhere.fuzzy(fields, _value(node.term).text, _edits(node))
            case Proximity():
                return anywhere.equal(fields, _value(node.term), slop=node.degree)
            case Regex():
                raise UnusableValueError("A regular expression needs a field before it here, as in Modality:/CT|MR/.")
            case _:
                raise UnusableValueError(_RANGE_NEEDS_FIELD)

    def _value_condition(self, value: Value, wanted: Field) -> Query:
        if wanted.shape is Shape.LISTED and not value.is_anything:
            self.view.check_listed(value.text, is_pattern=value.is_pattern)
        if value.exact:
            return exact.equal(wanted, value.text) or _equal(wanted, value)
        if value.is_anything:
            return present(wanted) if wanted is not _ANYWHERE else everything()
        if (parts := several(value.text)) and _separates_values(wanted) and not value.is_pattern:
            return all_of([self._value_condition(Value((part,), value.quoted), wanted) for part in parts])
        if value.is_pattern:
            self._count_pattern(value.begins_with_wildcard())
        if wanted.shape is Shape.KEYED:
            return keyed.equal(wanted, value, self._look_up)
        return _equal(wanted, value)

    def _range(self, node: Range | From | To, wanted: Field) -> Query:
        if wanted is _ANYWHERE:
            raise UnusableValueError(_RANGE_NEEDS_FIELD)
        low, high = _bounds(node)
        if low is None and high is None:
            return present(wanted)
        return _in_range(wanted, low, high)

    def _regexp(self, node: Regex, wanted: Field) -> Query:
        expression = node.value[1:-1].replace("\\/", "/")
        if wanted.shape is Shape.LISTED:
            self.view.check_listed(expression, is_pattern=True)
        if len(expression) > _LONGEST_EXPRESSION:
            raise UnusableValueError(f"A regular expression may have at most {_LONGEST_EXPRESSION} characters.")
        self._count_pattern(expression.startswith((".*", ".+", ".?", ".")))
        if wanted.shape is Shape.KEYED:
            return keyed.among(wanted, expression, self._look_up)
        if wanted.kind not in (Kind.TEXT, Kind.NAME, Kind.KEYWORD, Kind.TIME, Kind.AGE) or wanted.shape is Shape.ID:
            raise UnusableValueError(f"A regular expression works on texts; {wanted.name} holds none.")
        if wanted is _ANYWHERE:
            return regexp(wanted.path, expression.lower())
        return regexp(wanted.exact, expression, any_case=True)

    def _fuzzy(self, node: Fuzzy, wanted: Field) -> Query:
        self._count_pattern(False)
        value = _value(node.term)
        if value.is_pattern or wanted.kind not in (Kind.TEXT, Kind.NAME) or wanted.shape is Shape.KEYED:
            raise UnusableValueError("A word with ~ finds similar words in texts and names only, without wildcards.")
        if not texts.has_words(value.text):
            raise UnusableValueError(f"“{value.text}” has no letter or digit to search for.")
        return texts.fuzzy(wanted, value.text, _edits(node))

    def _proximity(self, node: Proximity, wanted: Field) -> Query:
        if wanted.kind is not Kind.TEXT or wanted.shape is Shape.KEYED:
            raise UnusableValueError("A phrase with ~ finds words near to each other in texts only.")
        return texts.equal(wanted, _value(node.term), slop=node.degree)

    def _look_up(self, lookup: Lookup) -> Sequence[str]:
        if lookup not in self.known:
            self.lookups[lookup] = None
        return self.known.get(lookup, ())

    def _count_pattern(self, leading: bool) -> None:
        self.patterns += 1
        if self.patterns > self.limits.patterns:
            raise UnusableValueError(f"At most {self.limits.patterns} words with wildcards are allowed.")
        if leading and not self.limits.leading_wildcards:
            raise UnusableValueError("A pattern may not begin with a wildcard here: it would take too long.")

    def _located(self, node: Item, make: Callable[[], Query]) -> Query:
        try:
            return make()
        except UnusableValueError as error:
            raise self._error(node, str(error)) from error
        except MaskedFieldError as error:
            raise self._masked(node, error) from error

    def _masked(self, node: Item, error: MaskedFieldError, length: int | None = None) -> MaskedQueryError:
        found = self._error(node, str(error), length)
        return MaskedQueryError(found.message, found.position, found.length)

    def _error(self, node: Item, message: str, length: int | None = None) -> QuerySyntaxError:
        start = self.rewritten.origin(node.pos or 0)
        end = self.rewritten.origin((node.pos or 0) + (node.size or 1))
        return QuerySyntaxError(message, start, length or end - start)


def _separates_values(wanted: Field) -> bool:
    """Whether a backslash stands between two values of an attribute, and is none of their signs (PS3.5 §6.4)."""
    return wanted.attribute is not None and wanted.attribute.vr not in ("LT", "ST", "UT", "UR")


def _edits(node: Fuzzy) -> str:
    """How many letters may differ; the grammar gives 0.5 where no number was typed."""
    return "AUTO" if node.degree % 1 else str(int(node.degree))


def _value(node: Word | Phrase) -> Value:
    return Value.of_phrase(node.value) if isinstance(node, Phrase) else Value.of_word(node.value)


def _bounds(node: Range | From | To) -> tuple[Bound | None, Bound | None]:
    match node:
        case Range():
            return _bound(node.low, node.include_low), _bound(node.high, node.include_high)
        case From():
            return _bound(node.a, node.include), None
        case _:
            return None, _bound(node.a, node.include)


def _bound(node: Word | Phrase, inclusive: bool) -> Bound | None:
    value = _value(node)
    if value.is_anything:
        return None
    if value.is_pattern:
        raise UnusableValueError("An end of a range cannot have wildcards; a lone * leaves it open.")
    return Bound(value.text, inclusive)


_EQUAL: Mapping[Kind, Callable[[Field, Value], Query]] = {
    Kind.TEXT: texts.equal,
    Kind.NAME: names.equal,
    Kind.KEYWORD: keywords.equal,
    Kind.LONG: numbers.equal,
    Kind.DOUBLE: numbers.equal,
    Kind.DATE: dates.equal,
    Kind.DATETIME: dates.equal,
    Kind.TIME: times.equal,
    Kind.AGE: ages.equal,
}
_IN_RANGE: Mapping[Kind, Callable[[Field, Bound | None, Bound | None], Query]] = {
    Kind.TEXT: keywords.in_range,
    Kind.NAME: keywords.in_range,
    Kind.KEYWORD: keywords.in_range,
    Kind.LONG: numbers.in_range,
    Kind.DOUBLE: numbers.in_range,
    Kind.DATE: dates.in_range,
    Kind.DATETIME: dates.in_range,
    Kind.TIME: times.in_range,
    Kind.AGE: ages.in_range,
}


def _equal(wanted: Field, value: Value) -> Query:
    match wanted.shape:
        case Shape.ID:
            return listed.identified(value)
        case Shape.LISTED:
            return listed.equal(wanted, value)
    return _EQUAL[_searchable(wanted)](wanted, value)


def _in_range(wanted: Field, low: Bound | None, high: Bound | None) -> Query:
    if wanted.shape is Shape.KEYED:
        return keyed.in_range(wanted, low, high)
    if wanted.shape in (Shape.ID, Shape.LISTED):
        raise UnusableValueError(f"{wanted.name} has no ranges.")
    return _IN_RANGE[_searchable(wanted)](wanted, low, high)


def _searchable(wanted: Field) -> Kind:
    if wanted.kind is Kind.SEQUENCE:
        raise UnusableValueError(
            f"{wanted.name} is a sequence: search for what is inside, as in {wanted.name}.CodeMeaning:chest or "
            f"nested.CodeMeaning:chest, or for its presence with {wanted.name}:*"
        )
    if wanted.kind is Kind.BINARY:
        raise UnusableValueError(f"{wanted.name} holds binary values, which are not searched.")
    return wanted.kind
