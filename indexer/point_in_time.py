"""All documents that a query finds, page by page as of one moment.

https://www.elastic.co/docs/reference/elasticsearch/rest-apis/paginate-search-results
"""

from collections.abc import Generator, Mapping, Sequence
from typing import Any

from elasticsearch import Elasticsearch

_KEEP_ALIVE = "5m"


def pages_of(
    client: Elasticsearch,
    index: str,
    query: Mapping[str, Any],
    *,
    sort: Sequence[Mapping[str, str]] = (),
    size: int,
    source: bool | Mapping[str, Any],
) -> Generator[list[dict[str, Any]]]:
    """Walk over the hits, with their versions.

    Parameters
    ----------
    sort
        What they are sorted by; else they come as they lie in the index, which is quickest.
    size
        Hits of a page.
    source
        As `_source` of a search. The client's errors pass through.
    """
    point = client.open_point_in_time(index=index, keep_alive=_KEEP_ALIVE)["id"]
    after: list[Any] | None = None
    try:
        while True:
            answer = client.search(
                pit={"id": point, "keep_alive": _KEEP_ALIVE},
                query=query,
                sort=[*sort, {"_shard_doc": "asc"}],
                size=size,
                search_after=after,
                version=True,
                track_total_hits=False,
                source=source,
            )
            hits = answer["hits"]["hits"]
            if hits:
                yield hits
            if len(hits) < size:
                return
            point, after = answer["pit_id"], hits[-1]["sort"]
    finally:
        client.close_point_in_time(id=point)
