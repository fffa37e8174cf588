"""What cannot be answered is refused by the API and on the page alike: with a reason, a place and a cure.

And what finds nothing is an answer: neither is taken for the other.
"""

import html
import re
from typing import Any

import pytest
from flask.testing import FlaskClient
from redis import Redis

from app import create_app
from indexer.settings import Settings
from tests.archive import Indexed
from tests.made_images import uid

# A query, where it is wrong and over how many characters, a part of the message, and the first suggestion.
WRONG_QUERIES: list[tuple[str, int, int, str, str | None]] = [
    # Fields
    ("chest SliceThicknes:5", 6, 13, "There is no field “SliceThicknes”", "SliceThickness"),
    ("qqqqqqqq:5", 0, 8, "put it in quotes", None),
    ("nested.CodeMeanin:x", 0, 17, "no attribute that a sequence could contain", "nested.CodeMeaning"),
    ("ContentSequenc.CodeValue:1", 0, 24, "There is no field", "ContentSequence.CodeValue"),
    ("ContentSequence.CodeValu:1", 0, 24, "There is no attribute “CodeValu”", "ContentSequence.CodeValue"),
    ("private.GEMS.00191002:5", 0, 21, "relative to its creator's block", "private.GEMS.0019xx02"),
    ("private.GEMS:5", 0, 12, "written private.CREATOR.ggggxxee", None),
    ("(0019,1002):5", 0, 11, "name it by its creator", None),
    ("empty:SliceThicknes", 6, 13, "Did you mean SliceThickness", None),
    ("Modality:(Rows:5)", 10, 4, "inside another field's value", None),
    # Values
    ("Rows:abc", 5, 3, "Rows holds numbers; “abc” is none.", None),
    ("Rows:[1 TO abc]", 5, 10, "“abc” is none", None),
    ("SliceThickness:1e999", 15, 5, "too large a number", None),
    ("Rows:1*", 5, 2, "wildcards do not work on them", None),
    (r"PixelSpacing:0.5\x", 13, 5, "“x” is none", None),
    ("StudyDate:2004-13", 10, 7, "no date of the calendar", None),
    ("StudyDate:20040230-", 10, 9, "no date of the calendar", None),
    ("StudyDate:soon", 10, 4, "is no date; write it as 2004", None),
    ("StudyDate:now-3q", 10, 6, "relative ones are written", None),
    ("StudyTime:2500", 10, 4, "is no time of day", None),
    ("PatientAge:old", 11, 3, "is no age; write it in years", None),
    ("ContentSequence.NumericValue:x", 29, 1, "holds numbers", None),
    ("PixelData:*", 10, 1, "holds binary values", None),
    ("ContentSequence:5", 16, 1, "is a sequence: search for what is inside", None),
    ("!?!", 0, 3, "has no letter or digit", None),
    (">5", 0, 2, "A range needs a field", None),
    ("id:1*", 3, 2, "An id has no wildcards", None),
    # Operators
    ("Rows:5~", 5, 2, "finds similar words in texts", None),
    ('Modality:"a b"~2', 9, 7, "in texts only", None),
    ("Rows:/5/", 5, 3, "works on texts", None),
    ("empty:[a TO b]", 6, 8, "has no ranges", None),
    ("Rows:[1 TO 5*]", 5, 9, "cannot have wildcards", None),
    # Grammar
    ("(chest", 0, 1, "never closed", None),
    ("chest)", 5, 1, "No parenthesis is open", None),
    ("chest ()", 6, 2, "nothing between these parentheses", None),
    ('chest "ct', 6, 1, "quotation mark is never closed", None),
    ("Rows:[1 2]", 8, 1, "A range is written", None),
    ("Rows:[1 TO", 5, 1, "A range is written", None),
    ("Rows:]", 5, 1, "No range is open", None),
    ("Modality:", 9, 1, "A value is missing", None),
    (":CT", 0, 1, "needs the name of a field", None),
    ("chest AND", 9, 1, "something is missing after AND", None),
    ("OR chest", 0, 2, "“OR” cannot stand here", None),
    ("chest\0ct", 5, 1, "no character of any script", None),
    # Costs, with the limits of the fixture
    ("x" * 201, 200, 1, "201 characters long; at most 200", None),
    ("((((a))))", 3, 1, "at most 3 deep", None),
    ("NOT " * 12 + "a", 40, 1, "nested too deeply", None),
    ("a b c d e f g", 12, 1, "At most 6 words and conditions", None),
    ("a* b* c*", 6, 2, "At most 2 words with wildcards", None),
    ("Modality:*T", 9, 2, "may not begin with a wildcard", None),
    ("StationName:/.*a/", 12, 5, "may not begin with a wildcard", None),
]
REFUSED: list[tuple[dict[str, Any], str, str]] = [
    ({"q": "Modality:/a(/"}, "query-refused", "cannot run this query"),
    ({"q": 'private."ACME_1.0/é: x".0019xx03:p*'}, "query-refused", "More than 3 values fit the pattern"),
    ({"sort": "Modalty"}, "sort", "Did you mean Modality"),
    ({"sort": "PixelData"}, "sort", "cannot be sorted by PixelData"),
    ({"sort": "text"}, "sort", "cannot be sorted by text"),
    ({"sort": "a,b,c,d,e,f"}, "sort", "At most 5"),
    ({"sort": "Modality,StudyDate", "level": "study"}, "sort", "one field"),
    ({"fields": "Modalty"}, "fields", "Did you mean Modality"),
    ({"fields": "PixelData"}, "fields", "no value that a list could show"),
    ({"fields": ",".join(f"0018{number:04x}" for number in range(101))}, "fields", "At most 100"),
    ({"facets": "Modalty"}, "facets", "Modality"),
    ({"facets": "PixelData"}, "facets", "PixelData"),
    ({"filter": "chest contrast"}, "filter", "is no filter"),
    ({"filter": "Modality:(CT OR MR)"}, "filter", "is no filter"),
    ({"filter": "Modalty:=CT"}, "filter", "There is no field"),
    ({"filter": "Rows:abc"}, "filter", "Rows holds numbers; “abc” is none."),
    ({"filter": "Modality:=CT", "q": "Modality:MR", "sort": "Modalty"}, "sort", "Did you mean Modality"),
    ({"after": "nonsense"}, "after", "another search"),
    ({"after": "W10="}, "after", "another search"),
    ({"after": "nonsense", "level": "study"}, "after", "another search"),
]
# Parameters, the one that is named to programs, and what people read (None: the page does not have it).
PARAMETERS: list[tuple[dict[str, Any], str, str | None]] = [
    ({"size": "-1"}, "size", "A page cannot have “-1” results"),
    ({"size": "1001"}, "size", "A page cannot have “1001” results"),
    ({"size": "9" * 400}, "size", "A page cannot have “9999"),
    ({"level": "galaxy"}, "level", "There is no level “galaxy”"),
    ({"facet_size": "-1"}, "facet_size", None),
]
HOSTILE = [
    "<script>alert(1)</script>",
    "'; DROP TABLE images; --",
    '{"query": {"match_all": {}}}',
    '"}]}} , "script": {"source": "1"}',
    "{{7*7}} ${jndi:ldap://x} %(x)s",
    "../../etc/passwd",
    "Modality:CT\r\nSet-Cookie: a=b",
    "PatientName:\u202e\u0000",
    "\ud83e\udd74",
    "((((((((((",
    "/" * 150,
    "🩻 " * 5,
]


