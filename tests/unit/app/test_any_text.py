"""Whatever is typed is compiled or refused with a place; nothing else may happen."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.search.compiler import compile_query
from app.search.errors import QuerySyntaxError
from app.search.limits import QueryLimits

PIECES = st.sampled_from(
    (
        *"()[]{}:\"'\\/^~*?-+<>=&|!.,%;@# \t\n0159aZñ山",
        *("AND", "OR", "NOT", "TO", "&&", "||", ":*", "~1", "~0.5", "<=", ">=", "(0018,0050):", "now-30d", "2004-01"),
        *("Modality:", "StudyDate:", "StudyTime:", "PatientAge:", "PatientName:", "SliceThickness:", "Rows:", "text:"),
        *("nested.CodeMeaning:", "private.GEMS_ACQU_01.0019xx02:", '"GEMS_ACQU_01":(0019,xx02):', "empty:", "id:"),
        *("RequestAttributesSequence.ScheduledProcedureStepID:", "malformed.StudyDate:", "batch:", "file.path:"),
        *("PixelData:", "RequestAttributesSequence:", "CT", "1.25", "-5", "chest", "*:*", "ORIGINAL\\PRIMARY", "045Y"),
    )
)
TEXTS = st.one_of(
    st.text(max_size=60), st.lists(PIECES, max_size=12).map("".join), st.lists(PIECES, max_size=8).map(" ".join)
)


def check(query: str) -> None:
    refused: QuerySyntaxError | None = None
    try:
        compiled = compile_query(query)
    except QuerySyntaxError as error:
        refused = error
    if refused is None:
        json.dumps(compiled.query, allow_nan=False)
        return
    assert 0 <= refused.position <= len(query)
    assert refused.length >= 1
    assert refused.message
    assert len(refused.corrected(query)) == len(refused.suggestions)


@given(TEXTS)
@settings(max_examples=500, deadline=None)
def test_any_text_compiles_or_is_refused_with_its_place(query: str) -> None:
    check(query)


@pytest.mark.parametrize(
    "query",
    [
        "(" * 5_000,
        "(" * 5_000 + "a" + ")" * 5_000,
        "NOT " * 2_000 + "a",
        "-" * 5_000 + "a",
        "a " * 4_000,
        "a OR " * 1_500 + "a",
        "a:" * 3_000,
        '"' * 9_999,
        "\\" * 9_999,
        "/" * 9_999,
        "~" * 9_999,
        "x" * 100_000,
        "*" * 9_000,
        "?" * 9_000,
        "[" * 5_000,
        "Modality:(" * 500,
        "\ud800",
        "Modality:\x00",
    ],
)
def test_texts_meant_to_do_harm_are_answered_too(query: str) -> None:
    check(query)


def test_what_is_too_long_is_refused_before_it_is_read() -> None:
    with pytest.raises(QuerySyntaxError, match="at most 10 are allowed"):
        compile_query("a" * 11, QueryLimits(characters=10))
