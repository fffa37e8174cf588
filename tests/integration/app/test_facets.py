"""Facets: counts at every level, against what plain Python counts in the same random documents; and on real images."""

import re
from collections import Counter
from html import unescape
from typing import Any

import pytest
from flask.testing import FlaskClient

from app.archive import FacetCounts, SearchRequest
from app.search.levels import Level
from tests.random_documents import SORTS, Filled, value_at

Counts = dict[Any, int]


def counts(found: FacetCounts, name: str) -> Counts:
    (facet,) = [facet for facet in found.facets if facet.facet.name == name]
    return {value.value: value.count for value in facet.values}


def expected(documents: list[dict[str, Any]], steps: tuple[str, ...], level: Level) -> Counts:
    rows: dict[Any, set[str]] = {}
    for document in documents:
        row = document["_id"] if level is Level.IMAGE else document["derived"][level.value]
        for value in value_at(document, steps) or [None]:
            rows.setdefault(value, set()).add(row)
    return {value: len(found) for value, found in rows.items()}


@pytest.mark.parametrize("level", list(Level))
@pytest.mark.parametrize(
    "name", ["SliceThickness", "SeriesDescription", "ImageType", "private.ACME.0019xx02", "Modality"]
)
def test_values_are_counted_at_the_level_and_so_are_results_without_one(
    filled: Filled, level: Level, name: str
) -> None:
    steps = SORTS.get(name, (name,))
    found = filled.archive.facets(SearchRequest(level=level), [name])
    assert counts(found, name) == expected(filled.documents, steps, level)
    asked = filled.archive.facets(SearchRequest("Modality:CT", level=level), [name])
    only_ct = [document for document in filled.documents if document["Modality"] == "CT"]
    assert counts(asked, name) == expected(only_ct, steps, level)


def test_a_facet_leaves_its_own_filters_aside_and_no_others(filled: Filled) -> None:
    filters = ("Modality:=CT", "-ImageType:=AXIAL")
    found = filled.archive.facets(SearchRequest(filters=filters), ["Modality", "ImageType", "SeriesDescription"])
    ct = [document for document in filled.documents if document["Modality"] == "CT"]
    not_axial = [document for document in filled.documents if "AXIAL" not in value_at(document, ("ImageType",))]
    assert counts(found, "Modality") == expected(not_axial, ("Modality",), Level.IMAGE)
    assert counts(found, "ImageType") == expected(ct, ("ImageType",), Level.IMAGE)
    both = [document for document in ct if document in not_axial]
    assert counts(found, "SeriesDescription") == expected(both, ("SeriesDescription",), Level.IMAGE)


@pytest.mark.parametrize("level", [Level.IMAGE, Level.STUDY])
def test_chosen_values_are_counted_however_few_have_them(filled: Filled, level: Level) -> None:
    filters = ("Modality:=XX", "-Modality:=MR", "ImageType:=AXIAL", "-SliceThickness:*", "InstanceNumber:[5 TO 9]")
    names = ["Modality", "ImageType", "SliceThickness", "InstanceNumber"]
    found = filled.archive.facets(SearchRequest(filters=filters, level=level), names, size=1)
    chosen = {one.facet.name: one.chosen for one in found.facets}
    for name, value in (("Modality", "XX"), ("Modality", "MR"), ("ImageType", "AXIAL"), ("InstanceNumber", "[5 TO 9]")):
        others = tuple(text for text in filters if name not in text)
        own = f"{name}:{value if '[' in value else f'={value}'}"
        answer = filled.archive.search(SearchRequest(size=0, filters=(*others, own), level=level))
        assert chosen[name][value] == answer.total, name
    without = tuple(text for text in filters if "SliceThickness" not in text)
    answer = filled.archive.search(SearchRequest("NOT SliceThickness:*", size=0, filters=without, level=level))
    assert chosen["SliceThickness"][None] == answer.total
    assert chosen["Modality"]["XX"] == 0


def test_each_counted_value_is_found_by_the_filter_that_a_click_makes_of_it(filled: Filled) -> None:
    names = [*SORTS, "PatientAge", "StudyDate"]
    for level in (Level.IMAGE, Level.STUDY):
        for facet in filled.archive.facets(SearchRequest(level=level), names).facets:
            assert facet.values
            for value in facet.values:
                filters = (facet.filter_of(value),)
                answer = filled.archive.search(SearchRequest(size=0, level=level, filters=filters))
                assert answer.total == value.count, filters


