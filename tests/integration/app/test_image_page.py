"""The page of an image as the server renders it: the search that led to it, what it marks, and where its links lead."""

import re
from html import unescape
from urllib.parse import parse_qs, quote, urlsplit

import pytest
from flask.testing import FlaskClient

from tests.archive import Indexed
from tests.integration.app.test_pages import Outline, page, text
from tests.made_images import HOSTILE, uid


def links(html: str, path: str) -> list[str]:
    return [link for link in Outline(html).links if urlsplit(link).path == path]


def labelled(html: str, label: str) -> list[str]:
    """Where links with this text lead."""
    return [unescape(link) for link in re.findall(rf'<a [^>]*?href="([^"]*)"[^>]*>{re.escape(label)}</a>', html)]


def found(web: FlaskClient, link: str) -> set[str]:
    """The images that a link to the search finds, asked of the API with its parameters."""
    asked = parse_qs(urlsplit(link).query)
    answer = web.get("/api/search", query_string={**asked, "size": 1_000})
    assert answer.status_code == 200, answer.text
    return {result["id"] for result in answer.json["results"]}


SEARCH = "/search?q=sag&filter=Modality:%3DMR&sort=-StudyDate&fields=PatientName&size=50"


def test_a_result_leads_to_its_image_and_back_to_the_same_search(web: FlaskClient) -> None:
    [to_image] = [link for link in Outline(page(web, SEARCH)).links if link.startswith(f"/images/{uid(2)}?")]
    html = page(web, to_image)
    [back] = labelled(html, "← Back to the results")
    assert parse_qs(urlsplit(back).query) == parse_qs(urlsplit(SEARCH).query)
    assert "<mark>sag</mark>" in html
    assert "<mark>MR</mark>" in html
    assert "2 elements of this header match the search" in text(html)


def test_without_a_search_nothing_is_marked(web: FlaskClient) -> None:
    html = page(web, f"/images/{uid(2)}")
    assert "<mark>" not in html
    assert "data-matches" not in html
    assert labelled(html, "Search") == ["/search", "/search"]


def test_matches_lead_from_one_to_the_next(web: FlaskClient) -> None:
    html = page(web, f"/images/{uid(2)}?q=nested.CodeMeaning:chest+OR+Modality:MR+OR+doe")
    assert 'href="#match-1"' in html
    for number in (1, 2, 3):
        assert f'id="match-{number}"' in html
        assert f'href="#match-{number % 3 + 1}"' in html


def test_only_matches_can_be_shown_and_filtered_further(web: FlaskClient) -> None:
    address = f"/images/{uid(2)}?q=nested.CodeMeaning:chest+OR+Modality:MR"
    [only] = labelled(page(web, address), "Only matches")
    shown = page(web, only)
    assert len(re.findall(r'<tr class="element', shown)) == 2
    assert len(labelled(shown, "Show all elements")) == 1
    assert len(re.findall(r'<tr class="element', page(web, f"{address}&only=1&find=modality"))) == 1
    assert "No element fits" in page(web, f"{address}&only=1&find=nothing-has-this")


@pytest.mark.parametrize("query", ["(chest", "SliceThicknes:5", "Rows:abc", "filter", "x" * 11_000])
def test_an_unusable_search_still_shows_the_image(web: FlaskClient, query: str) -> None:
    html = page(web, f"/images/{uid(2)}?q={query}")
    assert "Doe, John" in html
    assert "<mark>" not in html


def test_a_query_that_cannot_be_read_is_said_to_mark_nothing(web: FlaskClient) -> None:
    shown = text(page(web, f"/images/{uid(2)}?q=(chest&filter=nonsense"))
    assert "Nothing is marked: the search that led here cannot be understood." in shown


def test_marked_values_of_strangers_are_text(web: FlaskClient) -> None:
    html = page(web, f"/images/{uid(6)}?q=PatientName:%22{quote(HOSTILE)}%22+OR+script+OR+alert")
    assert "<script>alert" not in html
    assert "<b>bold" not in html
    assert "&lt;<mark>script</mark>&gt;" in html


