"""Lists of names of elements (`empty`, `sequences`), and the identity of a document."""

from app.search.dsl import Query, term, wildcard
from app.search.errors import UnusableValueError
from app.search.fields import Field, Shape, UnknownFieldError, resolve
from app.search.kinds import keywords
from app.search.values import Value


def equal(field: Field, value: Value) -> Query:
    """Images that list an element, named as in queries: by keyword in any case, by tag or by path."""
    if value.is_pattern:
        return keywords.matching(field.path, value)
    try:
        found = resolve(value.text)
    except UnknownFieldError as error:
        near = f" Did you mean {' or '.join(error.suggestions)}?" if error.suggestions else ""
        raise UnusableValueError(f"{error.message}{near}") from error
    if found.shape is Shape.TYPED and found.name.startswith("nested."):
        return wildcard(field.path, f"*.{found.name.removeprefix('nested.')}")
    return term(field.path, listed_name(found), any_case=True)


def listed_name(found: Field) -> str:
    """How the document lists an element: by keyword, by path, or by creator and tag."""
    head, _, rest = found.path.partition(".")
    if found.shape is not Shape.KEYED:
        return found.path
    if head == "private":
        creator, _, tag = rest.rpartition(".")
        return f"{creator}:{tag}"
    return rest


def identified(value: Value) -> Query:
    """The image with this id."""
    if value.is_pattern:
        raise UnusableValueError("An id has no wildcards; SOPInstanceUID takes them.")
    return {"ids": {"values": [value.text]}}