def test_dates_and_numbers_are_counted_in_spans_that_fit_them(filled: Filled) -> None:
    found = filled.archive.facets(SearchRequest(), ["AcquisitionDate", "InstanceNumber", "derived.age_years"])
    months = Counter(
        month
        for document in filled.documents
        for month in {value[:7] for value in value_at(document, ("AcquisitionDate",))} or {None}
    )
    years = Counter(
        year
        for document in filled.documents
        for year in {value[:4] for value in value_at(document, ("AcquisitionDate",))} or {None}
    )
    assert counts(found, "AcquisitionDate") in (dict(months), dict(years))
    numbers = Counter(
        start
        for document in filled.documents
        for start in {value // 5 * 5 for value in value_at(document, ("InstanceNumber",))} or {None}
    )
    shown = {None if start is None else f"[{start} TO {start + 5}}}": count for start, count in numbers.items()}
    assert counts(found, "InstanceNumber") == shown
    assert {*counts(found, "derived.age_years")} == {"[0 TO 10}", "[40 TO 50}", None}


def test_more_values_than_wanted_are_said_to_be_there(filled: Filled) -> None:
    (facet,) = filled.archive.facets(SearchRequest(), ["ImageType"], size=2).facets
    assert facet.more
    assert len([value for value in facet.values if value.value is not None]) == 2
    (facet,) = filled.archive.facets(SearchRequest(), ["ImageType"], size=20).facets
    assert not facet.more


def test_the_page_shows_a_chosen_value_that_nothing_has_with_its_count_and_ways_back(web: FlaskClient) -> None:
    page = web.get("/search", query_string={"q": "chest", "filter": "Modality:=XX"}).text
    choice = next(line for line in page.splitlines() if '<li class="choice chosen">' in line)
    assert ">XX<" in choice
    assert '<span class="choice-count">0</span>' in choice
    taken_back, left_out = (unescape(link) for link in re.findall(r'href="([^"]+)"', choice))
    assert taken_back == "/search?q=chest"
    assert left_out == "/search?q=chest&filter=-Modality:%3DXX"


def test_the_api_has_facets_of_the_promised_shape(web: FlaskClient) -> None:
    parameters = {"q": "batch:MADE", "size": 0, "facets": "Modality,ContrastBolusAgent", "filter": "Modality:=CT"}
    answer = web.get("/api/search", query_string=parameters).json
    assert answer["total"] == 4
    assert answer["facets"] == {
        "Modality": [{"value": "CT", "count": 4}, {"value": "MR", "count": 4}],
        "ContrastBolusAgent": [{"value": "Gadolinium", "count": 2}, {"value": None, "count": 2}],
    }
    usual = web.get("/api/search", query_string={"q": "batch:MADE", "facets": "default,Rows", "size": 0}).json
    assert {"Modality", "StudyDate", "batch", "Rows"} <= usual["facets"].keys()


def test_the_api_answers_rows_with_what_they_consist_of(web: FlaskClient) -> None:
    answer = web.get("/api/search?q=batch:MADE Modality:CT&level=study&fields=PatientID").json
    assert (answer["total"], answer["images"], answer["level"], answer["approximate"]) == (1, 4, "study", False)
    (row,) = answer["results"]
    assert row == {
        "id": "1.2.826.0.1.3680043.10.1.100",
        "fields": {"PatientID": "MADE-7"},
        "below": {
            "found": 4,
            "images": 8,
            "series": 2,
            "studies": 1,
            "modalities": ["CT", "MR"],
            "first_date": "2011-01-11",
            "last_date": "2018-08-18",
        },
    }


@pytest.mark.parametrize(
    ("parameters", "kind", "detail"),
    [
        ({"facets": "Modalty"}, "facets", "Did you mean Modality"),
        ({"facets": "PixelData"}, "facets", "no values"),
        ({"facets": "text"}, "facets", "no values"),
        ({"facets": "malformed"}, "facets", "malformed.StudyDate"),
        ({"facets": ",".join(f"0018{n:04d}" for n in range(5, 90))}, "facets", "At most 40"),
        ({"filter": "Modality"}, "filter", "no filter"),
        ({"filter": "Modality:CT Rows:5"}, "filter", "no filter"),
        ({"filter": "Modalty:CT"}, "filter", "no field"),
        ({"filter": "Rows:abc"}, "filter", "abc"),
        ({"filter": "Modality:(CT"}, "filter", "never closed"),
        ({"level": "study", "sort": "Rows,Columns"}, "sort", "one field"),
        ({"level": "study", "after": "nonsense"}, "after", "another search"),
    ],
)
def test_a_wrong_facet_filter_or_level_is_a_problem_with_a_cure(
    web: FlaskClient, parameters: dict[str, str], kind: str, detail: str
) -> None:
    answer = web.get("/api/search", query_string=parameters)
    assert answer.status_code == 400
    assert answer.json["type"] == f"urn:dicomsearch:problem:{kind}"
    assert detail in answer.json["detail"]