# Attribute, and whether its values are one condition (a filter) or several (a part of the query).
ELEMENTS = [
    "(0010,0010)",  # a name with characters of HTML
    "(0018,0050)",
    "(0020,1041)",
    "(0028,0030)",  # two values
    "(0008,0008)",
    "(0008,002A)",  # a moment with an offset
    "(0008,0090)",  # empty
    "(0019,1002)",  # private, of a creator with odd characters
    "(0040,0275)",  # a sequence
    "(0008,0104)",  # at an exact path
    "(0040,A30A)",
]


@pytest.mark.parametrize("tag", ELEMENTS)
def test_a_value_leads_to_all_images_with_it_and_to_those_without(
    web: FlaskClient, images: list[Indexed], tag: str
) -> None:
    for address in (f"/images/{uid(6)}", f"/images/{uid(6)}?q=batch:MADE&filter=-Modality:%3DCT&level=image"):
        [row] = re.findall(rf'<tr class="[^"]*"[^>]*><td class="tag-cell">{re.escape(tag)}.*?</tr>', page(web, address))
        [find], [exclude] = labelled(row, "Find all"), labelled(row, "Exclude")
        assert uid(6) in found(web, find)
        assert uid(6) not in found(web, exclude)
        assert not found(web, find) & found(web, exclude)
        base = found(web, "/search?q=") if "?" not in address else found(web, f"/search?{urlsplit(address).query}")
        assert found(web, find) | found(web, exclude) == base
        assert web.get(find).status_code == web.get(exclude).status_code == 200


def test_excluding_takes_the_opposite_filter_back(web: FlaskClient) -> None:
    html = page(web, f"/images/{uid(6)}?q=&filter=Modality:%3DMR")
    [row] = re.findall(r'<tr class="[^"]*"[^>]*><td class="tag-cell">\(0008,0060\).*?</tr>', html)
    assert parse_qs(urlsplit(labelled(row, "Exclude")[0]).query)["filter"] == ["-Modality:=MR"]
    assert parse_qs(urlsplit(labelled(row, "Find all")[0]).query)["filter"] == ["Modality:=MR"]


def test_the_series_leads_to_its_images_with_the_search_and_the_filter_kept(web: FlaskClient) -> None:
    html = page(web, f"/images/{uid(2)}?q=doe&find=patient&center=40&width=400&frame=1")
    assert "Image 1 of 4" in text(html)
    [following] = [unescape(link) for link in re.findall(r'rel="next" href="([^"]*)"', html)]
    assert urlsplit(following).path == f"/images/{uid(4)}"
    kept = {"q": ["doe"], "find": ["patient"], "center": ["40"], "width": ["400"]}
    assert parse_qs(urlsplit(following).query) == kept
    seen, address = [uid(2)], following
    while address:
        html = page(web, address)
        seen.append(urlsplit(address).path.removeprefix("/images/"))
        address = next((unescape(link) for link in re.findall(r'rel="next" href="([^"]*)"', html)), "")
    assert seen == [uid(number) for number in (2, 4, 6, 8)]


def test_the_page_leads_up_to_series_study_and_patient(web: FlaskClient) -> None:
    html = page(web, f"/images/{uid(2)}")
    assert "Series of this study 2 series, 8 images" in text(html)
    [patient], [study], [series] = (labelled(html, name) for name in ("Patient", "Study", "Series"))

    for link, level in ((patient, "study"), (study, "series"), (series, None)):
        assert parse_qs(urlsplit(link).query).get("level", [None]) == [level]
        assert web.get(link).status_code == 200
    assert found(web, series) == {uid(number) for number in (2, 4, 6, 8)}
    assert f"/images/{uid(1)}" in {urlsplit(link).path for link in Outline(html).links}


def test_the_form_of_the_filter_keeps_the_search(web: FlaskClient) -> None:
    html = page(web, f"/images/{uid(2)}?q=doe&filter=Modality:%3DMR&filter=-Rows:*&only=1")
    form = html[html.index('<form class="filter"') :]
    kept = re.findall(r'<input type="hidden" name="([^"]*)" value="([^"]*)">', form[: form.index("</form>")])
    assert kept == [("q", "doe"), ("filter", "Modality:=MR"), ("filter", "-Rows:*"), ("only", "1")]
