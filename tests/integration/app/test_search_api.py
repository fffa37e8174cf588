"""`/api/search`: the shape of its answers, pages that are complete and stable, and clear refusals."""

from typing import Any
from urllib.parse import quote

import pytest
from flask.testing import FlaskClient

from tests.archive import Indexed
from tests.made_images import HOSTILE, uid


def ask(web: FlaskClient, query: str = "", **parameters: Any) -> Any:
    answer = web.get("/api/search", query_string={"q": query, **parameters})
    assert answer.status_code == 200, answer.text
    assert answer.content_type == "application/json"
    return answer.json


def test_an_answer_has_the_promised_shape(web: FlaskClient) -> None:
    answer = ask(web, "PatientName:doe^john batch:MADE", fields="PatientName,(0020,0013),nested.CodeMeaning,file.name")
    assert answer.pop("milliseconds") >= 0
    assert answer == {
        "total": 1,
        "level": "image",
        "results": [
            {
                "id": uid(2),
                "fields": {
                    "PatientName": "Doe^John",
                    "InstanceNumber": 2,
                    "nested.CodeMeaning": "Chest region 2",
                    "file.name": "made-2.dcm",
                },
            }
        ],
        "facets": {},
        "next": None,
        "previous": None,
        "partial": False,
    }


def test_without_fields_a_useful_selection_is_shown(web: FlaskClient) -> None:
    (result,) = ask(web, f"id:{uid(6)}")["results"]
    assert result["fields"]["PatientName"] == HOSTILE
    assert {"StudyDate", "Modality", "batch", "file.path"} <= result["fields"].keys()


def test_private_elements_can_be_shown(web: FlaskClient) -> None:
    name = "private.ACME_1.0/é: x.0019xx02"
    (result,) = ask(web, f"id:{uid(6)}", fields=f'"{name}"')["results"]
    assert result["fields"] == {name: "906"}


@pytest.mark.parametrize("sort", ["", "StudyDate", "-StudyDate", "SliceThickness,-PatientName", "Modality,batch"])
@pytest.mark.parametrize("size", [1, 7, 50])
def test_pages_show_every_image_once_forwards_and_backwards(
    web: FlaskClient, images: list[Indexed], sort: str, size: int
) -> None:
    pages: list[list[str]] = []
    after, last = "", None
    while True:
        answer = ask(web, size=size, sort=sort, after=after, fields="Modality")
        assert answer["total"] == len(images)
        pages.append([result["id"] for result in answer["results"]])
        if answer["next"] is None:
            last = answer
            break
        after = answer["next"]
    forwards = [id_ for page in pages for id_ in page]
    assert sorted(forwards) == sorted(image.id for image in images)
    assert all(len(page) == size for page in pages[:-1])

    for page in reversed(pages[:-1]):
        assert last["previous"]
        last = ask(web, size=size, sort=sort, after=last["previous"], fields="Modality")
        assert [result["id"] for result in last["results"]] == page
        assert last["next"]
    assert last["previous"] is None


def test_results_are_sorted_and_those_without_a_value_come_last(web: FlaskClient) -> None:
    for sort, turned in (("SliceThickness", False), ("-SliceThickness", True)):
        results = ask(web, sort=sort, size=1_000, fields="SliceThickness")["results"]
        values = [result["fields"].get("SliceThickness") for result in results]
        first_missing = values.index(None)
        assert set(values[first_missing:]) == {None}
        assert values[:first_missing] == sorted(values[:first_missing], reverse=turned)


def test_the_newest_study_comes_first_without_a_wish(web: FlaskClient) -> None:
    dates = [result["fields"].get("StudyDate", "") for result in ask(web, size=1_000, fields="StudyDate")["results"]]
    assert dates == sorted(dates, reverse=True)


def test_a_size_of_zero_only_counts(web: FlaskClient) -> None:
    answer = ask(web, "batch:MADE", size=0)
    assert (answer["total"], answer["results"], answer["next"]) == (8, [], None)


@pytest.mark.parametrize(
    ("parameters", "kind", "detail"),
    [
        ({"q": "SliceThicknes:5"}, "query-syntax", "Did you mean SliceThickness"),
        ({"q": "(a"}, "query-syntax", "never closed"),
        ({"q": "Modality:/a(/"}, "query-refused", "cannot run this query"),
        ({"q": "private.X.0019xx02:/a(/"}, "query-refused", "cannot run this query"),
        ({"sort": "Modalty"}, "sort", "Did you mean Modality"),
        ({"sort": "PixelData"}, "sort", "cannot be sorted"),
        ({"fields": "Modalty"}, "fields", "Did you mean Modality"),
        ({"after": "nonsense"}, "after", "another search"),
        ({"size": "1001"}, "parameters", "size"),
        ({"size": "-1"}, "parameters", "size"),
        ({"size": "many"}, "parameters", "size"),
        ({"level": "galaxy"}, "parameters", "level"),
        ({"sice": "5"}, "parameters", "sice"),
        ({"q": "x" * 10_001}, "query-syntax", "at most 10,000"),
    ],
)
def test_a_wrong_request_is_a_problem_with_a_cure(
    web: FlaskClient, parameters: dict[str, str], kind: str, detail: str
) -> None:
    answer = web.get("/api/search", query_string=parameters)
    assert answer.status_code == 400
    assert answer.content_type == "application/problem+json"
    problem = answer.json
    assert problem["type"] == f"urn:dicomsearch:problem:{kind}"
    assert problem["status"] == 400
    assert problem["title"]
    assert detail in problem["detail"]


def test_a_syntax_error_has_its_place_and_suggestions(web: FlaskClient) -> None:
    problem = web.get("/api/search", query_string={"q": "chest SliceThicknes:5"}).json
    assert (problem["position"], problem["length"]) == (6, 13)
    assert problem["suggestions"][0] == "SliceThickness"


def test_a_page_of_one_search_does_not_fit_another(web: FlaskClient) -> None:
    after = ask(web, "Modality:CT", size=1)["next"]
    for parameters in ({"q": "Modality:MR"}, {"q": "Modality:CT", "sort": "Rows"}):
        assert web.get("/api/search", query_string={**parameters, "after": after}).status_code == 400


@pytest.mark.parametrize("method", ["post", "put", "delete", "patch"])
def test_other_methods_are_not_allowed(web: FlaskClient, method: str) -> None:
    answer = getattr(web, method)("/api/search")
    assert answer.status_code == 405
    assert answer.content_type == "application/problem+json"
    assert "GET" in answer.headers["Allow"]


def test_odd_bytes_in_a_query_are_answered(web: FlaskClient) -> None:
    for raw in ("%00", "%FF%FE", "%ED%A0%80", quote("🩻"), quote("\u202e"), "%0A%09"):
        assert web.get(f"/api/search?q={raw}").status_code in (200, 400)
