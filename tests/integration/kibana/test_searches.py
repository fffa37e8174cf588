"""Each saved search on a real Elasticsearch: the request that Discover makes of it, and what it finds."""

import warnings
from fnmatch import fnmatchcase
from typing import Any

import pytest

from tests.integration.kibana.conftest import CUT, FUTURE, OLD, Imported
from tests.integration.kibana.requests import query_of
from tests.saved_objects import Json, of_type, opened, search_source, the

SEARCHES = of_type("search")
Hit = dict[str, Any]


@pytest.fixture(scope="session")
def fields(field_caps: dict[str, Any]) -> list[str]:
    """The fields of the data view: those that have values, without those that it hides."""
    [view] = of_type("index-pattern")
    hidden = [one["value"] for one in opened(view, "sourceFilters")]
    return [name for name in field_caps if not any(fnmatchcase(name, pattern) for pattern in hidden)]


def found(imported: Imported, fields: list[str], search: Json) -> list[Hit]:
    """What Discover shows of a search; values of fields, never the source."""
    attributes = search["attributes"]
    [[field, direction]] = attributes["sort"]
    time = attributes["timeRange"]
    sort: list[Json] = [{field: {"order": direction, "unmapped_type": "boolean"}}, {"_doc": {"order": direction}}]
    answer = imported.services.elasticsearch.search(
        index=imported.settings.index,
        size=500,
        query=query_of(search_source(search)["filter"], time["from"], time["to"]),
        sort=sort,
        fields=[{"field": name} for name in fields if not name.startswith("_")],
        source=False,
    )
    hits: list[Hit] = answer["hits"]["hits"]
    return hits


def ids(hits: list[Hit]) -> set[str]:
    return {hit["_id"] for hit in hits}


@pytest.mark.parametrize("search", SEARCHES, ids=lambda search: search["id"])
def test_each_search_finds_something_and_has_something_in_each_column(
    search: Json, imported: Imported, fields: list[str]
) -> None:
    hits = found(imported, fields, search)
    assert hits
    for column in search["attributes"]["columns"]:
        # A column that is the name of an object shows its fields.
        there = [name for name in fields if name == column or name.startswith(f"{column}.")]
        assert column == "_id" or there, f"no image has {column}"
    shown = {name for hit in hits for name in hit["fields"]}
    assert "Modality" in shown
    assert not shown & {"header", "text", "path_num", "private_num"}
    assert not [name for name in shown if name.startswith("folded")]


def test_malformed_values_are_shown_as_they_are_written(imported: Imported, fields: list[str]) -> None:
    hits = found(imported, fields, the("search", "dicom-malformed"))
    assert {"PatientBirthDate": "1990"} in [value for hit in hits for value in hit["fields"]["malformed"]]
    counts = [hit["fields"]["receipt.malformed"][0] for hit in hits]
    assert counts == sorted(counts, reverse=True)
    assert counts[-1] > 0


def test_images_without_a_study_date_are_those_in_which_pydicom_finds_none(
    imported: Imported, fields: list[str]
) -> None:
    hits = found(imported, fields, the("search", "dicom-without-study-date"))
    assert ids(hits) == {image.id for image in imported.images if not image.dataset.get("StudyDate")}


def test_improbable_dates_are_those_that_the_dashboard_leaves_out(imported: Imported, fields: list[str]) -> None:
    hits = found(imported, fields, the("search", "dicom-improbable-dates"))
    assert [hit["_id"] for hit in hits] == [FUTURE, OLD]


def test_conflicting_duplicates_name_all_of_their_files(imported: Imported, fields: list[str]) -> None:
    hits = found(imported, fields, the("search", "dicom-conflicting-duplicates"))
    [cut] = [hit["fields"] for hit in hits if hit["_id"] == CUT]
    assert (cut["batch"], cut["duplicates.batch"]) == (["again"], ["odd"])
    assert all("true" in hit["fields"]["duplicates.conflict"] for hit in hits)


def test_headers_that_were_cut_tell_where_and_why(imported: Imported, fields: list[str]) -> None:
    hits = found(imported, fields, the("search", "dicom-cut-headers"))
    [cut] = [hit["fields"] for hit in hits if hit["_id"] == CUT]
    assert cut["receipt.cuts.path"] == ["FrameTimeVector"]
    assert cut["receipt.cuts.why"]


def test_largest_files_come_first(imported: Imported, fields: list[str]) -> None:
    hits = found(imported, fields, the("search", "dicom-largest-files"))
    sizes = [hit["fields"]["file.size"][0] for hit in hits]
    in_time = [image for image in imported.images if image.id not in (OLD, FUTURE)]
    assert sizes == sorted((image.path.stat().st_size for image in in_time), reverse=True)


def test_private_elements_are_found_by_having_a_creator(imported: Imported, fields: list[str]) -> None:
    hits = found(imported, fields, the("search", "dicom-private-creators"))
    in_time = [image for image in imported.images if image.id not in (OLD, FUTURE)]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # some values are wrong
        private = {image.id: [one.tag for one in image.dataset.iterall() if one.tag.is_private] for image in in_time}
    with_creator = {image for image, tags in private.items() if any(tag.is_private_creator for tag in tags)}
    assert len(with_creator) > 20
    assert with_creator <= ids(hits) <= {image for image, tags in private.items() if tags}
