"""What may be asked of Elasticsearch: to search, to count, and which fields there are; nothing else.

Paths are compared whole and as they were sent: what is not one of these is refused, whatever Elasticsearch would make
of it. `https://www.elastic.co/docs/api/doc/elasticsearch/` describes each.
"""

import json
import re
from collections.abc import Callable
from dataclasses import dataclass, field

_READ = frozenset({"GET", "POST"})
# A search that is kept open costs memory until it is closed: points in time do it better, and can be closed here.
# A body in the address would not be looked at.
_REFUSED_PARAMETERS = frozenset({"scroll", "source", "source_content_type"})
_FIELD = r"[\w.@*,()-]{1,512}"


class NotOfferedError(Exception):
    """A request is not among those that may be asked; the message says which are."""


@dataclass(frozen=True, slots=True)
class _Operation:
    """One operation of Elasticsearch.

    Attributes
    ----------
    path
        With `{index}` for the name of the index.
    check
        Looks at the body, and raises where it goes beyond the images.
    """

    methods: frozenset[str]
    path: str
    check: Callable[[bytes, str], None] = field(default=lambda _body, _index: None)


def check_request(method: str, path: str, parameters: frozenset[str], body: bytes, index: str) -> None:
    """Check that a request only reads, and only the images.

    Parameters
    ----------
    path
        Without `/es/`, decoded.
    parameters
        Names of those in the address.
    index
        Alias of the images.

    Raises
    ------
    NotOfferedError
        It is for something else.
    """
    for operation in _OPERATIONS:
        pattern = operation.path.replace("{index}", re.escape(index))
        if method in operation.methods and re.fullmatch(pattern, path, re.ASCII):
            if refused := sorted(parameters & _REFUSED_PARAMETERS):
                raise NotOfferedError(f"The parameter {refused[0]} is not offered here.")
            operation.check(body, index)
            return
    raise NotOfferedError(
        f"Only reading is offered here, of {index} alone: {index}/_search, _count, _msearch, _mapping, _field_caps and "
        "_pit, _search with a point in time, and DELETE _pit."
    )


def _has_point_in_time(body: bytes, _index: str) -> None:
    """A search without an index would be of all: it must name a point in time, which is of the images."""
    point = _object(body).get("pit")
    if not isinstance(point, dict) or not isinstance(point.get("id"), str):
        raise NotOfferedError('A search without an index needs a point in time: {"pit": {"id": …}}.')


def _searches_images(body: bytes, index: str) -> None:
    """Each search of several has a line of its own that may name another index."""
    lines = [line for line in body.split(b"\n") if line.strip()]
    for line in lines[::2]:
        named = _object(line).get("index", index)
        if named not in (index, [index]):
            raise NotOfferedError(f"Only {index} can be searched here.")


def _object(text: bytes) -> dict[str, object]:
    try:
        found = json.loads(text or b"{}")
    except (ValueError, RecursionError) as error:
        raise NotOfferedError("The body is no JSON.") from error
    if not isinstance(found, dict):
        raise NotOfferedError("The body is no JSON object.")
    return found


_OPERATIONS = (
    _Operation(_READ, "{index}/_search"),
    _Operation(_READ, "{index}/_count"),
    _Operation(_READ, "{index}/_msearch", _searches_images),
    _Operation(_READ, "{index}/_field_caps"),
    _Operation(frozenset({"GET"}), "{index}/_mapping"),
    _Operation(frozenset({"GET"}), "{index}/_mapping/field/" + _FIELD),
    _Operation(frozenset({"POST"}), "{index}/_pit"),
    _Operation(_READ, "_search", _has_point_in_time),
    _Operation(frozenset({"DELETE"}), "_pit"),
)
