"""Series, studies and patients of the corpus are those whose images pydicom says a query finds."""

from collections import Counter

import pytest

from app.archive import Archive, SearchRequest
from app.search.levels import Level
from tests.corpus_oracle import Question, Seen
from tests.integration.app.corpus import cases_of_kinds, cases_of_places, cases_of_words
from tests.integration.app.corpus.conftest import UNJUDGED, Judge

KEYS = {Level.SERIES: "SeriesInstanceUID", Level.STUDY: "StudyInstanceUID", Level.PATIENT: "PatientID"}
# Other images have keys that are made for them.
WITH_KEYS = (*(f"{keyword}:*" for keyword in KEYS.values()), "-IssuerOfPatientID:*")

TABLES: list[list[tuple[str, Question]]] = [
    cases_of_words.ANYWHERE,
    cases_of_words.COMBINED,
    cases_of_words.TEXTS,
    cases_of_kinds.CODES,
    cases_of_kinds.NUMBERS,
    cases_of_kinds.DATES,
    cases_of_kinds.NAMES,
    cases_of_places.INSIDE,
    cases_of_places.PRIVATE,
    cases_of_places.ABSENT,
    cases_of_places.OWN,
]
CASES = [case for table in TABLES for case in table[::6]]


@pytest.mark.parametrize("level", list(KEYS), ids=str)
def test_rows_are_those_of_the_images_that_pydicom_says(
    archive: Archive, judged: Judge, seen: list[Seen], level: Level
) -> None:
    with_keys = {image.id: key_of(image, level) for image in seen if has_keys(image)}
    whole = Counter(with_keys.values())
    several = 0
    for query, question in CASES:
        expected = Counter(with_keys[image] for image in judged(question) if image in with_keys)
        request = SearchRequest(query, 1_000, level=level, filters=(*UNJUDGED, *WITH_KEYS))
        answer = archive.search(request)
        assert {row.id: row.below.found for row in answer.results if row.below} == expected, query
        assert (answer.total, answer.approximate) == (len(expected), False), query
        assert answer.images == expected.total(), query
        assert all(row.below.images >= whole[row.id] for row in answer.results if row.below), query
        several += len(expected) > 1
    assert len(CASES) > 30
    assert several > 0.6 * len(CASES)


def key_of(image: Seen, level: Level) -> str:
    return image.top(KEYS[level])[0]


def has_keys(image: Seen) -> bool:
    return all(image.top(keyword) for keyword in KEYS.values()) and not image.top("IssuerOfPatientID")
