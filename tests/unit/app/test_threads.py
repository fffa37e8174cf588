"""The parser serves many threads at once, though the one of luqum was made for a single one."""

import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from app.search.compiler import compile_query
from app.search.errors import QuerySyntaxError

QUERIES = ["a AND b OR c", "Modality:(CT OR MR) -x", "a AND", 'Rows:[1 TO 5] "x y"~2 jon~', "Modality:CT Rows:<5 " * 20]


@pytest.fixture
def eager_switching() -> Iterator[None]:
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(before)


def answer(query: str) -> str:
    try:
        return repr(compile_query(query).query)
    except QuerySyntaxError as error:
        return f"{error.position} {error.message}"


@pytest.mark.usefixtures("eager_switching")
def test_threads_do_not_mix_their_queries_up() -> None:
    expected = {query: answer(query) for query in QUERIES}
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(answer, QUERIES * 40))
    assert answers == [expected[query] for query in QUERIES] * 40
