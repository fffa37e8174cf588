"""Each kind of field gets the query that Elasticsearch understands as it was meant."""

from typing import Any

import pytest

from app.search.compiler import Compiled, compile_query
from app.search.errors import QuerySyntaxError
from app.search.limits import QueryLimits

FUZZY = {"operator": "and", "max_expansions": 500}
DATE_FORMAT = "strict_date_optional_time"


def query(text: str) -> Any:
    return compile_query(text).query


def dates(path: str, start: str | None = None, end: str | None = None) -> Any:
    bounds = {"gte": start, "lt": end, "format": DATE_FORMAT}
    return {"range": {path: {name: bound for name, bound in bounds.items() if bound is not None}}}


def either(*clauses: Any) -> Any:
    return {"bool": {"should": list(clauses), "minimum_should_match": 1}}


def phrase(path: str, text: str) -> Any:
    return {"match_phrase": {path: {"query": text}}}


def keyword(path: str, text: str) -> Any:
    return {"term": {path: {"value": text, "case_insensitive": True}}}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", {"match_all": {}}),
        ("*", {"match_all": {}}),
        ("*:*", {"match_all": {}}),
        ("chest", phrase("text", "chest")),
        ("chest contrast", {"bool": {"filter": [phrase("text", "chest"), phrase("text", "contrast")]}}),
        ("chest AND chest", phrase("text", "chest")),
        ("chest OR contrast", either(phrase("text", "chest"), phrase("text", "contrast"))),
        ("NOT chest", {"bool": {"must_not": [phrase("text", "chest")]}}),
        ("+chest", phrase("text", "chest")),
        ('"chest ct"', phrase("text", "chest ct")),
        ('"chest ct"~2', {"match_phrase": {"text": {"query": "chest ct", "slop": 2}}}),
        ("t1_mprage", either(phrase("text", "t1_mprage"), phrase("text", "t1 mprage"))),
        ("Müller", either(phrase("text", "Müller"), phrase("text", "Muller"))),
        ("5.0", either(phrase("text", "5.0"), phrase("text", "5"))),
        ("Contr*", {"prefix": {"text": {"value": "contr"}}}),
        ("c?t*", {"wildcard": {"text": {"value": "c?t*"}}}),
        ("jon~", {"match": {"text": {"query": "jon", **FUZZY, "fuzziness": "AUTO"}}}),
        ("jon~2", {"match": {"text": {"query": "jon", **FUZZY, "fuzziness": "2"}}}),
        ("/T1.*/", {"regexp": {"text": {"value": "t1.*", "flags": "NONE"}}}),
    ],
)
def test_words_are_sought_anywhere_in_the_header(text: str, expected: Any) -> None:
    assert query(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Modality:ct", keyword("Modality", "ct")),
        ("Modality:(CT -MR)", {"bool": {"filter": [keyword("Modality", "CT"), query("-Modality:MR")]}}),
        ("Modality:c*", {"prefix": {"Modality": {"value": "c", "case_insensitive": True}}}),
        ("Modality:?t", {"wildcard": {"Modality": {"value": "?t", "case_insensitive": True}}}),
        ("file.path:*ü*", {"regexp": {"file.path": {"value": ".*[Üü].*", "flags": "NONE", "case_insensitive": True}}}),
        (
            "batch:Zürich",
            {"regexp": {"batch": {"value": "[Zz][Üü][Rr][Ii][Cc][Hh]", "flags": "NONE", "case_insensitive": True}}},
        ),
        (
            r"ImageType:ORIGINAL\AXIAL",
            {"bool": {"filter": [keyword("ImageType", "ORIGINAL"), keyword("ImageType", "AXIAL")]}},
        ),
        (
            r"PixelSpacing:0.5\0.7",
            {"bool": {"filter": [{"term": {"PixelSpacing": {"value": n}}} for n in (0.5, 0.7)]}},
        ),
        (r'SeriesDescription:"a\\b"', query("SeriesDescription:(a AND b)")),
        (r'ImageComments:"a\\b"', either(phrase("ImageComments", r"a\b"), phrase("folded.ImageComments", r"a\b"))),
        (r"file.path:C:\scans\a.dcm", keyword("file.path", r"C:\scans\a.dcm")),
        ("SOPInstanceUID:1.2.3", {"term": {"SOPInstanceUID": {"value": "1.2.3"}}}),
        ("SOPClassUID:CTImageStorage", {"term": {"SOPClassUID": {"value": "1.2.840.10008.5.1.4.1.1.2"}}}),
        ('SOPClassUID:"ct image storage"', {"term": {"SOPClassUID": {"value": "1.2.840.10008.5.1.4.1.1.2"}}}),
        ("Modality:[A TO M}", {"range": {"Modality": {"gte": "A", "lt": "M"}}}),
        ("Modality:/c[tr]/", {"regexp": {"Modality": {"value": "c[tr]", "flags": "NONE", "case_insensitive": True}}}),
        ("Modality:*", {"exists": {"field": "Modality"}}),
        ("Modality:[* TO *]", {"exists": {"field": "Modality"}}),
        ("NOT Modality:*", {"bool": {"must_not": [{"exists": {"field": "Modality"}}]}}),
        ("id:1.2.3", {"ids": {"values": ["1.2.3"]}}),
    ],
)
def test_keywords_are_matched_as_a_whole_in_any_case(text: str, expected: Any) -> None:
    assert query(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("SliceThickness:5", {"term": {"SliceThickness": {"value": 5.0}}}),
        ("SliceThickness:-2.5e1", {"term": {"SliceThickness": {"value": -25.0}}}),
        ("SliceThickness:<=1.25", {"range": {"SliceThickness": {"lte": 1.25}}}),
        ("SliceThickness:[1 TO 5}", {"range": {"SliceThickness": {"gte": 1, "lt": 5}}}),
        ("SliceThickness:{* TO 5]", {"range": {"SliceThickness": {"lte": 5}}}),
        ("RecommendedDisplayFrameRateInFloat:0.5", {"term": {"RecommendedDisplayFrameRateInFloat": {"value": 0.5}}}),
        (
            "RecommendedDisplayFrameRateInFloat:0.10000000149011612",
            either(
                *({"term": {"RecommendedDisplayFrameRateInFloat": {"value": n}}} for n in (0.10000000149011612, 0.1))
            ),
        ),
        ("SliceLocation:[-10 TO -2.5]", {"range": {"SliceLocation": {"gte": -10, "lte": -2.5}}}),
        ("SliceLocation:(-5 OR 5)", either(*(query(f"SliceLocation:{n}") for n in (-5, 5)))),
        ("Rows:512.0", {"term": {"Rows": {"value": 512}}}),
        ("Rows:512.5", {"match_none": {}}),
        ("Rows:>511.5", {"range": {"Rows": {"gte": 512}}}),
        ("Rows:>511", {"range": {"Rows": {"gte": 512}}}),
        ("Rows:<512", {"range": {"Rows": {"lte": 511}}}),
        ("Rows:{1 TO 2}", {"match_none": {}}),
        ("Rows:<99999999999999999999", {"range": {"Rows": {"lte": 2**63 - 1}}}),
        ("Rows:99999999999999999999", {"match_none": {}}),
    ],
)
def test_numbers_are_compared_as_numbers(text: str, expected: Any) -> None:
    assert query(text) == expected


