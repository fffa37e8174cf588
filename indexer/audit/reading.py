"""Reading the audit log: page by page from Elasticsearch, and in the order of the chain from there and from Redis."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import orjson
from elasticsearch import Elasticsearch, NotFoundError

from indexer.audit.chain import canonical, digest_of, link, message_of
from indexer.audit.log import STREAM
from indexer.status.connection import RedisClient

PAGE = 1_000
_ORDER: list[Mapping[str, Any]] = [{"chain.number": "asc"}, {"chain.hash": "asc"}]


@dataclass(frozen=True, slots=True)
class Link:
    """An event in the chain.

    Attributes
    ----------
    where
        Index and id, or `stream` and id: for people who look for it.
    is_whole
        Whether number, previous hash and message give the hash.
    """

    number: int
    previous: str
    hash: str
    where: str
    message: Mapping[str, Any]
    is_whole: bool


def documents(elasticsearch: Elasticsearch, index: str, query: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """All documents of events that a query finds, in the order of the log.

    The client's errors pass through, but for an audit log that does not exist yet, which has none.
    """
    after: list[Any] | None = None
    while True:
        try:
            answer = elasticsearch.search(
                index=index, query=query, sort={"entry": "asc"}, size=PAGE, search_after=after, track_total_hits=False
            )
        except NotFoundError:
            return
        hits = answer["hits"]["hits"]
        yield from (hit["_source"] for hit in hits)
        if len(hits) < PAGE:
            return
        after = hits[-1]["sort"]


def links(elasticsearch: Elasticsearch, client: RedisClient, index: str) -> Iterator[Link]:
    """All events in the order of the chain, also while some are being moved.

    Those that are missing in the index and in the stream are looked for in the index a second time: they may have been
    moved in between.
    """
    last = (0, "")
    seen = "-"  # of the stream
    missed = -1
    while True:
        _refresh(elasticsearch, index)
        for one in _in_index(elasticsearch, index, last):
            yield one
            last = (one.number, one.hash)
        for id_, one in _in_stream(client, seen):
            if one.number > last[0] + 1 and missed != last[0]:
                missed = last[0]
                break
            seen = f"({id_}"
            # Else it was moved, and is not taken out of Redis yet. What is not in the index is a fork.
            if one.number > last[0] or not _is_in_index(elasticsearch, index, one):
                yield one
                last = max(last, (one.number, one.hash))
        else:
            if missed == last[0]:
                return
            missed = last[0]


def unchained(elasticsearch: Elasticsearch, index: str) -> Iterator[dict[str, Any]]:
    """Documents of the index that are no link of the chain."""
    return documents(elasticsearch, index, {"bool": {"must_not": {"exists": {"field": "chain.number"}}}})


def _is_in_index(elasticsearch: Elasticsearch, index: str, one: Link) -> bool:
    query = {"term": {"chain.hash": one.hash}}
    return bool(elasticsearch.count(index=index, query=query, ignore_unavailable=True)["count"])


def _refresh(elasticsearch: Elasticsearch, index: str) -> None:
    elasticsearch.indices.refresh(index=index, allow_no_indices=True, ignore_unavailable=True)


def _in_index(elasticsearch: Elasticsearch, index: str, after: tuple[int, str]) -> Iterator[Link]:
    while True:
        try:
            answer = elasticsearch.search(
                index=index,
                query={"exists": {"field": "chain.number"}},
                sort=_ORDER,
                size=PAGE,
                search_after=list(after),
                track_total_hits=False,
            )
        except NotFoundError:
            return
        hits = answer["hits"]["hits"]
        for hit in hits:
            found = _link(hit["_source"], f"{hit['_index']}/{hit['_id']}")
            after = (found.number, found.hash)
            yield found
        if len(hits) < PAGE:
            return


def _link(document: Mapping[str, Any], where: str) -> Link:
    chain, message = document["chain"], message_of(document)
    number, previous, hash_ = int(chain["number"]), str(chain["previous"]), str(chain["hash"])
    is_whole = link(number, previous, digest_of(canonical(message))) == hash_
    return Link(number, previous, hash_, where, message, is_whole)


def _in_stream(client: RedisClient, after: str) -> Iterator[tuple[str, Link]]:
    """Events of the stream by their ids; of an entry that cannot be read the number will be missing."""
    while True:
        entries = client.xrange(STREAM, after, "+", count=PAGE)
        for id_, fields in entries:
            after = f"({id_}"
            try:
                message = orjson.loads(fields["message"])
                number, previous, hash_ = int(fields["number"]), fields["previous"], fields["hash"]
            except (KeyError, ValueError):
                continue
            if isinstance(message, dict):
                is_whole = link(number, previous, digest_of(canonical(message))) == hash_
                yield id_, Link(number, previous, hash_, f"stream/{id_}", message, is_whole)
        if len(entries) < PAGE:
            return
