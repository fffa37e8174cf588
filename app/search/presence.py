"""Whether an image has an element with a value at all."""

from app.search.dsl import Query, exists, term
from app.search.errors import UnusableValueError
from app.search.fields import Field, Shape
from mappings.dictionary import Kind


def present(wanted: Field) -> Query:
    """Images that have a value of a field.

    Raises
    ------
    UnusableValueError
        For binary elements, which the index does not hold.
    """
    if wanted.kind is Kind.SEQUENCE:
        return term("sequences", wanted.path)
    if wanted.kind is Kind.BINARY:
        raise UnusableValueError(f"{wanted.name} holds binary values, which are not searched, not even for presence.")
    if wanted.shape is Shape.ID:
        return {"match_all": {}}
    return exists(wanted.path)
