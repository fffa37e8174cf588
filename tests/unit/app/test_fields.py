"""A name in a query means one field, however it is spelled; one that means none gets suggestions."""

import pytest

from app.search.fields import Shape, UnknownFieldError, resolve
from mappings.dictionary import Kind


@pytest.mark.parametrize(
    ("name", "path", "kind"),
    [
        ("SliceThickness", "SliceThickness", Kind.DOUBLE),
        ("slicethickness", "SliceThickness", Kind.DOUBLE),
        ("00180050", "SliceThickness", Kind.DOUBLE),
        ("(0018,0050)", "SliceThickness", Kind.DOUBLE),
        ("0018,0050", "SliceThickness", Kind.DOUBLE),
        ("Slice Thickness", "SliceThickness", Kind.DOUBLE),
        ("Patient's Name", "PatientName", Kind.NAME),
        ("60020010", "OverlayRows", Kind.LONG),
        ("TransferSyntaxUID", "TransferSyntaxUID", Kind.KEYWORD),
        ("nested.codemeaning", "nested.CodeMeaning", Kind.TEXT),
        ("nested.00080104", "nested.CodeMeaning", Kind.TEXT),
        (
            "requestattributessequence.scheduledprocedurestepid",
            "path.RequestAttributesSequence.ScheduledProcedureStepID",
            Kind.TEXT,
        ),
        ("00400275.00400009", "path.RequestAttributesSequence.ScheduledProcedureStepID", Kind.TEXT),
        ("path.ContentSequence.NumericValue", "path.ContentSequence.NumericValue", Kind.DOUBLE),
        ("SIEMENS CSA:0029xx10.CodeValue", "path.SIEMENS CSA:0029xx10.CodeValue", Kind.TEXT),
        ("private.GEMS_ACQU_01.0019xx02", "private.GEMS_ACQU_01.0019xx02", Kind.TEXT),
        ("private.none.00110008", "private.none.00110008", Kind.TEXT),
        ("private.none.(0011,000a)", "private.none.0011000A", Kind.TEXT),
        ("private.A.B 1.0.0019XXab", "private.A.B 1.0.0019xxAB", Kind.TEXT),
        ("malformed.studydate", "malformed.StudyDate", Kind.KEYWORD),
        ("malformed.ContentSequence.Date", "malformed.ContentSequence.Date", Kind.KEYWORD),
        ("0018FFFE", "other.0018FFFE", Kind.TEXT),
        ("BATCH", "batch", Kind.KEYWORD),
        ("file.path", "file.path", Kind.KEYWORD),
        ("derived.age_years", "derived.age_years", Kind.DOUBLE),
        ("@timestamp", "@timestamp", Kind.DATETIME),
        ("id", "_id", Kind.KEYWORD),
    ],
)
def test_a_name_is_found_however_it_is_spelled(name: str, path: str, kind: Kind) -> None:
    field = resolve(name)
    assert (field.path, field.kind) == (path, kind)


@pytest.mark.parametrize(
    ("name", "suggestion"),
    [
        ("SliceThicknes", "SliceThickness"),
        ("PatientNam", "PatientName"),
        ("Modalty", "Modality"),
        ("slicethick", "SliceThickness"),
        ("nested.CodeMeanin", "nested.CodeMeaning"),
        ("RequestAttributeSequence.CodeMeaning", "RequestAttributesSequence.CodeMeaning"),
        ("RequestAttributesSequence.CodeMeanin", "RequestAttributesSequence.CodeMeaning"),
        ("private.GEMS.00191002", "private.GEMS.0019xx02"),
    ],
)
def test_a_wrong_name_gets_the_right_one_as_suggestion(name: str, suggestion: str) -> None:
    with pytest.raises(UnknownFieldError) as caught:
        resolve(name)
    assert suggestion in caught.value.suggestions


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("00191002", "is a private element: name it by its creator, as in private.CREATOR.0019xx02"),
        ("00190002", "name it by its creator, as in private.none.00190002"),
        ("private.GEMS", "written private.CREATOR.ggggxxee"),
        ("private.GEMS.foo", "written private.CREATOR.ggggxxee"),
        ("qqqqqq", "There is no field “qqqqqq”."),
        ("nested.qqqqqq", "no attribute that a sequence could contain"),
        ("", "There is no field"),
    ],
)
def test_names_that_mean_nothing_say_why(name: str, message: str) -> None:
    with pytest.raises(UnknownFieldError) as caught:
        resolve(name)
    assert message in caught.value.message


def test_texts_and_names_have_a_twin_for_exact_values_and_one_for_folded_words() -> None:
    name = resolve("PatientName")
    assert (name.exact, name.folded) == ("PatientName.keyword", "folded.PatientName")
    nested = resolve("nested.CodeMeaning")
    assert (nested.exact, nested.folded) == ("nested.CodeMeaning.keyword", "folded.nested.CodeMeaning")
    assert resolve("Modality").exact == "Modality"


def test_sequences_and_binary_elements_are_known_as_such() -> None:
    assert resolve("RequestAttributesSequence").kind is Kind.SEQUENCE
    assert resolve("nested.RequestAttributesSequence").path == "RequestAttributesSequence"
    assert resolve("ContentSequence.ConceptCodeSequence").path == "ContentSequence.ConceptCodeSequence"
    assert resolve("PixelData").kind is Kind.BINARY
    assert resolve("private.X.0019xx02").shape is Shape.KEYED
