"""The index template: generated, committed, complete, and within the limits of Elasticsearch and Lucene."""

from collections.abc import Iterator
from typing import Any

import pytest

from indexer.flatten.collect import GROUPED, LISTED
from indexer.settings import Limits
from mappings import template
from mappings.__main__ import GENERATED, generated_text
from mappings.dictionary import Kind, attributes
from mappings.template import LONGEST_VALUE, index_template, template_hash

TEMPLATE = index_template("dicom-images", shards=3, replicas=1)
PROPERTIES: dict[str, Any] = TEMPLATE["template"]["mappings"]["properties"]
LUCENE_LONGEST_TERM = 32_766


def definitions(properties: dict[str, Any], prefix: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
    for name, definition in properties.items():
        yield prefix + name, definition
        yield from definitions(definition.get("properties", {}), f"{prefix}{name}.")
        yield from definitions(definition.get("fields", {}), f"{prefix}{name}.")


def test_the_committed_file_is_what_the_dictionary_gives() -> None:
    assert GENERATED.read_text() == generated_text(), "write it again: python -m mappings"


def test_the_committed_file_has_one_field_a_line() -> None:
    lines = GENERATED.read_text().splitlines()
    assert '    "SliceThickness": {"type": "double"},' in lines
    assert len(lines) > 9_000


@pytest.mark.parametrize(
    ("field", "kind"),
    [
        ("SliceThickness", "double"),
        ("Rows", "long"),
        ("StudyDate", "date"),
        ("AcquisitionDateTime", "date"),
        ("StudyTime", "keyword"),
        ("PatientAge", "keyword"),
        ("PatientName", "text"),
        ("PatientName.keyword", "keyword"),
        ("StudyInstanceUID", "keyword"),
        ("TransferSyntaxUID", "keyword"),
        ("OverlayRows", "long"),
        ("nested.CodeMeaning", "text"),
        ("nested.CodeMeaning.keyword", "keyword"),
        ("folded.PatientName", "text"),
        ("folded.nested.CodeMeaning", "text"),
        ("path", "flattened"),
        ("private", "flattened"),
        ("malformed", "flattened"),
        ("derived.age_years", "double"),
        ("receipt.malformed", "long"),
        ("receipt.cuts.why", "keyword"),
        ("file.path", "keyword"),
        ("text", "text"),
        ("@timestamp", "date"),
    ],
)
def test_a_field_has_the_type_of_its_vr(field: str, kind: str) -> None:
    assert dict(definitions(PROPERTIES))[field]["type"] == kind


def test_every_attribute_but_sequences_and_binary_has_a_field_at_top_level_and_nested() -> None:
    for keyword, attribute in attributes().items():
        has_field = attribute.kind not in {Kind.SEQUENCE, Kind.BINARY}
        assert (keyword in PROPERTIES) == has_field
        assert (keyword in PROPERTIES["nested"]["properties"]) == has_field


def test_nothing_is_dynamic_and_nothing_is_rejected_for_an_unknown_field() -> None:
    assert TEMPLATE["template"]["mappings"]["dynamic"] is False
    assert {d.get("dynamic", False) for _, d in definitions(PROPERTIES)} == {False}


def test_the_number_of_fields_is_within_the_limit_with_room() -> None:
    limit = TEMPLATE["template"]["settings"]["mapping.total_fields.limit"]
    assert len(list(definitions(PROPERTIES))) < limit * 0.6


def test_no_value_that_the_reader_lets_through_is_ignored_or_rejected() -> None:
    longest = Limits.model_json_schema()["properties"]["value_characters"]["maximum"]
    key = Limits.model_json_schema()["properties"]["key_characters"]["maximum"]
    assert longest < LONGEST_VALUE
    # A character of the basic plane has up to three bytes, any other four in two UTF-16 units.
    assert longest * 3 + key * 3 < LUCENE_LONGEST_TERM
    for name, definition in definitions(PROPERTIES):
        if definition["type"] in {"keyword", "flattened"} and name != "header" and not name.endswith(".keyword"):
            assert definition["ignore_above"] > longest, name


def test_the_header_is_stored_and_costs_nothing_else() -> None:
    assert PROPERTIES["header"] == {"type": "keyword", "index": False, "doc_values": False}


def test_every_field_that_the_flattener_has_of_its_own_is_in_the_mapping() -> None:
    assert {*GROUPED, *LISTED} <= PROPERTIES.keys()


def test_the_hash_tells_the_mapping_and_not_the_size_of_the_index() -> None:
    meta = TEMPLATE["template"]["mappings"]["_meta"]
    assert meta == index_template("other")["template"]["mappings"]["_meta"]
    assert meta["dicomsearch"]["hash"] == template_hash()


def test_a_change_of_the_mapping_changes_the_hash(monkeypatch: pytest.MonkeyPatch) -> None:
    before = template_hash()
    monkeypatch.setitem(template.TEXT_AND_KEYWORD, "norms", True)
    assert template_hash() != before


def test_an_index_is_sorted_by_level_and_searched_in_text_by_default() -> None:
    settings = TEMPLATE["template"]["settings"]
    assert settings["sort.field"] == ["derived.date", "derived.study", "derived.series"]
    assert settings["sort.order"] == ["desc", "asc", "asc"]
    assert settings["query.default_field"] == ["text"]
    assert settings["codec"] == "best_compression"
    assert (settings["number_of_shards"], settings["number_of_replicas"]) == (3, 1)