@pytest.fixture
def strict(archive_settings: Settings, images: list[Indexed], redis_client: Redis) -> FlaskClient:
    """A client of the application with narrow limits."""
    limits = {"query_characters": 200, "query_depth": 3, "query_clauses": 6, "query_patterns": 2, "query_values": 3}
    settings = archive_settings.model_copy(update={**limits, "query_leading_wildcards": False})
    return create_app(settings).test_client()


def shown(page: str) -> str:
    """What a person reads on a page."""
    return re.sub(r"\s+", " ", html.unescape(re.sub(r"<[^>]+>", "", page)))


@pytest.mark.parametrize(
    ("query", "position", "length", "message", "suggestion"),
    WRONG_QUERIES,
    ids=[case[0][:40] for case in WRONG_QUERIES],
)
def test_a_query_that_cannot_be_understood_is_refused_with_its_place(
    strict: FlaskClient, query: str, position: int, length: int, message: str, suggestion: str | None
) -> None:
    answer = strict.get("/api/search", query_string={"q": query})
    assert (answer.status_code, answer.content_type) == (400, "application/problem+json")
    problem = answer.json
    assert problem["type"] == "urn:dicomsearch:problem:query-syntax"
    assert (problem["position"], problem["length"]) == (position, length)
    assert message in problem["detail"]
    assert problem["suggestions"][:1] == ([suggestion] if suggestion else [])

    page = strict.get("/search", query_string={"q": query})
    assert page.status_code == 400
    assert message in shown(page.text)
    assert page.text.count('role="alert"') == 1
    assert "matches" not in shown(page.text)
    export = strict.get("/api/search/export", query_string={"q": query})
    assert (export.status_code, export.json) == (400, problem)