@pytest.mark.parametrize(
    ("text", "start", "end"),
    [
        ("StudyDate:2004", "2004-01-01", "2005-01-01"),
        ("StudyDate:2004-02", "2004-02-01", "2004-03-01"),
        ("StudyDate:200412", "2004-12-01", "2005-01-01"),
        ("StudyDate:2004-02-29", "2004-02-29", "2004-03-01"),
        ("StudyDate:20040229", "2004-02-29", "2004-03-01"),
        ("StudyDate:2004.02.29", "2004-02-29", "2004-03-01"),
        ("StudyDate:2004/02/29", "2004-02-29", "2004-03-01"),
        ("StudyDate:2004-02*", "2004-02-01", "2004-03-01"),
        ("StudyDate:[2004-01 TO 2004-06]", "2004-01-01", "2004-07-01"),
        ("StudyDate:{2004 TO 2006}", "2005-01-01", "2006-01-01"),
        ("StudyDate:>2004", "2005-01-01", None),
        ("StudyDate:>=2004", "2004-01-01", None),
        ("StudyDate:<2004", None, "2004-01-01"),
        ("StudyDate:<=2004", None, "2005-01-01"),
        ("StudyDate:20040119-20040201", "2004-01-19", "2004-02-02"),
        ("StudyDate:20040119-", "2004-01-19", None),
        ("StudyDate:-20040201", None, "2004-02-02"),
        ("StudyDate:2003-2005", "2003-01-01", "2006-01-01"),
        ("StudyDate:today", "now/d", "now/d+1d"),
        ("StudyDate:>now-30d", "now-30d/d+1d", None),
        ("StudyDate:[now-1M/M TO now]", "now-1M/M", "now/d+1d"),
        ("StudyDate:9999-12-31", "9999-12-31", None),
        ("StudyDate:<=9999", None, None),
        ("AcquisitionDateTime:2004-01-19", "2004-01-19", "2004-01-20"),
        ("AcquisitionDateTime:2004-01-19T07", "2004-01-19T07:00:00.000", "2004-01-19T08:00:00.000"),
        ("AcquisitionDateTime:2004-01-19T07:27", "2004-01-19T07:27:00.000", "2004-01-19T07:28:00.000"),
        ('AcquisitionDateTime:"2004-01-19 07:27:30"', "2004-01-19T07:27:30.000", "2004-01-19T07:27:31.000"),
        ("AcquisitionDateTime:20040119072730.25", "2004-01-19T07:27:30.250", "2004-01-19T07:27:30.260"),
        (
            "AcquisitionDateTime:20040119072730+0100",
            "2004-01-19T07:27:30.000+0100",
            "2004-01-19T07:27:31.000+0100",
        ),
    ],
)
def test_a_date_is_a_stretch_of_time_and_ranges_are_half_open(text: str, start: str | None, end: str | None) -> None:
    path = text.partition(":")[0]
    assert query(text) == dates(path, start, end)


