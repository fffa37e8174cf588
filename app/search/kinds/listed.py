"""Lists of names of elements (`empty`, `sequences`), and the identity of a document."""

from app.search.dsl import Query, term
from app.search.errors import UnusableValueError
from app.search.fields import Field, UnknownFieldError, resolve
from app.search.kinds import keywords
from app.search.values import Value


def equal(field: Field, value: Value) -> Query:
    """Images that list an element, named as in queries: by keyword in any case, by tag or by path."""
    if value.is_pattern:
        return keywords.matching(field.path, value)
    try:
        name = resolve(value.text).name
    except UnknownFieldError as error:
        near = f" Did you mean {' or '.join(error.suggestions)}?" if error.suggestions else ""
        raise UnusableValueError(f"{error.message}{near}") from error
    return term(field.path, name, any_case=True)


def identified(value: Value) -> Query:
    """The image with this id."""
    if value.is_pattern:
        raise UnusableValueError("An id has no wildcards; SOPInstanceUID takes them.")
    return {"ids": {"values": [value.text]}}
