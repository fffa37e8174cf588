"""The dictionary of the archive: every field that pydicom finds in its images, with coverage and values."""

from collections import Counter
from typing import Any
from urllib.parse import quote

import pytest
from flask.testing import FlaskClient
from pydicom.dataset import Dataset

from tests.archive import Indexed
from tests.made_images import uid


def ask(web: FlaskClient, address: str, **parameters: Any) -> Any:
    answer = web.get(address, query_string=parameters) if parameters else web.get(address)
    assert answer.status_code == 200, answer.text
    return answer.json


def everything(web: FlaskClient, **parameters: Any) -> dict[str, dict[str, Any]]:
    found: list[dict[str, Any]] = []
    address: str | None = "/api/headers?size=1000" + "".join(f"&{k}={quote(v)}" for k, v in parameters.items())
    while address:
        page = ask(web, address)
        found += page["results"]
        address = page["next"]
    assert len(found) == page["count"]
    return {header["keyword"]: header for header in found}


def has_text(dataset: Dataset, keyword: str) -> bool:
    return bool(str(dataset.get(keyword, "") or "").strip())


@pytest.mark.filterwarnings("ignore::UserWarning:pydicom")
def test_all_attributes_of_the_images_are_listed_with_how_many_have_them(
    web: FlaskClient, images: list[Indexed]
) -> None:
    listed = everything(web)
    for keyword in ("Modality", "StationName", "ImageType", "BodyPartExamined", "ContrastBolusAgent"):
        assert listed[keyword]["images"] == sum(has_text(image.dataset, keyword) for image in images), keyword
    assert listed["SliceThickness"] | {"images": 0} == {
        "keyword": "SliceThickness",
        "tag": "(0018,0050)",
        "vr": "DS",
        "name": "Slice Thickness",
        "images": 0,
    }
    sequences = sum("RequestAttributesSequence" in image.dataset for image in images)
    assert listed["RequestAttributesSequence"]["images"] <= sequences
    for name in ("nested.CodeMeaning", "RequestAttributesSequence.ScheduledProcedureStepID", "batch", "file.path"):
        assert listed[name]["images"] > 0
    private = "private.ACME_1.0/é: x.0019xx02"
    assert listed[private]["images"] == 8
    assert listed[private]["tag"] == "(0019,xx02)"


@pytest.mark.filterwarnings("ignore::UserWarning:pydicom")
def test_every_private_element_of_the_images_is_listed(web: FlaskClient, images: list[Indexed]) -> None:
    # Binary values are not indexed, so that elements with nothing else are not there to be found.
    expected = {
        f"private.{element.private_creator}.{element.tag.group:04X}xx{element.tag.elem & 0xFF:02X}"
        for image in images
        for element in image.dataset
        if element.tag.is_private
        and element.private_creator
        and element.VR in ("DS", "IS", "LO", "SH", "CS", "US", "FD", "FL", "UI", "DA")
        and str("" if element.value is None else element.value).strip()
    }
    assert len(expected) > 100
    assert expected - everything(web).keys() == set()


@pytest.mark.parametrize(
    ("text", "first"),
    [
        ("slicethickness", "SliceThickness"),
        ("slice thick", "SliceThickness"),
        ("(0018,0050)", "SliceThickness"),
        ("00180050", "SliceThickness"),
        ("AS", "PatientAge"),
        ("patient's sex", "PatientSex"),
        ("acme_1.0", "private.ACME_1.0/é: x.0019xx02"),
    ],
)
def test_fields_are_found_by_keyword_name_tag_and_vr(web: FlaskClient, text: str, first: str) -> None:
    assert ask(web, "/api/headers", q=text)["results"][0]["keyword"] == first


def test_what_fits_no_field_finds_none(web: FlaskClient) -> None:
    assert ask(web, "/api/headers", q="qqqq")["results"] == []


@pytest.mark.filterwarnings("ignore::UserWarning:pydicom")
def test_values_come_with_counts_the_most_frequent_first(web: FlaskClient, images: list[Indexed]) -> None:
    found = ask(web, "/api/headers/modality")
    expected = Counter(image.dataset.get("Modality") for image in images)
    expected.pop(None, None)
    expected.pop("", None)
    assert {value["value"]: value["count"] for value in found["values"]} == expected
    assert found["values"] == sorted(found["values"], key=lambda value: -value["count"])
    assert found["images"] + found["missing"] == len(images)
    for value in found["values"]:
        assert ask(web, "/api/search", q=value["query"], size=0)["total"] == value["count"]


@pytest.mark.parametrize(
    ("name", "text", "expected"),
    [
        ("StationName", "ürich", ["Zürich-É"]),
        ("PatientName", "o'neil", ["O'Neil^Anne_Marie"]),
        ("private.ACME_1.0/é: x.0019xx02", "906", ["906"]),
        ("RequestAttributesSequence.ScheduledProcedureStepID", "a-3", ["A-3"]),
        ("StudyDate", "2011-01", ["2011-01-11"]),
    ],
)
def test_values_are_found_by_a_part_and_each_has_a_query_that_finds_it(
    web: FlaskClient, name: str, text: str, expected: list[str]
) -> None:
    found = ask(web, f"/api/headers/{quote(name, safe='')}", q=text)
    assert [value["value"] for value in found["values"]] == expected
    for value in found["values"]:
        assert ask(web, "/api/search", q=value["query"], size=0)["total"] == value["count"]


def test_few_values_are_said_to_be_few(web: FlaskClient) -> None:
    found = ask(web, "/api/headers/PatientID", size=2)
    assert (len(found["values"]), found["more"]) == (2, True)
    assert found["different"] > 2


@pytest.mark.parametrize(
    ("address", "status", "detail"),
    [
        ("/api/headers/Modalty", 404, "Did you mean Modality"),
        ("/api/headers/PixelData", 400, "no values"),
        ("/api/headers/RequestAttributesSequence", 400, "no values"),
        ("/api/headers?size=0", 400, "size"),
        ("/api/headers/Modality?size=5000", 400, "size"),
        ("/api/headers?x=1", 400, "x"),
    ],
)
def test_a_wrong_request_is_a_problem(web: FlaskClient, address: str, status: int, detail: str) -> None:
    answer = web.get(address)
    assert answer.status_code == status
    assert answer.content_type == "application/problem+json"
    assert detail in answer.json["detail"]


def test_the_pages_show_fields_and_values(web: FlaskClient) -> None:
    assert "SliceThickness" in web.get("/headers?q=slice+thickness").text
    values = web.get("/headers/PatientName?q=script").text
    assert "<script>alert" not in values
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in values
    assert web.get("/headers/nothing").status_code == 404
    assert "no values" in web.get("/headers/PixelData").text
    assert uid(3) in web.get(f"/headers/SOPInstanceUID?q={uid(3)}").text