@pytest.mark.parametrize(
    ("text", "bounds"),
    [
        ("StudyTime:08", {"gte": "080000.000000", "lte": "085959.999999"}),
        ("StudyTime:08:30", {"gte": "083000.000000", "lte": "083059.999999"}),
        ("StudyTime:083000.5", {"gte": "083000.500000", "lte": "083000.599999"}),
        ("StudyTime:[0800 TO 1200]", {"gte": "080000.000000", "lte": "120059.999999"}),
        ("StudyTime:{0800 TO 1200}", {"gt": "080059.999999", "lt": "120000.000000"}),
        ("StudyTime:0800-1200", {"gte": "080000.000000", "lte": "120059.999999"}),
        ("StudyTime:-12", {"lte": "125959.999999"}),
        ("StudyTime:08*", {"gte": "080000.000000", "lte": "085959.999999"}),
    ],
)
def test_a_time_is_a_stretch_of_the_day(text: str, bounds: dict[str, str]) -> None:
    assert query(text) == {"range": {"StudyTime": bounds}}


@pytest.mark.parametrize(
    ("text", "low", "high"),
    [
        ("PatientAge:45", 45, 46),
        ("PatientAge:045Y", 45, 46),
        ("PatientAge:18M", 1.5, 19 / 12),
        ("PatientAge:<18", None, 18),
        ("PatientAge:<=18", None, 19),
        ("PatientAge:>18", 19, None),
        ("PatientAge:[10 TO 20]", 10, 21),
    ],
)
def test_an_age_lasts_until_the_next_birthday(text: str, low: float | None, high: float | None) -> None:
    has_age, years = query(text)["bool"]["filter"]
    assert has_age == {"exists": {"field": "PatientAge"}}
    bounds = years["range"]["derived.age_years"]
    assert bounds.get("gte") == (None if low is None else pytest.approx(low, abs=0.001))
    assert bounds.get("lt") == (None if high is None else pytest.approx(high, abs=0.001))


def test_other_ages_are_sought_by_their_codes() -> None:
    codes = query("nested.PatientAge:[1 TO 2}")["terms"]["nested.PatientAge"]
    assert "001Y" in codes
    assert "012M" in codes
    assert "023M" in codes
    assert not {"011M", "024M", "002Y"} & set(codes)


def test_all_words_of_a_name_have_to_come_from_one_name() -> None:
    words = [{"match": {"query": word, "ordered": True, "max_gaps": 0}} for word in ("john", "doe")]
    rule = {"all_of": {"intervals": words, "ordered": False, "max_gaps": 50}}
    expected = either({"intervals": {"PatientName": rule}}, {"intervals": {"folded.PatientName": rule}})
    for text in ('PatientName:"john doe"', "PatientName:john^doe", 'PatientName:"john, doe"'):
        assert query(text) == expected


def test_a_name_is_found_with_and_without_diacritics() -> None:
    rules = [next(iter(clause["intervals"].items())) for clause in query("PatientName:Müller")["bool"]["should"]]
    assert [(path, rule["match"]["query"]) for path, rule in rules] == [
        ("PatientName", "Müller"),
        ("PatientName", "Muller"),
        ("folded.PatientName", "Muller"),
    ]


