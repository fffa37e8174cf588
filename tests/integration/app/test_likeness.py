"""Series acquired alike, and what is unusual in a batch: in an archive that is made for it."""

from collections.abc import Iterator
from typing import Any

import pytest
from elasticsearch import Elasticsearch
from elasticsearch.helpers import bulk
from flask.testing import FlaskClient

from app.archive import Archive, ImageNotFoundError
from app.services import build_archive
from indexer.settings import Settings
from mappings.index import write_alias
from tests.made_images import uid

PROTOCOL = {
    "Modality": "MR",
    "Manufacturer": "ACME",
    "Rows": 256,
    "Columns": 256,
    "PixelSpacing": [0.5, 0.5],
    "RepetitionTime": 2000.0,
    "EchoTime": 30.0,
    "FlipAngle": 90.0,
    "SliceThickness": 3.0,
    "ScanningSequence": ["GR", "EP"],
    "StationName": "STATION-MR1",
    "InstitutionName": "St. Mary's Hospital",
}


def documents() -> Iterator[dict[str, Any]]:
    variants: dict[str, dict[str, Any]] = {
        "same": {},
        "nearly": {"RepetitionTime": 2010.0, "EchoTime": 30.2},
        "one-other": {"EchoTime": 60.0},
        "many-others": {"EchoTime": 60.0, "FlipAngle": 12.0, "SliceThickness": 1.0, "Rows": 512},
        "other-modality": {"Modality": "CT"},
    }
    for series, change in [("mine", {}), *variants.items()]:
        for number in range(3):
            derived = {"patient": "p", "study": "s", "series": series, "date": "2004-01-19"}
            document = {**PROTOCOL, **change, "derived": derived, "batch": "A"}
            yield {"_id": f"{series}-{number}", "PatientID": series, **document}
    derived = {"patient": "q", "study": "t", "series": "u", "date": "2004-01-19"}
    for number in range(4):
        changes = {"StationName": "STATION-MR2", "SliceThickness": 7.0, "SOPInstanceUID": str(number)}
        document = {**PROTOCOL, **changes, "PatientID": "secret", "derived": derived, "batch": "B"}
        if number == 0:
            document["InstitutionName"] = "St. Marys Hospital"
        yield {"_id": f"b-{number}", **document}


@pytest.fixture
def archive(elasticsearch: Elasticsearch, settings: Settings) -> Archive:
    """An archive of six series in one batch and one in another."""
    bulk(elasticsearch, documents(), index=write_alias(settings.index), refresh=True)
    return build_archive(settings)


def test_series_with_the_same_parameters_are_alike_the_most_similar_first(archive: Archive) -> None:
    found = archive.alike("mine-0")
    assert {field.name for field in found.parameters} == PROTOCOL.keys() - {
        "Modality",
        "StationName",
        "InstitutionName",
    }
    different = {one.series: [field.name for field in one.different] for one in found.series}
    assert different == {"same": [], "nearly": [], "one-other": ["EchoTime"], "u": ["SliceThickness"]}
    assert {one.series for one in found.series[:2]} == {"same", "nearly"}
    assert found.series[0].image.startswith(found.series[0].series)
    assert len(archive.alike("mine-0", size=1).series) == 1


def test_an_unknown_image_is_like_nothing(archive: Archive) -> None:
    with pytest.raises(ImageNotFoundError):
        archive.alike("unknown")


def test_a_new_station_a_changed_protocol_and_a_misspelling_are_unusual(archive: Archive) -> None:
    found = archive.unusual("B")
    assert (found.images, found.others) == (4, 18)
    values = {(one.field.name, one.value): (one.here, one.everywhere, one.similar) for one in found.values}
    assert values["StationName", "STATION-MR2"] == (4, 4, None)
    assert values["SliceThickness", 7.0] == (4, 4, None)
    assert values["InstitutionName", "St. Marys Hospital"] == (1, 1, "St. Mary's Hospital")
    assert found.values[0].similar
    assert not {"PatientID", "SOPInstanceUID", "Manufacturer"} & {name for name, _ in values}


def test_nothing_is_unusual_where_there_is_nothing_to_compare_with(archive: Archive) -> None:
    assert archive.unusual("unknown").values == []


def test_the_api_answers_both(web: FlaskClient) -> None:
    alike = web.get(f"/api/images/{uid(1)}/alike")
    assert alike.status_code == 200
    assert alike.json["parameters"]["SliceThickness"] == [0.5]
    assert web.get("/api/images/unknown/alike").status_code == 404
    assert web.get(f"/api/images/{uid(1)}/alike?size=0").status_code == 400
    unusual = web.get("/api/batches/MADE/unusual").json
    assert unusual["images"] == 8
    contrast = {"field": "ContrastBolusAgent", "value": "Gadolinium", "here": 3, "everywhere": 3, "similar": None}
    assert contrast in unusual["results"]
