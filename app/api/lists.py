"""Where the parts of a list are: what all lists answer beside their results."""

from typing import Any

from flask import url_for

from app.api.documents import PageParameters


def part_of_list(endpoint: str, count: int, query: PageParameters, **more: Any) -> dict[str, Any]:
    """Write `count`, `next` and `previous` of a part of a list.

    Parameters
    ----------
    endpoint
        Of the list's route.
    count
        Entries of the whole list.
    more
        Parts of the route's address, and parameters, that stay the same.
    """
    offset, size = query.offset, query.size

    def address(begin: int) -> str:
        return url_for(endpoint, offset=begin, size=size, **more)

    return {
        "count": count,
        "next": address(offset + size) if offset + size < count else None,
        "previous": address(max(offset - size, 0)) if offset > 0 else None,
    }
