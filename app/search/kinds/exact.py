"""Whole values, letter by letter, as lists of values have them: what `:=` asks for."""

from app.search.dsl import Query, term
from app.search.fields import Field, Shape
from mappings.dictionary import Kind

_AS_TEXT = (Kind.TEXT, Kind.NAME, Kind.KEYWORD, Kind.AGE, Kind.TIME)


def equal(field: Field, text: str) -> Query | None:
    """Images with exactly this value; None for kinds whose values are written in more than one way."""
    if field.shape is Shape.ID or field.kind is Kind.SEQUENCE:
        return None
    if field.shape in (Shape.KEYED, Shape.LISTED) or field.kind in _AS_TEXT:
        return term(field.exact, text)
    return None
