"""From an element of a real header back to a query: what the link of an element asks finds the image that it is on."""

from collections import Counter

import pytest
from elasticsearch import Elasticsearch

from app.archive import Archive
from app.search.conditions import conditions_of
from app.search.filters import read_filter
from indexer.flatten import Outcome, Place, flatten
from indexer.reader import Header
from indexer.settings import Limits, Settings
from tests.archive import Indexed

LIMITS = Limits()
_AT_ONCE = 800  # Elasticsearch takes 1,024 filters


@pytest.fixture(scope="module")
def places(archive: Archive, images: list[Indexed]) -> dict[str, list[Place]]:
    """What became of each element of each image."""
    found: dict[str, list[Place]] = {}
    for image in images:
        header = Header.stored(archive.header(image.id), archive.image(image.id)["receipt"], image.id)
        flatten(header, LIMITS, found.setdefault(image.id, []).append)
    return found


def test_the_conditions_of_every_element_find_its_image(
    archive: Archive, archive_settings: Settings, places: dict[str, list[Place]]
) -> None:
    seen: set[str] = set()
    missed: list[tuple[str, str]] = []
    with Elasticsearch(archive_settings.elasticsearch_url, request_timeout=60) as client:
        for image, own in places.items():
            new = {one for place in own for one in conditions_of(place, LIMITS)} - seen
            seen |= new
            waiting = sorted(new)
            while some := waiting[:_AT_ONCE]:
                waiting = waiting[_AT_ONCE:]
                answer = client.search(
                    index=archive_settings.index,
                    query={"ids": {"values": [image]}},
                    size=0,
                    aggregations={"found": {"filters": {"filters": {one: archive.compile(one).query for one in some}}}},
                )
                buckets = answer["aggregations"]["found"]["buckets"]
                missed += [(image, one) for one in some if buckets[one]["doc_count"] != 1]
    assert missed == []
    assert len(seen) > 3_500
    kinds = Counter(one.split(":")[0].strip('"').split(".")[0] for one in seen)
    for kind in ("private", "empty", "malformed", "sequences", "creators", "RequestAttributesSequence"):
        assert kinds[kind], kind


def test_each_condition_is_a_filter(places: dict[str, list[Place]]) -> None:
    written = {one for own in places.values() for place in own for one in conditions_of(place, LIMITS)}
    for one in written:
        read = read_filter(one)
        assert not read.excluded
        assert read_filter(f"-{one}").excluded


def test_only_what_cannot_be_searched_has_none(places: dict[str, list[Place]]) -> None:
    without = Counter(place.outcome for own in places.values() for place in own if not conditions_of(place, LIMITS))
    every = Counter(place.outcome for own in places.values() for place in own)
    assert without[Outcome.BINARY] == every[Outcome.BINARY]
    assert without[Outcome.TRUNCATED] == every[Outcome.TRUNCATED]
    assert without[Outcome.EMPTY] == 0
    # Lists of very many numbers, and long texts.
    assert without[Outcome.INDEXED] < 0.03 * every[Outcome.INDEXED]