def test_patterns_on_texts_look_at_words_and_at_whole_values() -> None:
    found = query("SeriesDescription:T1*")["bool"]["should"]
    assert found == [
        {"prefix": {"SeriesDescription": {"value": "t1"}}},
        {"prefix": {"folded.SeriesDescription": {"value": "t1"}}},
        {"prefix": {"SeriesDescription.keyword": {"value": "T1", "case_insensitive": True}}},
    ]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            "nested.CodeMeaning:chest",
            either(phrase("nested.CodeMeaning", "chest"), phrase("folded.nested.CodeMeaning", "chest")),
        ),
        ("nested.SliceThickness:>5", {"range": {"nested.SliceThickness": {"gt": 5}}}),
        ("RequestAttributesSequence:*", {"term": {"sequences": {"value": "RequestAttributesSequence"}}}),
        (
            "ContentSequence.ConceptCodeSequence:*",
            {"term": {"sequences": {"value": "ContentSequence.ConceptCodeSequence"}}},
        ),
        ("sequences:contentsequence", keyword("sequences", "ContentSequence")),
        ("creators:gems_acqu_01", keyword("creators", "gems_acqu_01")),
        ("empty:referringphysicianname", keyword("empty", "ReferringPhysicianName")),
        ("empty:(0008,0090)", keyword("empty", "ReferringPhysicianName")),
        ("empty:00080090", keyword("empty", "ReferringPhysicianName")),
        ("empty:ContentSequence.CodeValue", keyword("empty", "ContentSequence.CodeValue")),
        ("empty:private.GEMS.0019xx02", keyword("empty", "GEMS:0019xx02")),
        ("empty:nested.CodeValue", {"wildcard": {"empty": {"value": "*.CodeValue"}}}),
        ("empty:Ref*", {"prefix": {"empty": {"value": "Ref", "case_insensitive": True}}}),
        ("malformed.StudyDate:*", {"exists": {"field": "malformed.StudyDate"}}),
        ("malformed.StudyDate:2004-13-45", keyword("malformed.StudyDate", "2004-13-45")),
        ("private.GEMS_ACQU_01.0019xx02:*", {"exists": {"field": "private.GEMS_ACQU_01.0019xx02"}}),
        (
            "private.GEMS_ACQU_01.0019xx02:>900",
            {"range": {"private_num.GEMS_ACQU_01.0019xx02": {"gt": "C08C200000000000", "lte": "FFF0000000000000"}}},
        ),
        (
            "private.GEMS_ACQU_01.0019xx02:[a TO b]",
            {"range": {"private.GEMS_ACQU_01.0019xx02": {"gte": "a", "lte": "b"}}},
        ),
        (
            "ContentSequence.NumericValue:1",
            {"term": {"path_num.ContentSequence.NumericValue": {"value": "BFF0000000000000"}}},
        ),
        (
            "ContentSequence.Date:2004",
            {"range": {"path.ContentSequence.Date": {"gte": "2004-01-01", "lt": "2005-01-01"}}},
        ),
        (
            "ContentSequence.Date:>2004",
            {"range": {"path.ContentSequence.Date": {"gte": "2005-01-01", "lte": "\U0010ffff"}}},
        ),
        (
            "ContentSequence.Time:08",
            {"range": {"path.ContentSequence.Time": {"gte": "080000.000000", "lte": "085959.999999"}}},
        ),
        ("ContentSequence.ValueType:num", keyword("path.ContentSequence.ValueType", "num")),
    ],
)
def test_nested_private_and_own_fields_have_their_queries(text: str, expected: Any) -> None:
    assert query(text) == expected


def answered(text: str, *values: str) -> tuple[Compiled, Any]:
    first = compile_query(text)
    known = {lookup: list(values) for lookup in first.lookups}
    return first, compile_query(text, known=known).query


@pytest.mark.parametrize(
    ("text", "path", "expression"),
    [
        ("private.X.0019xx02:a*b", "private.X.0019xx02", "[Aa].*[Bb]"),
        ("private.X.0019xx02:/a.b/", "private.X.0019xx02", "a.b"),
        ("ContentSequence.TextValue:*ab", "path.ContentSequence.TextValue", ".*[Aa][Bb]"),
        ("ContentSequence.ValueType:ü", "path.ContentSequence.ValueType", "[Üü]"),
        ("ContentSequence.ValueType:a*b", "path.ContentSequence.ValueType", "[Aa].*[Bb]"),
    ],
)
def test_patterns_on_keyed_elements_are_looked_up_first(text: str, path: str, expression: str) -> None:
    first, final = answered(text, "AxB", "a-b")
    (lookup,) = first.lookups
    assert lookup.path == path
    assert lookup.expression.split("|")[0] == expression
    assert final == {"terms": {path: ["AxB", "a-b"]}}


