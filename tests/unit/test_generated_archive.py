"""The made-up archive of the benchmarks: the same each time, as promised, and nothing of it lost on indexing."""

from collections import Counter
from typing import Any

import orjson
import pytest
from pydicom.datadict import tag_for_keyword
from pydicom.uid import UID

from benchmarks.generated import Image, StudyPlan, images_of, plan, template_header
from indexer.document import build_document
from indexer.flatten import flatten
from indexer.settings import Limits

NUMBER, SEED = 400, 7


def value(image: Image, keyword: str) -> Any:
    """The first value of an attribute."""
    values = image.header.elements.get(f"{tag_for_keyword(keyword):08X}", {}).get("Value")
    return values[0] if values else None


@pytest.fixture(scope="module")
def studies() -> list[StudyPlan]:
    return list(plan(NUMBER, SEED))


@pytest.fixture(scope="module")
def images(studies: list[StudyPlan]) -> list[Image]:
    return [image for study in studies for image in images_of(study, SEED)]


def test_the_same_seed_gives_the_same_archive_and_another_one_another(
    studies: list[StudyPlan], images: list[Image]
) -> None:
    again = [image for study in plan(NUMBER, SEED) for image in images_of(study, SEED)]
    assert orjson.dumps([image.header.elements for image in again]) == orjson.dumps(
        [image.header.elements for image in images]
    )
    assert [image.file for image in again] == [image.file for image in images]
    # Each study can be made alone, as several processes do that share the work.
    alone = next(images_of(studies[-1], SEED))
    assert alone in images
    other = next(images_of(next(plan(NUMBER, SEED + 1)), SEED + 1))
    assert other.header.elements != images[0].header.elements


def test_it_has_the_wanted_number_of_images_in_studies_and_series_of_very_different_sizes(
    studies: list[StudyPlan], images: list[Image]
) -> None:
    assert len(images) == NUMBER
    many = list(plan(100_000, SEED))
    assert sum(study.images for study in many) == 100_000
    sizes = sorted(series.images for study in many for series in study.series)
    assert sizes[0] == 1
    assert sizes[-1] > 300
    of_patient = Counter(study.patient for study in many)
    assert max(of_patient.values()) > 10
    assert Counter(of_patient.values()).most_common(1)[0][0] == 1
    years = Counter(study.at.year for study in many)
    assert sorted(years) == list(range(2009, 2024))
    assert years[2023] > 2 * years[2010]
    modalities = {series.modality for study in many for series in study.series}
    assert modalities >= {"CT", "MR", "CR", "US", "NM", "SR", "SEG", "ECG", "RTSTRUCT", "RTPLAN", "RTDOSE"}


def test_identifiers_are_consistent_and_values_differ_from_image_to_image(images: list[Image]) -> None:
    assert len({value(image, "SOPInstanceUID") for image in images}) == NUMBER
    for image in images:
        assert value(image, "MediaStorageSOPInstanceUID") == value(image, "SOPInstanceUID")
        assert value(image, "MediaStorageSOPClassUID") == value(image, "SOPClassUID")
        assert UID(str(value(image, "SOPInstanceUID"))).is_valid
        assert value(image, "PatientBirthDate") is None or str(value(image, "PatientBirthDate")) < "20250101"
    of_study = ("PatientID", "PatientName", "StudyDate", "AccessionNumber", "PatientBirthDate")
    for level, names in (("SeriesInstanceUID", ("StudyInstanceUID", "SeriesNumber")), ("StudyInstanceUID", of_study)):
        different = {(value(image, level), *(str(value(image, name)) for name in names)) for image in images}
        assert len(different) == len({value(image, level) for image in images}), level
    ct = [image for image in images if value(image, "Modality") == "CT"]
    assert len({(value(image, "SeriesInstanceUID"), value(image, "SliceLocation")) for image in ct}) == len(ct) > 50
    assert any(not str(value(image, "PatientName")).isascii() for image in images)


def test_a_header_keeps_what_the_real_device_wrote_beside_the_made_up_values(images: list[Image]) -> None:
    assert all(list(image.header.elements) == sorted(image.header.elements) for image in images)
    ge = next(image for image in images if "00190010" in image.header.elements and "00431029" in image.header.elements)
    template = template_header("CT_small.dcm")
    assert set(template) <= set(ge.header.elements)
    assert ge.header.elements["00431029"] == template["00431029"]


def test_nothing_of_a_header_is_lost_on_indexing(images: list[Image]) -> None:
    for image in images:
        flattened = flatten(image.header, Limits())
        receipt = flattened.fields["receipt"]
        assert not receipt["malformed"], image.file.path
        # What the reader has cut in the real file, as in a file with long tables of pixel values, and nothing else.
        cuts = [tag for tag, entry in image.header.elements.items() if '"cut":' in orjson.dumps(entry).decode()]
        assert receipt["truncated"] == len(cuts), image.file.path
        assert orjson.loads(flattened.fields["header"]) == image.header.elements
        document = build_document(flattened, image.file, image.batch, image.file.mtime)
        assert document["derived"]["study"] == image.header.elements["0020000D"]["Value"][0]
