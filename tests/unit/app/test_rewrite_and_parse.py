"""Queries as people type them become the trees that they mean; what cannot be read points to its place."""

import pytest

from app.search.errors import QuerySyntaxError
from app.search.limits import QueryLimits
from app.search.parse import parse

LIMITS = QueryLimits()


def tree(query: str) -> str:
    parsed, _ = parse(query, LIMITS)
    return repr(parsed).replace("\\\\", "\\").replace("\\", "")


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("chest contrast", "UnknownOperation(Word('chest'), Word('contrast'))"),
        ("a AND b OR c", "OrOperation(AndOperation(Word('a'), Word('b')), Word('c'))"),
        ("a && b || c", "OrOperation(AndOperation(Word('a'), Word('b')), Word('c'))"),
        ("a -b NOT c", "UnknownOperation(Word('a'), Prohibit(Word('b')), Not(Word('c')))"),
        ("Modality:(CT OR MR)", "SearchField('Modality', FieldGroup(OrOperation(Word('CT'), Word('MR'))))"),
        ("Modality: CT", "SearchField('Modality', Word('CT'))"),
        ("(0018,0050):[0 TO 1]", "SearchField('00180050', Range(Word('0'), Word('1')))"),
        ("( 0018 , 0050 ):5", "SearchField('00180050', Word('5'))"),
        ("(0040,0275).(0040,0009):5", "SearchField('00400275.00400009', Word('5'))"),
        ("nested.(0008,0104):x", "SearchField('nested.00080104', Word('x'))"),
        ("(0040,0275) .x", "UnknownOperation(Group(Word('0040,0275')), Word('.x'))"),
        ("GEMS_ACQU_01:(0019,xx02):912", "SearchField('private.GEMS_ACQU_01.0019xx02', Word('912'))"),
        ('"GEMS ACQU":(0019,xx02):>9', "SearchField('private.GEMS ACQU.0019xx02', From(Word('9')))"),
        ('private."A B".0019xx02:5', "SearchField('private.A B.0019xx02', Word('5'))"),
        ('"Slice Thickness":5', "SearchField('Slice Thickness', Word('5'))"),
        ("PatientName:Doe^John", "SearchField('PatientName', Word('Doe^John'))"),
        ("PatientName:O'Neil", "SearchField('PatientName', Word(\"O'Neil\"))"),
        ("StudyTime:08:30", "SearchField('StudyTime', Word('08:30'))"),
        ("StudyTime:[08:00 TO 12:00}", "SearchField('StudyTime', Range(Word('08:00'), Word('12:00')))"),
        ("SliceLocation:-5", "SearchField('SliceLocation', Word('-5'))"),
        ("SliceLocation:>-5", "SearchField('SliceLocation', From(Word('-5')))"),
        ("file.path:/data/export/*", "SearchField('file.path', Word('/data/export/*'))"),
        ("StationName:/ct[0-9]+/ x", "UnknownOperation(SearchField('StationName', Regex('/ct[0-9]+/')), Word('x'))"),
        ("jon~ jon~1", "UnknownOperation(Fuzzy(Word('jon'), 0.5), Fuzzy(Word('jon'), 1))"),
        ('"a b"~3', "Proximity(Phrase('\"a b\"'), 3)"),
        ("a~b", "Word('a~b')"),
        ("TO", "Word('TO')"),
        ('"AND"', "Phrase('\"AND\"')"),
        ("ANDROID", "Word('ANDROID')"),
        ("", "None"),
        ("  \n ", "None"),
    ],
)
def test_a_query_is_read_as_it_is_meant(query: str, expected: str) -> None:
    assert tree(query) == expected


@pytest.mark.parametrize(
    ("query", "message", "position"),
    [
        ("(a", "This parenthesis is never closed.", 0),
        ("a (b (c)", "This parenthesis is never closed.", 2),
        ("a)", "No parenthesis is open here.", 1),
        ("a ()", "There is nothing between these parentheses.", 2),
        ('a "b', "This quotation mark is never closed.", 2),
        ("Rows:[1 2]", "A range is written", 8),
        ("Rows:[1 TO", "A range is written", 5),
        ("Rows:[1 TO 2 TO 3]", "A range is written", 13),
        ("Rows:[1 TO (]", "A range is written", 11),
        ("Rows:]", "No range is open here.", 5),
        ("Modality:", "A value is missing here.", 9),
        ("(Modality:)", "A value is missing here.", 10),
        (":CT", "A colon needs the name of a field before it", 0),
        ('"":CT', "The name of a field is missing here.", 0),
        ("Modality:(0018,0050):5", "A field cannot stand where the value", 9),
        ("a AND", "something is missing after AND", 5),
        ("a OR", "something is missing after OR", 4),
        ("NOT", "something is missing after NOT", 3),
        ("a AND OR b", "“OR” cannot stand here.", 6),
        ("AND a", "“AND” cannot stand here.", 0),
        ("PatientName:Doe^John AND AND x", "“AND” cannot stand here.", 25),
        ("ab\0c", "This is no character", 2),
    ],
)
def test_what_cannot_be_read_points_to_its_place(query: str, message: str, position: int) -> None:
    with pytest.raises(QuerySyntaxError) as caught:
        parse(query, LIMITS)
    assert message in caught.value.message
    assert caught.value.position == position


@pytest.mark.parametrize(
    ("query", "limits", "message"),
    [
        ("a b c", QueryLimits(clauses=2), "At most 2 words"),
        ("((a))", QueryLimits(depth=1), "at most 1 deep"),
        ("a" * 20, QueryLimits(characters=19), "20 characters long; at most 19"),
        ("NOT NOT NOT NOT a", QueryLimits(depth=1), "nested too deeply"),
    ],
)
def test_queries_that_cost_too_much_are_refused(query: str, limits: QueryLimits, message: str) -> None:
    with pytest.raises(QuerySyntaxError) as caught:
        parse(query, limits)
    assert message in caught.value.message
