"""Texts: found by their words, in any case, with or without diacritics, and by patterns over words or whole values."""

from app.search.dsl import Query, any_of, phrase, prefix, wildcard
from app.search.errors import UnusableValueError
from app.search.fields import Field, Shape
from app.search.kinds import keywords, numbers
from app.search.values import Value
from indexer.flatten.convert import number_text
from indexer.flatten.forms import search_form

# Of more similar words than this the most similar are sought.
SIMILAR_WORDS = 500


def equal(field: Field, value: Value, slop: int = 0) -> Query:
    """Images with these words beside each other in a value of the field."""
    if value.is_pattern:
        return pattern(field, value)
    if not has_words(value.text):
        if field.shape is Shape.WORDS:
            raise UnusableValueError(f"“{value.text}” has no letter or digit to search for.")
        return keywords.matching(field.exact, value)
    return any_of(phrase(path, text, slop) for path, text in _ways(field, value.text))


def pattern(field: Field, value: Value) -> Query:
    """Images with a word, or a whole value, that fits a pattern."""
    if not has_words("".join(part for part in value.parts if isinstance(part, str))):
        if field.shape is Shape.WORDS:
            raise UnusableValueError(f"“{value.text}” has no letter or digit to search for.")
        return keywords.matching(field.exact, value)
    clauses = [_word_pattern(field.path, value.mapped(str.lower))]
    folded = value.mapped(lambda text: search_form(text).lower())
    clauses += [_word_pattern(path, folded) for path in (field.folded, field.path) if path]
    if field.shape is not Shape.WORDS:
        clauses.append(keywords.matching(field.exact, value))
    return any_of(clauses)


def fuzzy(field: Field, text: str, edits: str) -> Query:
    """Images with a word that differs from this one by a few letters."""
    how = {"fuzziness": edits, "operator": "and", "max_expansions": SIMILAR_WORDS}
    return any_of({"match": {path: {"query": word, **how}}} for path, word in _ways(field, text))


def has_words(text: str) -> bool:
    """Whether the analyzer of Elasticsearch will find a word in a text."""
    return any(character.isalnum() for character in text)


def _ways(field: Field, text: str) -> list[tuple[str, str]]:
    """Where to look for which form of a text."""
    folded = search_form(text)
    ways = [(field.path, text), (field.path, folded)]
    if field.folded:
        ways.append((field.folded, folded))
    if field.shape is Shape.WORDS and numbers.is_number(text):
        # Numbers are among the words in one canonical form as well: 5.0 also as 5.
        ways.append((field.path, number_text(float(text))))
    return ways


def _word_pattern(path: str, value: Value) -> Query:
    # Terms of a text are lower case, and Elasticsearch does not analyze patterns.
    return prefix(path, value.prefix) if value.prefix is not None else wildcard(path, value.wildcard())