def test_words_of_a_name_on_a_path_may_stand_in_any_order() -> None:
    first, _ = answered('ContentSequence.PersonName:"john doe"')
    (lookup,) = first.lookups
    assert lookup.expression.count("&") == 1


def test_a_query_tells_which_fields_it_names() -> None:
    fields = compile_query("modality:CT (00180050:5 OR nested.CodeMeaning:x) modality:MR").fields
    assert [field.name for field in fields] == ["Modality", "SliceThickness", "nested.CodeMeaning"]


@pytest.mark.parametrize(
    ("text", "message", "position", "length"),
    [
        ("x SliceThicknes:5", "There is no field “SliceThicknes”.", 2, 13),
        ("qqqqqqqq:5", "put it in quotes", 0, 8),
        ("Rows:abc", "Rows holds numbers; “abc” is none.", 5, 3),
        ("Rows:>abc", "Rows holds numbers; “abc” is none.", 5, 4),
        ("Rows:1*", "wildcards do not work on them", 5, 2),
        ("SliceThickness:1e999", "too large a number", 15, 5),
        ("StudyDate:2004-13", "no date of the calendar", 10, 7),
        ("StudyDate:20040230", "no date of the calendar", 10, 8),
        ("StudyDate:yesterdayish", "is no date", 10, 12),
        ("StudyDate:*04", "write a part of one", 10, 3),
        ("StudyDate:now-3q", "relative ones are written", 10, 6),
        ("StudyTime:2500", "is no time of day", 10, 4),
        ("StudyTime:*5", "write a part of one", 10, 2),
        ("PatientAge:old", "is no age", 11, 3),
        ("PatientAge:4*", "wildcards do not work on them", 11, 2),
        ("PixelData:*", "holds binary values", 10, 1),
        ("PixelData:5", "holds binary values", 10, 1),
        ("ContentSequence:5", "is a sequence: search for what is inside", 16, 1),
        (">5", "A range needs a field", 0, 2),
        ("[1 TO 5]", "A range needs a field", 0, 8),
        ("Modality:(Rows:5)", "inside another field's value", 10, 4),
        ("!?!", "has no letter or digit", 0, 3),
        ("&", "has no letter or digit", 0, 1),
        ("Rows:5~", "finds similar words in texts", 5, 2),
        ('Modality:"a b"~2', "in texts only", 9, 7),
        ("Rows:/5/", "A regular expression works on texts", 5, 3),
        ("/" + "a" * 501 + "/", "at most 500 characters", 0, 503),
        ("empty:SliceThicknes", "Did you mean SliceThickness", 6, 13),
        ("empty:[a TO b]", "has no ranges", 6, 8),
        ("id:1*", "An id has no wildcards", 3, 2),
        ("Rows:[1 TO 5*]", "An end of a range cannot have wildcards", 5, 9),
        ("ContentSequence.Date:now-1d", "nested.Date only", 21, 6),
        ("ContentSequence.NumericValue:x", "holds numbers", 29, 1),
        ("private.X.0019xx02:" + "a" * 300, "with := it is the whole value", 19, 300),
        ("ContentSequence.NumericValue:1*", "wildcards do not work", 29, 2),
        ("ContentSequence.NumericValue:[a TO b]", "an end of this range is none", 29, 8),
    ],
)
def test_an_error_names_the_place_and_the_cure(text: str, message: str, position: int, length: int) -> None:
    with pytest.raises(QuerySyntaxError) as caught:
        query(text)
    assert message in caught.value.detail
    assert (caught.value.position, caught.value.length) == (position, length)


def test_a_suggestion_corrects_the_whole_query() -> None:
    text = "chest (0018,0050):5 SliceThicknes:<5"
    with pytest.raises(QuerySyntaxError) as caught:
        query(text)
    assert caught.value.corrected(text)[0] == "chest (0018,0050):5 SliceThickness:<5"


def test_patterns_are_counted_and_leading_wildcards_can_be_forbidden() -> None:
    with pytest.raises(QuerySyntaxError, match="At most 2 words with wildcards"):
        compile_query("a* b* c*", QueryLimits(patterns=2))
    with pytest.raises(QuerySyntaxError, match="may not begin with a wildcard"):
        compile_query("x *a", QueryLimits(leading_wildcards=False))
    assert compile_query("Modality:*", QueryLimits(leading_wildcards=False)).query == {"exists": {"field": "Modality"}}
