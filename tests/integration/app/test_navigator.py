"""Where an image stands: walked from the first image to the last, with numbers that are missing, equal or several."""

import random
from typing import Any

import pytest
from elasticsearch import Elasticsearch
from elasticsearch.helpers import bulk

from app.archive import Archive, Neighbourhood
from app.services import build_archive
from indexer.settings import Settings
from mappings.index import write_alias

Documents = list[dict[str, Any]]


def _document(number: int, series: str, study: str = "st1", **more: Any) -> dict[str, Any]:
    known = {name: value for name, value in more.items() if value is not None}
    return {
        "_id": f"{series}-{number}",
        "derived": {"patient": "p1", "study": study, "series": series, "date": "2004-01-19"},
        "file": {"path": f"/data/{series}/{number:05d}"},
        **known,
    }


def _odd_series(chance: random.Random) -> Documents:
    """Forty images of which some have the same number, several or none, and some have no UID."""
    return [
        _document(
            number,
            "odd",
            InstanceNumber=chance.choice((None, number % 7, [number % 5, 90], -number)),
            SOPInstanceUID=chance.choice((None, f"1.2.{chance.randrange(1_000)}")),
        )
        for number in range(40)
    ]


def _order(document: dict[str, Any]) -> tuple[Any, ...]:
    number, uid = document.get("InstanceNumber"), document.get("SOPInstanceUID")
    number = min(number) if isinstance(number, list) else number
    return number is None, number or 0, uid is None, uid or "", document["file"]["path"]


@pytest.fixture
def fill(elasticsearch: Elasticsearch, settings: Settings) -> Any:
    def _fill(documents: Documents) -> Archive:
        bulk(elasticsearch, [dict(one) for one in documents], index=write_alias(settings.index), refresh=True)
        return build_archive(settings)

    return _fill


def _at(archive: Archive, image: str) -> Neighbourhood:
    return archive.neighbourhood(image, archive.image(image))


def test_each_image_knows_its_place_and_its_neighbours(fill: Any) -> None:
    documents = _odd_series(random.Random(7))
    archive = fill([*documents, _document(1, "other", SeriesNumber=2), _document(2, "third", "st2")])
    ids = [document["_id"] for document in sorted(documents, key=_order)]
    for number, image in enumerate(ids):
        found = _at(archive, image)
        assert (found.position, found.images) == (number + 1, 40)
        assert [one.id for one in found.window] == ids[max(number - 4, 0) : number + 5]
        assert [one.id for one in found.window if one.is_current] == [image]
        assert found.previous == (ids[number - 1] if number else None)
        assert found.next == (ids[number + 1] if number < 39 else None)
        assert found.first == (ids[0] if number else None)
        assert found.last == (ids[39] if number < 39 else None)
        assert (found.before_window, found.after_window) == (number > 4, number < 35)
    assert (found.series_count, found.study_images, found.studies) == (2, 41, 2)


def test_a_study_of_many_series_and_a_series_of_many_images_show_a_window(fill: Any) -> None:
    series = [
        _document(1, f"s{number:03d}", SeriesNumber=number, Modality="MR", SeriesDescription=f"scan {number}")
        for number in range(300)
    ]
    images = [_document(number, "s150", InstanceNumber=number, SeriesNumber=150) for number in range(2, 3_000)]
    archive = fill(series + images)
    found = _at(archive, "s150-2000")
    assert (found.position, found.images) == (1_999, 2_999)
    assert len(found.window) == 9
    assert (found.series_count, len(found.all_series)) == (300, 11)
    assert [one.number for one in found.all_series] == [str(number) for number in range(145, 156)]
    assert (found.series_before, found.series_after) == (145, 144)
    assert (found.previous_series, found.next_series) == ("s149-1", "s151-1")
    [current] = [one for one in found.all_series if one.is_current]
    assert (current.images, current.number) == (2_999, "150")
    assert found.all_series[0].description == "scan 145"
    first = _at(archive, "s000-1")
    assert (first.previous_series, first.series_before, first.all_series[0].is_current) == (None, 0, True)


def test_an_image_alone_has_no_neighbours(fill: Any) -> None:
    found = _at(fill([_document(1, "s1")]), "s1-1")
    assert (found.position, found.images, found.series_count, found.studies) == (1, 1, 1, 1)
    assert not any((found.previous, found.next, found.first, found.last, found.previous_series, found.next_series))
