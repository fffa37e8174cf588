"""Words that are sought in some fields only, where the field of all words may not be asked.

Many fields at once: texts are asked together, keywords by the cases that they are written in, numbers as numbers. So a
word costs one clause for each keyword that occurs, and not an automaton.
"""

from collections.abc import Sequence
from typing import Any

from app.search.dsl import Query, some_of, terms
from app.search.errors import UnusableValueError
from app.search.fields import Field
from app.search.kinds import keywords, numbers, texts
from app.search.values import Value
from indexer.flatten.forms import search_form
from mappings.dictionary import Kind

_TEXTS = (Kind.TEXT, Kind.NAME)
_NUMBERS = (Kind.LONG, Kind.DOUBLE)


def equal(fields: Sequence[Field], value: Value, slop: int = 0) -> Query:
    """Images with these words beside each other in a text, or with this whole keyword or number."""
    text = value.text
    _check(text)
    folded = search_form(text)
    clauses = _in_texts(fields, text, type="phrase", **({"slop": slop} if slop else {}))
    if folded != text:
        clauses += _in_texts(fields, folded, type="phrase", **({"slop": slop} if slop else {}))
    if not slop:
        clauses += [terms(field.path, _cases(field, text)) for field in fields if field.kind is Kind.KEYWORD]
        if numbers.is_number(text):
            clauses += [numbers.equal(field, value) for field in fields if field.kind in _NUMBERS]
    return some_of(clauses)


def pattern(fields: Sequence[Field], value: Value) -> Query:
    """Images with a word in a text, or a whole keyword, that fits a pattern."""
    _check("".join(part for part in value.parts if isinstance(part, str)))
    clauses = [texts.pattern(field, value) for field in fields if field.kind in _TEXTS]
    clauses += [keywords.matching(field.path, value) for field in fields if field.kind is Kind.KEYWORD]
    return some_of(clauses)


def fuzzy(fields: Sequence[Field], text: str, edits: str) -> Query:
    """Images with a word in a text that differs from this one by a few letters."""
    _check(text)
    how = {"fuzziness": edits, "operator": "and", "max_expansions": texts.SIMILAR_WORDS}
    return some_of(
        [clause for form in dict.fromkeys((text, search_form(text))) for clause in _in_texts(fields, form, **how)]
    )


def _in_texts(fields: Sequence[Field], text: str, **how: Any) -> list[Query]:
    paths = [path for field in fields if field.kind in _TEXTS for path in (field.path, field.folded) if path]
    return [{"multi_match": {"query": text, "fields": paths, **how}}] if paths else []


def _cases(field: Field, text: str) -> list[str]:
    if keywords.is_uid(field):
        return keywords.uids(text)
    return list(dict.fromkeys((text, text.upper(), text.lower(), text.title())))


def _check(text: str) -> None:
    if not texts.has_words(text):
        raise UnusableValueError(f"“{text}” has no letter or digit to search for.")
