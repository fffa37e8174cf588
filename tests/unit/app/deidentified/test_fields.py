"""Which fields may be named by those for whom what identifies is masked, in whatever way."""

import pytest

from app.deidentified import Profile, Sealer
from app.deidentified.fields import MaskedView
from app.search.compiler import compile_query
from app.search.dsl import Query
from app.search.errors import MaskedQueryError, QuerySyntaxError
from app.search.fields import resolve

SEALER = Sealer("0123456789abcdef0123456789abcdef")
OCCURRING = [
    resolve(n) for n in ("Modality", "Manufacturer", "Rows", "SliceThickness", "PatientName", "StudyDate", "batch")
]
VIEW = MaskedView(Profile(), SEALER, lambda: OCCURRING)


def query_of(text: str) -> Query:
    return compile_query(text, view=VIEW).query


@pytest.mark.parametrize(
    "query",
    [
        "PatientName:doe",
        "patientname:doe",
        "(0010,0010):doe",
        "00100010:doe",
        '"Patient\'s Name":doe',
        "PatientName:=doe",
        "PatientName:*",
        "NOT PatientName:*",
        "-PatientName:doe",
        "StudyDate:[2004 TO 2005]",
        "StudyDate:>2004",
        "PatientName:/d.*/",
        "PatientName:doe~",
        'PatientName:"john doe"~2',
        "Modality:CT OR (Rows:5 AND PatientID:1)",
        "nested.PatientID:1",
        "nested.CodeMeaning:chest",
        "RequestAttributesSequence.ScheduledProcedureStepID:1",
        "RequestAttributesSequence:*",
        "AnatomicRegionSequence.ContextUID.PatientID:1",
        "path.RequestAttributesSequence.CodeMeaning:1",
        "private.ACME.0019xx02:1",
        '"private.A: B.0019xx02":1',
        "other.00181234:1",
        "(0018,1234):1",
        "malformed:x",
        "malformed.SliceThickness:x",
        "empty:PatientName",
        "empty:(0010,0010)",
        "empty:=PatientName",
        "empty:*Name",
        "empty:/P.*/",
        'empty:"ACME:0019xx02"',
        "empty:Nothing",
        "sequences:ContentSequence",
        "creators:ACME",
        "batch:CASE",
        "file.path:x",
        "FILE.PATH:x",
        "file.size:>1",
        "duplicates.path:x",
        "@timestamp:2004",
        "derived.date:2004",
        "derived.age_years:>5",
        "derived.patient:doe",
        "derived.series:=1.2.3",
        "id:1.2.3",
        f"derived.series:={SEALER.seal('derived.study', '1.2.3')}",
    ],
)
def test_what_is_masked_cannot_be_named(query: str) -> None:
    with pytest.raises(MaskedQueryError) as refused:
        query_of(query)
    assert "doe" not in refused.value.detail.casefold()


@pytest.mark.parametrize("query", ["derived.series:deid*", "derived.series:[1 TO 2]", "derived.series:/1.*/", "id:1*"])
def test_sealed_ids_are_compared_as_a_whole_only(query: str) -> None:
    with pytest.raises(QuerySyntaxError):
        query_of(query)


@pytest.mark.parametrize(
    "query",
    [
        "Modality:CT",
        "(0018,0050):<=5",
        "AnatomicRegionSequence.CodeMeaning:=Chest",
        "AnatomicRegionSequence:*",
        'derived.sop_class:="CT Image Storage"',
        "empty:SliceThickness",
        "sequences:AnatomicRegionSequence",
        "receipt.elements:>5",
        "indexed_at:>2004",
        "*:*",
    ],
)
def test_what_is_harmless_is_asked_as_everybody_asks(query: str) -> None:
    assert query_of(query) == compile_query(query).query


def test_an_id_as_it_is_shown_finds_what_it_stands_for() -> None:
    assert query_of(f"derived.series:={SEALER.seal('derived.series', '1.2.3')}") == {
        "term": {"derived.series": {"value": "1.2.3"}}
    }
    assert query_of(f"id:{SEALER.seal('_id', '1.2.3')}") == {"ids": {"values": ["1.2.3"]}}


@pytest.mark.parametrize("query", ["doe", "doe*", '"john doe"', "doe~", "NOT doe", "text:doe", "*doe", "5", "doe 5"])
def test_words_are_sought_in_what_is_not_masked_alone(query: str) -> None:
    text = repr(query_of(query))
    assert "Manufacturer" in text
    assert not any(name in text for name in ("'text'", "PatientName", "StudyDate", "batch", "nested", "path"))


def test_a_number_is_sought_in_numbers_too() -> None:
    assert "'Rows'" in repr(query_of("512"))
    assert "'Rows'" not in repr(query_of("doe"))


def test_many_words_are_refused_with_the_cure() -> None:
    query_of(" ".join(f"word{n}" for n in range(20)))
    with pytest.raises(QuerySyntaxError, match="At most 20 words"):
        query_of(" ".join(f"word{n}" for n in range(21)))


def test_a_pattern_is_one_however_many_fields_it_is_sought_in() -> None:
    query_of(" ".join(f"w{n}*" for n in range(20)))


def test_an_attribute_that_is_kept_can_be_named_in_all_its_forms() -> None:
    view = MaskedView(Profile({"StudyDate", "PatientAge"}), SEALER, lambda: OCCURRING)
    for query in ("StudyDate:2004", "derived.date:2004", "derived.age_years:>5"):
        assert compile_query(query, view=view).query == compile_query(query).query
    with pytest.raises(MaskedQueryError):
        compile_query("@timestamp:2004", view=view)
