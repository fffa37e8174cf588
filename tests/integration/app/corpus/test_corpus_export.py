"""Exports of the corpus have the images that pydicom says; one whose point in time is lost is no whole file."""

import csv
import io
import json

import pytest
from elasticsearch import Elasticsearch

from app.archive import Archive, ArchiveUnavailableError, SearchRequest
from app.export import ExportRequest, Format, open_export
from app.search.levels import Level
from indexer.settings import Settings
from tests.corpus_oracle import Question
from tests.integration.app.corpus import cases_of_kinds, cases_of_places, cases_of_words
from tests.integration.app.corpus.conftest import UNJUDGED, Judge

CASES: list[tuple[str, Question]] = [
    cases_of_words.COMBINED[0],
    cases_of_kinds.NUMBERS[3],
    cases_of_places.PRIVATE[0],
    cases_of_places.ABSENT[1],
    cases_of_places.ZERO[0],
]


@pytest.mark.parametrize(("query", "question"), CASES, ids=[query for query, _ in CASES])
def test_an_export_has_exactly_the_images_that_pydicom_says(
    archive: Archive, judged: Judge, query: str, question: Question
) -> None:
    request = ExportRequest(SearchRequest(query, fields=("id",), filters=UNJUDGED), Format.NDJSON)
    with open_export(archive, request) as export:
        ids = [json.loads(line)["id"] for line in b"".join(export).splitlines()]
    assert sorted(ids) == sorted(judged(question))


@pytest.mark.parametrize("level", [Level.IMAGE, Level.STUDY], ids=str)
@pytest.mark.parametrize("form", list(Format), ids=str)
def test_an_export_that_loses_its_point_in_time_says_so_in_the_file(
    archive: Archive, corpus_settings: Settings, form: Format, level: Level
) -> None:
    written: list[bytes] = []
    with open_export(archive, ExportRequest(SearchRequest(fields=("id",), level=level), form)) as export:
        written += [next(export), next(export)]
        with Elasticsearch(corpus_settings.elasticsearch_url) as client:
            assert client.close_point_in_time(id=export._reading._point._id)["succeeded"]
        with pytest.raises(ArchiveUnavailableError, match=r"let go of the point in time .* Begin again"):
            written.extend(export)
    text = b"".join(written).decode()
    assert 0 < export.rows < export.total
    match form:
        case Format.CSV:
            assert f"INCOMPLETE: stopped after {export.rows:,} of {export.total:,} rows" in text
            with pytest.raises(csv.Error):
                list(csv.reader(io.StringIO(text, newline=""), strict=True))
        case Format.NDJSON:
            assert "let go of the point in time" in json.loads(text.splitlines()[-1])["error"]
        case Format.JSON:
            with pytest.raises(json.JSONDecodeError):
                json.loads(text)
        case Format.PATHS:
            assert len(text.splitlines()) == export.rows
