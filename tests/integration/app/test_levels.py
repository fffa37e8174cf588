"""Rows of series, studies and patients, against what plain Python makes of the same random documents."""

from collections.abc import Iterator
from functools import cmp_to_key
from typing import Any

import pytest

from app.archive import Answer, Archive, SearchRequest, positions
from app.search.levels import Level
from app.search.sorting import UnusableSortError
from tests.random_documents import SORTS, Filled, value_at

LEVELS = [Level.SERIES, Level.STUDY, Level.PATIENT]


def expected_rows(documents: list[dict[str, Any]], level: Level, sort: str) -> list[str]:
    """The keys of the rows in their order."""
    keys: list[tuple[tuple[str, ...], bool]] = [(("derived", "date"), True), (("derived", level.value), False)]
    if level is Level.SERIES:
        keys.insert(1, (("derived", "study"), False))
    if sort:
        wanted = [(SORTS[name.lstrip("-")], name.startswith("-")) for name in sort.split(",")]
        keys = [*wanted, *(key for key in keys if key[0] not in dict(wanted))]

    def place(document: dict[str, Any]) -> list[Any]:
        values = [(value_at(document, steps), down) for steps, down in keys]
        return [(max(found) if down else min(found)) if found else None for found, down in values]

    def compare(one: list[Any], other: list[Any]) -> int:
        for a, b, (_, down) in zip(one, other, keys, strict=True):
            if a == b:
                continue
            if a is None or b is None:
                return 1 if a is None else -1
            return (1 if a > b else -1) * (-1 if down else 1)
        return 0

    rows: list[str] = []
    for document in sorted(documents, key=cmp_to_key(lambda a, b: compare(place(a), place(b)))):
        row = document["derived"][level.value]
        if row not in rows:
            rows.append(row)
    return rows


def pages(archive: Archive, request: SearchRequest) -> Iterator[Answer]:
    after: str | None = ""
    while after is not None:
        answer = archive.search(
            SearchRequest(request.query, request.size, after, request.sort, ("Modality",), request.level)
        )
        yield answer
        after = answer.next


def test_every_row_comes_once_in_order_forwards_and_backwards(filled: Filled, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(positions, "_LARGE_STEP", filled.step)
    for level in LEVELS:
        for number, name in enumerate(["", *SORTS]):
            # Each level has half of the fields upwards, half of them downwards; the next level the other way round.
            sort = f"-{name}" if name and (number + LEVELS.index(level)) % 2 else name
            expected = expected_rows(filled.documents, level, sort)
            size = 7
            answers = list(pages(filled.archive, SearchRequest(size=size, sort=sort, level=level)))
            forwards = [[result.id for result in answer.results] for answer in answers]
            assert [row for page in forwards for row in page] == expected, (level, sort)
            assert all(len(page) == size for page in forwards[:-1])
            assert {(answer.total, answer.approximate) for answer in answers} == {(len(expected), False)}
            last = answers[-1]
            for page in reversed(forwards[:-1]):
                assert last.previous
                last = filled.archive.search(SearchRequest("", size, last.previous, sort, ("Modality",), level))
                assert [result.id for result in last.results] == page, (level, sort)
                assert last.next
            assert last.previous is None


@pytest.mark.parametrize("sort", ["-SliceThickness,derived.study,-derived.date", "derived.date,-derived.study"])
def test_rows_are_sorted_by_further_fields_that_every_image_has(filled: Filled, sort: str) -> None:
    for level in LEVELS:
        rows = [
            result.id
            for answer in pages(filled.archive, SearchRequest(size=7, sort=sort, level=level))
            for result in answer.results
        ]
        assert rows == expected_rows(filled.documents, level, sort)


def test_rows_are_not_sorted_by_a_second_field_that_an_image_may_lack(filled: Filled) -> None:
    with pytest.raises(UnusableSortError, match="not ImageType"):
        filled.archive.search(SearchRequest(sort="derived.date,ImageType", level=Level.STUDY))


def test_only_images_that_are_found_make_rows_and_say_where_these_stand(filled: Filled) -> None:
    found = [document for document in filled.documents if document["Modality"] == "CT"]
    for level in LEVELS:
        for sort in ("-SliceThickness", "ImageType", ""):
            answers = list(pages(filled.archive, SearchRequest("Modality:CT", 6, sort=sort, level=level)))
            rows = [result.id for answer in answers for result in answer.results]
            assert rows == expected_rows(found, level, sort)
            assert {answer.images for answer in answers} == {len(found)}
            assert all(result.fields == {"Modality": "CT"} for answer in answers for result in answer.results)


def test_a_row_tells_what_it_consists_of(filled: Filled) -> None:
    for level in LEVELS:
        answer = filled.archive.search(SearchRequest("Modality:CT", 100, level=level))
        for result in answer.results:
            inside = [document for document in filled.documents if document["derived"][level.value] == result.id]
            assert result.below is not None
            below = result.below
            assert below.found == sum(document["Modality"] == "CT" for document in inside)
            assert below.images == len(inside)
            assert below.series == len({document["derived"]["series"] for document in inside})
            assert below.studies == len({document["derived"]["study"] for document in inside})
            assert set(below.modalities) == {document["Modality"] for document in inside}
            dates = sorted(document["StudyDate"] for document in inside)
            assert (below.first_date, below.last_date) == (dates[0], dates[-1])


def test_where_time_runs_out_pages_are_short_but_nothing_is_lost(
    filled: Filled, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(positions, "_LARGE_STEP", 3)
    clock = iter(range(0, 10_000_000, 1_000))
    monkeypatch.setattr(positions.time, "monotonic", lambda: float(next(clock)))
    for sort in ("InstanceNumber", "-SliceThickness", ""):
        answers = list(pages(filled.archive, SearchRequest(size=8, sort=sort, level=Level.STUDY)))
        rows = [result.id for answer in answers for result in answer.results]
        assert rows == expected_rows(filled.documents, Level.STUDY, sort)


def test_filters_hold_at_every_level(filled: Filled) -> None:
    filters = ("Modality:=CT", "Modality:=MR", "-SeriesDescription:=Z", "SliceThickness:[0 TO 2]", "-SliceThickness:*")
    found = [
        document
        for document in filled.documents
        if document["Modality"] != "PT"
        and "Z" not in value_at(document, ("SeriesDescription",))
        and (min(value_at(document, ("SliceThickness",)), default=0) <= 2)
    ]
    for level in (Level.IMAGE, *LEVELS):
        answer = filled.archive.search(SearchRequest(size=1_000, level=level, filters=filters))
        key = "_id" if level is Level.IMAGE else level.value
        expected = {document[key] if key == "_id" else document["derived"][key] for document in found}
        assert {result.id for result in answer.results} == expected
        assert answer.total == len(expected)
