"""The pages: what they show, in which words, and that values of headers are text and nothing else."""

import re
from html.parser import HTMLParser
from typing import Any

import pytest
from flask.testing import FlaskClient
from redis import Redis

from indexer.status import Presence
from tests.archive import Indexed
from tests.integration.app.test_api import NO_UTF_8, fill
from tests.made_images import uid


class Outline(HTMLParser):
    """What a page runs, loads and links to."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.scripts: list[str | None] = []
        self.inline: list[str] = []
        self.loaded: list[str] = []
        self.links: list[str] = []
        self.ids: list[str] = []
        self._open = ""
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = dict(attrs)
        self._open = tag
        if tag == "script":
            self.scripts.append(values.get("src"))
        if "style" in values or any(name.startswith("on") for name in values):
            self.inline.append(tag)
        if values.get("id"):
            self.ids.append(str(values["id"]))
        for name in ("src", "href"):
            if values.get(name):
                (self.links if tag == "a" else self.loaded).append(str(values[name]))

    def handle_endtag(self, tag: str) -> None:
        self._open = ""

    def handle_data(self, data: str) -> None:
        if self._open in ("script", "style") and data.strip():
            self.inline.append(data)


def page(web: FlaskClient, address: str, status: int = 200) -> str:
    answer = web.get(address)
    assert answer.status_code == status, answer.text
    assert answer.content_type == "text/html; charset=utf-8"
    return answer.text


def text(html: str) -> str:
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", html))


ADDRESSES = [
    "/",
    "/batches/CASE-17",
    "/search",
    "/search?q=batch:MADE",
    "/search?q=SliceThicknes:5",
    "/search?q=zzzz",
    f"/images/{uid(6)}",
    "/images/unknown",
    "/api/docs",
]


@pytest.mark.parametrize("address", ADDRESSES)
def test_a_page_runs_and_loads_only_what_is_ours(web: FlaskClient, redis_client: Redis, address: str) -> None:
    fill(redis_client, "CASE-17", files=3, errors=1)
    answer = web.get(address)
    outline = Outline(answer.text)
    assert outline.inline == []
    assert all(outline.scripts)
    assert all(loaded.startswith("/") and not loaded.startswith("//") for loaded in outline.loaded)
    assert len(outline.ids) == len(set(outline.ids))
    for loaded in set(outline.loaded):
        with web.get(loaded) as file:
            assert file.status_code == 200
    policy = answer.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["Cache-Control"] == "no-store"


def test_the_status_page_shows_services_and_batches(web: FlaskClient, redis_client: Redis) -> None:
    presence = Presence(redis_client, 60)
    presence.watcher_beats("/data/incoming", None)
    presence.worker_beats("celery@one")
    fill(redis_client, "CASE-17", files=1_233, errors=2)
    fill(redis_client, "CASE-18", files=1, finished=False)
    shown = text(page(web, "/"))
    for expected in ("Watcher Watching", "/data/incoming", "1 running", "Elasticsearch Running", "Redis Running"):
        assert expected in shown
    assert "CASE-17 Done, with errors" in shown
    assert "1,234" in shown
    assert "CASE-18 New" in shown
    assert "can be searched" in shown


def test_the_status_page_says_why_indexing_waits_and_what_is_missing(web: FlaskClient, redis_client: Redis) -> None:
    Presence(redis_client, 60).waits("Elasticsearch does not answer")
    shown = text(page(web, "/"))
    assert "Indexing waits. Elasticsearch does not answer" in shown
    assert "Watcher Not started" in shown
    assert "None running" in shown
    assert "No batch yet" in shown


def test_a_silent_watcher_and_a_silent_worker_are_said_to_be(web: FlaskClient, redis_client: Redis) -> None:
    presence = Presence(redis_client, 60)
    presence.watcher_beats("/data", "The folder cannot be read.")
    presence.worker_beats("one")
    presence.worker_beats("two")
    redis_client.delete("workers:alive:one")
    shown = text(page(web, "/"))
    assert "The folder cannot be read." in shown
    assert "1 not heard of any more" in shown
    presence.watcher_leaves()
    assert "Watcher Stopped" in text(page(web, "/"))


def test_without_scripts_a_moving_page_reloads_itself(web: FlaskClient, redis_client: Redis) -> None:
    fill(redis_client, "CASE-17", files=2)
    assert 'http-equiv="refresh"' not in page(web, "/")
    fill(redis_client, "CASE-18", files=2, finished=False)
    assert '<noscript><meta http-equiv="refresh" content="10"></noscript>' in page(web, "/")


def test_batches_and_files_have_pages(web: FlaskClient, redis_client: Redis) -> None:
    for number in range(27):
        fill(redis_client, f"B{number:02d}", files=1)
    assert "Page 1 of 2" in text(page(web, "/"))
    assert len(re.findall(r'href="/batches/B\d\d"', page(web, "/?page=2"))) == 2
    fill(redis_client, "LARGE", files=120, errors=30)
    first = text(page(web, "/batches/LARGE"))
    assert "30 files could not be indexed" in first
    assert "truncated the file ends inside an element" in first
    assert "Page 1 of 3" in first
    assert "image-0119.dcm" in page(web, "/batches/LARGE?page=3")
    assert "image-0029.dcm" in page(web, "/batches/LARGE?errors=2")
    done = page(web, "/batches/LARGE?status=DONE")
    assert "image-0030.dcm" in done
    assert '<a class="chip" href="/batches/LARGE?status=DONE" aria-current="true">' in done
    assert "scan-�.dcm" in page(web, "/batches/LARGE?page=3")
    assert NO_UTF_8 not in page(web, "/batches/LARGE?page=3")


def test_an_unknown_batch_or_image_is_a_page_that_helps(web: FlaskClient) -> None:
    assert "There is no batch with this id." in page(web, "/batches/none", 404)
    assert "There is no image with this id" in page(web, "/images/none", 404)
    assert "Not Found" in page(web, "/nothing", 404)


def test_results_are_shown_as_people_write_them(web: FlaskClient) -> None:
    shown = text(page(web, "/search?q=PatientName:doe^john+batch:MADE"))
    assert "1 image in" in shown
    assert "Doe, John MADE-2 12 Feb 2012 MR t2_mprage_sag head-neck 2 MADE" in shown


def images_on(html: str) -> list[str]:
    return [link.partition("?")[0] for link in Outline(html).links if link.startswith("/images/")]


def test_fields_that_a_query_names_become_columns(web: FlaskClient) -> None:
    shown = text(page(web, "/search?q=batch:MADE+SliceThickness:>3.5+ContentSequence.MeasuredValueSequence.Date:*"))
    assert "Slice Thickness" in shown
    assert "1 Jan 2018" in shown


def test_results_can_be_paged_and_sorted_by_links(web: FlaskClient, images: list[Indexed]) -> None:
    first = page(web, "/search?q=&size=25")
    seen = images_on(first)
    following = next(link for link in Outline(first).links if "after=" in link)
    second = page(web, following)
    assert "Page 2 of" in text(second)
    assert not set(seen) & set(images_on(second))
    back = next(link for link in Outline(second).links if "after=" in link and "page=1" in link)
    assert images_on(page(web, back)) == seen
    by_name = page(web, "/search?q=&sort=-PatientName")
    assert 'aria-sort="descending"' in by_name


@pytest.mark.parametrize(
    ("query", "marked", "suggestion"),
    [
        ("SliceThicknes:5 x", "SliceThicknes", "/search?q=SliceThickness:5+x"),
        ("x (a", "(", None),
        ("Rows:abc", "abc", None),
        ("a AND", "␣", None),
    ],
)
def test_a_wrong_query_is_marked_at_its_place(
    web: FlaskClient, query: str, marked: str, suggestion: str | None
) -> None:
    answer = web.get("/search", query_string={"q": query})
    assert answer.status_code == 400
    assert f"<mark>{marked}</mark>" in answer.text
    assert 'role="alert"' in answer.text
    if suggestion:
        assert suggestion in Outline(answer.text).links
        assert web.get(suggestion).status_code == 200


@pytest.mark.parametrize("parameters", [{"sort": "Modalty"}, {"after": "x"}, {"q": "Modality:/a(/"}])
def test_a_wrong_sort_or_page_is_said_to_be(web: FlaskClient, parameters: dict[str, Any]) -> None:
    answer = web.get("/search", query_string=parameters)
    assert answer.status_code == 400
    assert 'role="alert"' in answer.text


def test_no_results_come_with_examples(web: FlaskClient) -> None:
    shown = page(web, "/search?q=zzzzzz")
    assert "No image matches" in shown
    for link in Outline(shown).links:
        if link.startswith("/search?q="):
            assert web.get(link).status_code == 200, link


def test_an_image_page_shows_the_whole_header(web: FlaskClient) -> None:
    html = page(web, f"/images/{uid(2)}")
    shown = text(re.sub(r'<details class="acts".*?</details>', "", html, flags=re.DOTALL))
    for expected in (
        "Doe, John",
        "MADE-2 18 years MR 12 Feb 2012 t2_mprage_sag head-neck",
        "Explicit VR Little Endian",
        "(0018,0050) SliceThickness Slice Thickness DS 1",
        "(0040,0275) RequestAttributesSequence Request Attributes Sequence SQ 1 item structural Item 1 (0040,0007)",
        "(0008,0104) CodeMeaning Code Meaning LO Chest region 2 nested.CodeMeaning",
        "(0019,1002) ACME_1.0/é: x DS 902 private.ACME_1.0/é: x.0019xx02",
        "(0008,0090) ReferringPhysicianName Referring Physician's Name PN empty".replace("'", "&#39;"),
        "(0008,0016) SOPClassUID SOP Class UID UI 1.2.840.10008.5.1.4.1.1.4 MR Image Storage",
        "Receipt:",
    ):
        assert expected in shown


def test_a_header_is_filtered_on_the_server_where_there_are_no_scripts(web: FlaskClient) -> None:
    shown = text(page(web, f"/images/{uid(2)}?find=Chest region"))
    assert "1 element of" in shown
    assert "CodeMeaning" in shown
    assert "SliceThickness" not in shown


def test_pages_of_all_real_images_are_shown(web: FlaskClient, images: list[Indexed]) -> None:
    for image in images:
        html = page(web, f"/images/{image.id}")
        assert html.count("<details") == html.count("</details>")
        assert html.count("<table") == html.count("</table>")
