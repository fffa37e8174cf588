"""Links from Kibana to the application, for each place that Kibana may have under the same host name."""

from urllib.parse import quote, urljoin, urlsplit

import pytest
from flask.testing import FlaskClient

from app import create_app
from app.search.levels import Level
from app.web.formats import plural
from app.web.search import WORDS
from tests.integration.kibana.conftest import Imported
from tests.saved_objects import Json, of_type, opened

ORIGIN = "https://archive.example"
BASES = ("/kibana", "/kibana/s/research", "")
FORMATS: dict[str, Json] = {
    name: form["params"]
    for view in of_type("index-pattern")
    for name, form in opened(view, "fieldFormatMap").items()
    if form["id"] == "url"
}
# What the results of the search are that a value leads to.
LEVELS = {"derived.patient": Level.STUDY, "derived.study": Level.SERIES, "derived.series": Level.IMAGE}


def address(value: str, template: str, base: str) -> str:
    """Where a browser goes: src/platform/plugins/shared/field_formats/common/converters/url.ts."""
    url = template.replace("{{value}}", quote(value, safe="!'()*-._~"))
    if url.startswith(("http://", "https://", "mailto:")):
        return url
    if url.startswith("#"):
        return f"{ORIGIN}{base}/app/discover{url}"
    if url.startswith(base or "/"):
        return f"{ORIGIN}{url}"
    return urljoin(f"{ORIGIN}{base}/app/", url.removeprefix("/"))


def page(web: FlaskClient, url: str) -> str:
    """What a browser is shown."""
    parts = urlsplit(url)
    assert f"{parts.scheme}://{parts.netloc}" == ORIGIN
    answer = web.get(f"{parts.path}?{parts.query}")
    assert answer.status_code == 200, parts.path
    return answer.text


@pytest.fixture(scope="session")
def web(imported: Imported) -> FlaskClient:
    """The application over the same archive."""
    return create_app(imported.settings).test_client()


def test_every_link_has_a_test() -> None:
    assert FORMATS.keys() == {"_id", "batch", *LEVELS}
    assert {form["labelTemplate"] for form in FORMATS.values()} == {"{{value}}"}


@pytest.mark.parametrize("base", BASES, ids=lambda base: base or "at the root")
def test_an_image_and_its_batch_lead_to_their_pages(base: str, imported: Imported, web: FlaskClient) -> None:
    for image in imported.images[::40]:
        shown = page(web, address(image.id, FORMATS["_id"]["urlTemplate"], base))
        assert image.path.name in shown
    for batch in {image.batch for image in imported.images}:
        assert f">{batch}</h1>" in page(web, address(batch, FORMATS["batch"]["urlTemplate"], base))


@pytest.mark.parametrize("base", BASES, ids=lambda base: base or "at the root")
@pytest.mark.parametrize("field", LEVELS)
def test_a_patient_a_study_and_a_series_lead_to_what_they_consist_of(
    field: str, base: str, imported: Imported, web: FlaskClient
) -> None:
    level = LEVELS[field]
    inner = {} if level is Level.IMAGE else {"results": {"cardinality": {"field": level.key}}}
    aggs = {"values": {"terms": {"field": field, "size": 5}, "aggs": inner}}
    found = imported.services.elasticsearch.search(index=imported.settings.index, size=0, aggs=aggs)
    for bucket in found["aggregations"]["values"]["buckets"]:
        results = bucket["results"]["value"] if inner else bucket["doc_count"]
        shown = page(web, address(bucket["key"], FORMATS[field]["urlTemplate"], base))
        assert f"<strong>{plural(results, *WORDS[level])}</strong>" in shown
