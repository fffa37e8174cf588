"""A page of images: one search with `search_after`, forwards or backwards."""

from collections.abc import Mapping
from typing import Any

from app.archive.elastic import Elastic, is_partial
from app.archive.requests import Answer, Result, SearchRequest, values_of
from app.search.columns import Column, columns_of, source_fields
from app.search.dsl import Query
from app.search.fields import Field
from app.search.sorting import Cursor, Order, order_of, read_cursor


def find_images(
    elastic: Elastic, request: SearchRequest, query: Query, named: tuple[Field, ...], binding: str
) -> Answer:
    """Find the images of a page.

    Parameters
    ----------
    elastic
        The index.
    request
        What is asked.
    query
        Its query and filters, compiled.
    named
        The fields that its query names.
    binding
        What a cursor belongs to: the query as text.
    """
    order = order_of(request.sort)
    columns = columns_of(request.fields)
    cursor = read_cursor(request.after, binding, order) if request.after else None
    size = request.page_size
    body: dict[str, Any] = {
        "query": query,
        # One more than the page shows whether there is another page.
        "size": size + 1 if size else 0,
        "sort": order.body(backwards=cursor is not None and cursor.backwards),
        "source_includes": source_fields(columns),
        "track_total_hits": True,
    }
    if cursor is not None:
        body["search_after"] = list(cursor.values)
    return _answer(elastic.search(**body), binding, order, columns, named, size, cursor)


def _answer(
    body: dict[str, Any],
    binding: str,
    order: Order,
    columns: tuple[Column, ...],
    named: tuple[Field, ...],
    size: int,
    cursor: Cursor | None,
) -> Answer:
    hits = body["hits"]["hits"]
    more = len(hits) > size
    hits = hits[:size]
    backwards = cursor is not None and cursor.backwards
    if backwards:
        hits = hits[::-1]

    def turn(hit: Mapping[str, Any], back: bool) -> str:
        return Cursor(tuple(hit["sort"]), back).encode(binding, order)

    has_next, has_previous = (True, more) if backwards else (more, cursor is not None)
    total = body["hits"]["total"]["value"]
    return Answer(
        total=total,
        results=[Result(hit["_id"], values_of(hit.get("_source", {}), columns)) for hit in hits],
        next=turn(hits[-1], False) if hits and has_next else None,
        previous=turn(hits[0], True) if hits and has_previous else None,
        columns=columns,
        named=named,
        milliseconds=body["took"],
        partial=is_partial(body),
        images=total,
    )
