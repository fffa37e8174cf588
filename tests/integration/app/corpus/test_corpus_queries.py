"""Queries over the whole corpus find what pydicom says they should; what is asked stands in the tables beside this."""

import pytest

from tests.corpus_archive import CorpusArchive, CorpusImage
from tests.corpus_oracle import Question, Seen
from tests.integration.app.corpus import cases_of_kinds, cases_of_places, cases_of_words
from tests.integration.app.corpus.conftest import Find, Judge

FOUND: list[tuple[str, Question]] = [
    *cases_of_words.ANYWHERE,
    *cases_of_words.COMBINED,
    *cases_of_words.TEXTS,
    *cases_of_kinds.CODES,
    *cases_of_kinds.NUMBERS,
    *cases_of_kinds.DATES,
    *cases_of_kinds.AGES,
    *cases_of_kinds.NAMES,
    *cases_of_places.INSIDE,
    *cases_of_places.PRIVATE,
    *cases_of_places.ABSENT,
    *cases_of_places.OWN,
    *cases_of_places.HOSTILE,
]
# pydicom reads these from files that are none, or from a header that does not reach its end.
NOT_DONE = {"no_meta.dcm": "ERROR", "rtplan_truncated.dcm": "ERROR"}


def names(seen: list[Seen], ids: set[str]) -> list[str]:
    return [f"{image.path.parent.name}/{image.path.name}" for image in seen if image.id in ids]


@pytest.mark.parametrize(("query", "question"), FOUND, ids=[query or "blank" for query, _ in FOUND])
def test_a_query_finds_exactly_what_pydicom_says(
    find: Find, judged: Judge, seen: list[Seen], query: str, question: Question
) -> None:
    expected, found = judged(question), find(query)
    assert expected, "the case shows nothing: no image fits"
    assert (names(seen, expected - found), names(seen, found - expected)) == ([], [])


@pytest.mark.parametrize(("query", "question"), cases_of_places.ZERO, ids=[query for query, _ in cases_of_places.ZERO])
def test_what_pydicom_does_not_see_is_not_found_and_no_error(
    find: Find, judged: Judge, query: str, question: Question
) -> None:
    assert judged(question) == set()
    assert find(query) == set()


def test_most_cases_tell_some_images_from_others(judged: Judge, seen: list[Seen]) -> None:
    sizes = [len(judged(question)) for _, question in FOUND]
    assert len(FOUND) >= 200
    assert sum(0 < size < len(seen) for size in sizes) > 0.95 * len(FOUND)
    assert sum(1 < size < len(seen) - 1 for size in sizes) > 0.75 * len(FOUND)


def test_each_file_of_the_corpus_ended_as_an_image_or_is_told(imported: CorpusArchive) -> None:
    for path, status in imported.statuses.items():
        expected = "IGNORED" if path.name.startswith("DICOMDIR") else NOT_DONE.get(path.name, "DONE")
        assert status == expected, path
    assert len(imported.statuses) > 600


def test_of_files_with_the_same_uid_one_is_in_the_archive(imported: CorpusArchive, seen: list[Seen]) -> None:
    assert [image.id for image in seen] == [image.identity for image in seen]
    shown = {image.path for image in imported.images}
    assert len(shown) == len(imported.images)
    others = [path for path, status in imported.statuses.items() if status == "DONE" and path not in shown]
    assert others
    assert {Seen(CorpusImage("", path, "")).identity for path in others} <= {image.id for image in imported.images}
