"""Whether a value of a header is what a query asks for, by the kind of the field: as Elasticsearch compares.

The bounds of numbers, dates, times and ages are those that the compiler sends, taken from its clauses.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from pydicom.uid import UID_dictionary

from app.search.dsl import Query
from app.search.fields import Field, Shape, UnknownFieldError, resolve
from app.search.kinds import ages, dates, keywords, listed, numbers, texts, times
from app.search.matching import Finder, Spans, all_words, folded, glob, patterned_words, phrase, whole, words_in
from app.search.values import Bound, Value
from indexer.flatten.convert import CONVERTERS, age_in_years, to_double
from mappings.dictionary import Kind

_LONGEST_PATTERN = 200
# Fields of our own that repeat a value: the attribute that they repeat.
_SOURCES: Mapping[str, str] = {
    "derived.sop_class": "SOPClassUID",
    "derived.transfer_syntax": "TransferSyntaxUID",
    "derived.study": "StudyInstanceUID",
    "derived.series": "SeriesInstanceUID",
    "derived.patient": "PatientID",
    "derived.date": "StudyDate",
    "derived.age_years": "PatientAge",
}


@dataclass(frozen=True, slots=True, eq=False)
class Comparison:
    """What a value has to be.

    Attributes
    ----------
    find
        Finds what fits in a value.
    source
        The attribute whose values are looked at, where the field itself is none.
    """

    find: Finder
    source: str = ""

    def fits_any(self, values: Iterable[str]) -> bool:
        """Whether one of the values fits."""
        return any(self.find(value) is not None for value in values)


def _nothing_particular(_text: str) -> Spans:
    return []


ANYTHING = Comparison(_nothing_particular)
"""Present at all, or what cannot be compared here."""


def of_value(field: Field, value: Value) -> Comparison:
    """Compare with a word or a phrase.

    Raises
    ------
    UnusableValueError
        Where it does not fit the field.
    """
    if field.path in _SOURCES:
        return _of_source(field, value)
    if value.is_anything or (len(value.text) > _LONGEST_PATTERN and value.is_pattern):
        return ANYTHING
    if field.shape is Shape.LISTED:
        return Comparison(_listed(field, value))
    if value.exact and (field.kind in _AS_TEXT or field.shape is Shape.KEYED):
        return Comparison(_equal_text(field, value.text))
    if field.kind in (Kind.TEXT, Kind.NAME):
        return Comparison(_words(field, value))
    if field.kind is Kind.KEYWORD:
        return Comparison(_keyword(field, value))
    equal = {
        Kind.LONG: numbers.equal,
        Kind.DOUBLE: numbers.equal,
        Kind.DATE: dates.equal,
        Kind.TIME: times.equal,
        Kind.AGE: ages.equal,
    }.get(field.kind)
    return ANYTHING if equal is None else Comparison(_within(field, equal(field, value)))


def of_range(field: Field, low: Bound | None, high: Bound | None) -> Comparison:
    """Compare with the ends of a range.

    Raises
    ------
    UnusableValueError
        Where an end does not fit the field.
    """
    if low is None and high is None:
        return ANYTHING
    if field.path in _SOURCES:
        attribute = resolve(_SOURCES[field.path])
        found = of_range(attribute, low, high) if attribute.kind in (Kind.DATE, Kind.AGE) else ANYTHING
        return Comparison(found.find, attribute.path)
    kind = field.kind
    if field.shape is Shape.KEYED and all(numbers.is_number(end.text) for end in (low, high) if end):
        kind = Kind.DOUBLE if kind is Kind.TEXT else kind
    in_range = {
        Kind.LONG: numbers.in_range,
        Kind.DOUBLE: numbers.in_range,
        Kind.DATE: dates.in_range,
        Kind.TIME: times.in_range,
        Kind.AGE: ages.in_range,
        Kind.TEXT: keywords.in_range,
        Kind.NAME: keywords.in_range,
        Kind.KEYWORD: keywords.in_range,
    }.get(kind)
    if in_range is None:
        return ANYTHING
    plain = Field(field.name, field.path, kind)
    return Comparison(_within(plain, in_range(plain, low, high)))


_AS_TEXT = (Kind.TEXT, Kind.NAME, Kind.KEYWORD, Kind.AGE, Kind.TIME)


def _of_source(field: Field, value: Value) -> Comparison:
    attribute = resolve(_SOURCES[field.path])
    if field.path in ("derived.sop_class", "derived.transfer_syntax"):
        wanted = _keyword(field, value)

        def find(text: str) -> Spans | None:
            return whole(text) if wanted(str(UID_dictionary.get(text.strip(), (text,))[0])) is not None else None

        return Comparison(find, attribute.path)
    if field.path == "derived.patient":
        # Beside the identifier the key may have its issuer.
        value = Value((value.text.partition("^^^")[0],), quoted=True)
    return Comparison(of_value(attribute, value).find, attribute.path)


def _words(field: Field, value: Value) -> Finder:
    if not texts.has_words(value.text):
        return _keyword(field, value)
    if value.is_pattern:
        return patterned_words(value, whole_values=field.shape is not Shape.WORDS)
    if field.kind is Kind.NAME:
        return all_words(words_in(value.text.replace("^", " ").replace("=", " ")))
    found = phrase(words_in(value.text))
    if not numbers.is_number(value.text):
        return found
    number = float(value.text)
    # Numbers are among the words in one canonical form as well.
    return lambda text: found(text) or (whole(text) if to_double(text, "") == number else None)


def _keyword(field: Field, value: Value) -> Finder:
    if value.is_pattern:
        parts = tuple(folded(part) if isinstance(part, str) else part for part in value.parts)
        return lambda text: whole(text) if glob(parts, folded(text.strip())) else None
    wanted = {value.text.strip().casefold()}
    if field.attribute is not None and "\\" in value.text:
        wanted = {part.strip().casefold() for part in value.text.split("\\") if part.strip()}
    if keywords.is_uid(field):
        wanted = set(keywords.uids(value.text))
    return lambda text: whole(text) if text.strip().casefold() in wanted else None


def _equal_text(field: Field, wanted: str) -> Finder:
    """The whole value, letter by letter, in the form that the index has."""
    convert = CONVERTERS.get(field.kind) if field.kind in (Kind.TIME, Kind.AGE, Kind.DATE, Kind.DATETIME) else None

    def find(text: str) -> Spans | None:
        if field.shape is Shape.KEYED and field.kind in (Kind.LONG, Kind.DOUBLE):
            return whole(text) if to_double(text, "") == to_double(wanted, "") else None
        value = text.strip() if convert is None else convert(text, "")
        return whole(text) if value == wanted else None

    return find


def _listed(field: Field, value: Value) -> Finder:
    if value.exact:
        return lambda name: whole(name) if name == value.text else None
    if value.is_pattern:
        return _keyword(field, value)
    try:
        found = resolve(value.text)
    except UnknownFieldError:
        return lambda _name: None
    if found.shape is Shape.TYPED and found.name.startswith("nested."):
        ending = f".{found.name.removeprefix('nested.')}"
        return lambda name: whole(name) if name.endswith(ending) else None
    wanted = listed.listed_name(found).casefold()
    return lambda name: whole(name) if name.casefold() == wanted else None


def _within(field: Field, query: Query) -> Finder:
    """Inside the bounds of a clause; a clause without any that can be compared here fits all."""
    bounds = _bounds(query)
    if "match_none" in query:
        return lambda _text: None
    if bounds is None:
        return _nothing_particular
    tests = [_TESTS[name](bound) for name, bound in bounds.items() if name in _TESTS]

    def find(text: str) -> Spans | None:
        value = _comparable(field, text, bounds)
        if value is None or not all(test(value) for test in tests):
            return None
        return whole(text)

    return find


_TESTS: Mapping[str, Any] = {
    "gt": lambda bound: lambda value: value > bound,
    "gte": lambda bound: lambda value: value >= bound,
    "lt": lambda bound: lambda value: value < bound,
    "lte": lambda bound: lambda value: value <= bound,
    "one": lambda bound: lambda value: value in bound,
}


def _bounds(query: Query) -> dict[str, Any] | None:
    if "bool" in query:
        found = [_bounds(clause) for part in ("filter", "should") for clause in query["bool"].get(part, ())]
        alternatives = [one for bounds in found if bounds for one in bounds.get("one", ())]
        return {"one": tuple(alternatives)} if alternatives else next(filter(None, found), None)
    if "term" in query:
        return {"one": (next(iter(query["term"].values()))["value"],)}
    if "terms" in query:
        return {"one": tuple(next(iter(query["terms"].values())))}
    if "range" not in query:
        return None
    bounds = {name: bound for name, bound in next(iter(query["range"].values())).items() if name != "format"}
    # Elasticsearch knows what time it is.
    return None if any(str(bound).startswith("now") for bound in bounds.values()) else bounds


def _comparable(field: Field, text: str, bounds: Mapping[str, Any]) -> Any:
    convert = CONVERTERS.get(field.kind)
    value = text.strip() if convert is None else convert(text, "")
    if field.kind is Kind.AGE and isinstance(value, str) and "one" not in bounds:
        return age_in_years(value)
    return value