@pytest.mark.parametrize(("parameters", "kind", "message"), REFUSED, ids=[str(case[0])[:60] for case in REFUSED])
def test_what_else_cannot_be_answered_says_why(
    strict: FlaskClient, parameters: dict[str, Any], kind: str, message: str
) -> None:
    answer = strict.get("/api/search", query_string=parameters)
    assert (answer.status_code, answer.content_type) == (400, "application/problem+json")
    assert answer.json["type"] == f"urn:dicomsearch:problem:{kind}"
    assert message in answer.json["detail"]
    assert "position" not in answer.json

    page = strict.get("/search", query_string=parameters)
    assert page.status_code == 400
    assert message in shown(page.text)
    assert page.text.count('role="alert"') == 1
    assert "matches" not in shown(page.text)


@pytest.mark.parametrize(("parameters", "name", "message"), PARAMETERS, ids=[str(one[0])[:30] for one in PARAMETERS])
def test_parameters_that_mean_nothing_are_named(
    strict: FlaskClient, parameters: dict[str, Any], name: str, message: str | None
) -> None:
    answer = strict.get("/api/search", query_string=parameters)
    assert (answer.status_code, answer.json["type"]) == (400, "urn:dicomsearch:problem:parameters")
    assert name in answer.json["detail"]
    page = strict.get("/search", query_string=parameters)
    assert page.status_code == (400 if message else 200)
    assert (message or "") in shown(page.text)


@pytest.mark.parametrize("level", ["image", "series"])
def test_a_page_of_one_search_is_no_page_of_another(strict: FlaskClient, level: str) -> None:
    made = {"q": "batch:PYDICOM", "level": level, "size": 25}
    after = strict.get("/api/search", query_string=made).json["next"]
    assert strict.get("/api/search", query_string={**made, "after": after}).status_code == 200
    for other in ({"q": "Modality:MR"}, {"sort": "Rows"}, {"filter": "Modality:=MR"}):
        for address in ("/api/search", "/search"):
            answer = strict.get(address, query_string={**made, **other, "after": after})
            assert answer.status_code == 400, other
            assert "another search" in html.unescape(answer.text)
    cut = strict.get("/api/search", query_string={**made, "after": after[:-3]})
    assert (cut.status_code, cut.json["type"]) == (400, "urn:dicomsearch:problem:after")


@pytest.mark.parametrize("query", HOSTILE)
def test_hostile_texts_are_answered_or_refused_and_shown_as_text(strict: FlaskClient, query: str) -> None:
    parameters = {"q": query.encode("utf-8", "surrogatepass")}
    answer = strict.get("/api/search", query_string=parameters)
    page = strict.get("/search", query_string=parameters)
    assert answer.status_code == page.status_code
    assert answer.status_code in (200, 400)
    assert "Traceback" not in answer.text + page.text
    assert "<script>alert" not in page.text
    assert "Set-Cookie" not in page.headers


@pytest.mark.parametrize("query", ["xyzzyplugh", "Rows:>1000000", "-Modality:* Modality:CT", f"id:{uid(99)}"])
@pytest.mark.parametrize("level", ["image", "study"])
def test_nothing_found_is_an_answer_and_no_error(strict: FlaskClient, query: str, level: str) -> None:
    answer = strict.get("/api/search", query_string={"q": query, "level": level})
    assert answer.status_code == 200
    assert (answer.json["total"], answer.json["results"], answer.json["partial"]) == (0, [], False)
    page = strict.get("/search", query_string={"q": query, "level": level})
    assert page.status_code == 200
    assert f"No {level} matches" in shown(page.text)
    assert 'role="alert"' not in page.text
