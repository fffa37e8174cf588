"""The documentation of the query language is true: each of its examples can be run."""

import re
from pathlib import Path

import pytest

from app.search.compiler import compile_query
from app.web.search import EXAMPLES

DOCUMENT = Path(__file__).resolve().parents[3] / "docs" / "search.md"


def examples() -> list[str]:
    rows = re.findall(r"^\| `(.+?)` \|", DOCUMENT.read_text("utf-8"), re.MULTILINE)
    return [row.replace(r"\|", "|") for row in rows]


def test_there_are_examples() -> None:
    assert len(examples()) > 60


@pytest.mark.parametrize("query", [*examples(), *(query for query, _ in EXAMPLES)])
def test_an_example_can_be_run(query: str) -> None:
    assert compile_query(query).query
