"""What Kibana is given: written by its tables, in forms that Kibana 9.2 reads, and about fields that there are."""

import json
import re
from collections.abc import Iterator
from fnmatch import fnmatchcase
from typing import Any

import pytest

from kibana.__main__ import saved_objects
from kibana.saved_objects import ndjson
from mappings.audit import audit_template
from mappings.template import index_template
from tests.saved_objects import (
    AUDIT,
    FILE,
    OBJECTS,
    Json,
    Layer,
    controls,
    layers,
    of_type,
    opened,
    panels,
    search_source,
)

# What attributes of each type may be called, as Kibana's code says; it refuses others.
# src/platform/plugins/shared/{data_views,saved_search,dashboard}/server
ATTRIBUTES = {
    "index-pattern": {
        *("allowHidden", "allowNoIndex", "fieldAttrs", "fieldFormatMap", "fields", "name", "runtimeFieldMap"),
        *("sourceFilters", "timeFieldName", "title", "type", "typeMeta"),
    },
    "search": {
        *("breakdownField", "columns", "density", "description", "grid", "headerRowHeight", "hideAggregatedPreview"),
        *("hideChart", "hits", "isTextBasedQuery", "kibanaSavedObjectMeta", "refreshInterval", "rowHeight"),
        *("rowsPerPage", "sampleSize", "sort", "timeRange", "timeRestore", "title", "usesAdHocDataView", "version"),
        *("viewMode", "visContext"),
    },
    "dashboard": {
        *("controlGroupInput", "description", "hits", "kibanaSavedObjectMeta", "optionsJSON", "panelsJSON"),
        *("refreshInterval", "timeFrom", "timeRestore", "timeTo", "title", "version"),
    },
}
# Forms that Kibana 9.2 has itself; newer ones would be refused.
NEWEST = {"index-pattern": (8, 0, 0), "search": (10, 6, 0), "dashboard": (10, 3, 0)}
KINDS_OF_CHARTS = {"lnsMetric", "lnsPie", "lnsXY", "lnsDatatable"}
# For each operation of Lens: what the field of its column may be.
NUMBERS = {"long", "double"}
FIELDS_OF_OPERATION = {
    "terms": {"keyword"},
    "date_histogram": {"date"},
    "range": NUMBERS,
    "unique_count": {"keyword", "date", *NUMBERS},
    "sum": NUMBERS,
    "max": {"date", *NUMBERS},
}
META_FIELDS = {"_id"}
NO_QUERY = {"language": "kuery", "query": ""}


def types(properties: dict[str, Any], prefix: str = "") -> Iterator[tuple[str, str]]:
    for name, definition in properties.items():
        if "type" in definition and definition["type"] != "object":
            yield prefix + name, definition["type"]
        for inner in ("properties", "fields"):
            yield from types(definition.get(inner, {}), f"{prefix}{name}.")


def strings(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    for inner in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from strings(inner)


TYPES = dict(types(index_template("dicom-images")["template"]["mappings"]["properties"]))
LAYERS = list(layers())
SEARCHES = of_type("search")


def filters() -> list[Json]:
    """All filters, of searches and of charts."""
    of_searches = [one for search in SEARCHES for one in search_source(search)["filter"]]
    return of_searches + [one for layer in LAYERS for one in layer.filters]


def test_the_committed_files_are_what_the_tables_give() -> None:
    files = saved_objects()
    for file, objects in files.items():
        assert file.read_text(encoding="utf-8") == ndjson(objects), "write it again: python -m kibana"
    assert {file for file in files if file.parent == FILE.parent} == {FILE} == {*FILE.parent.glob("*.ndjson")}


def test_kibana_begins_at_the_dashboard_and_shows_times_as_they_are_stored() -> None:
    lines = (FILE.parent / "kibana.yml").read_text().splitlines()
    overrides = lines[lines.index("uiSettings.overrides:") + 1 :]
    [dashboard] = of_type("dashboard")
    assert f"  defaultRoute: /app/dashboards#/view/{dashboard['id']}" in overrides
    assert '  "dateFormat:tz": UTC' in overrides


def test_the_data_view_of_the_audit_log_speaks_of_fields_that_there_are() -> None:
    [view] = [json.loads(line) for line in AUDIT.read_text(encoding="utf-8").splitlines()]
    audited = dict(types(audit_template("dicom-audit")["template"]["mappings"]["properties"]))
    assert view["attributes"].keys() <= ATTRIBUTES[view["type"]]
    assert audited[view["attributes"]["timeFieldName"]] == "date"
    named_by_prefix = {name.partition(".")[0] for name in audited}
    assert opened(view, "fieldAttrs").keys() <= audited.keys() | named_by_prefix
    for one in opened(view, "sourceFilters"):
        assert any(fnmatchcase(name, one["value"]) for name in audited), one


def test_objects_are_written_as_an_export_writes_them() -> None:
    for saved in OBJECTS:
        assert [*saved] == sorted(saved), saved["id"]
        assert saved["coreMigrationVersion"] == "8.8.0"
        version = tuple(int(part) for part in saved["typeMigrationVersion"].split("."))
        assert version <= NEWEST[saved["type"]], saved["id"]
        assert saved["attributes"].keys() <= ATTRIBUTES[saved["type"]], saved["id"]
        assert saved["attributes"]["title"]
    identities = [(saved["type"], saved["id"]) for saved in OBJECTS]
    assert len(identities) == len(set(identities))


def test_each_reference_leads_to_an_object_of_the_file() -> None:
    there = {(saved["type"], saved["id"]) for saved in OBJECTS}
    for saved in OBJECTS:
        names = [reference["name"] for reference in saved["references"]]
        assert len(names) == len(set(names)), saved["id"]
        for reference in saved["references"]:
            assert (reference["type"], reference["id"]) in there, reference["name"]


@pytest.mark.parametrize("search", SEARCHES, ids=lambda search: search["id"])
def test_a_search_refers_to_its_data_view_by_names_that_there_are(search: Json) -> None:
    source = search_source(search)
    named = [source["indexRefName"], *(one["meta"]["indexRefName"] for one in source["filter"])]
    assert [reference["name"] for reference in search["references"]] == named


def test_the_dashboard_refers_to_what_its_panels_need_and_to_nothing_else() -> None:
    [dashboard] = of_type("dashboard")
    named = []
    for panel in panels():
        match panel["type"]:
            case "lens":
                attributes = panel["embeddableConfig"]["attributes"]
                inner = [reference["name"] for reference in attributes["references"]]
                [layer] = attributes["state"]["datasourceStates"]["formBased"]["layers"]
                indices = [one["meta"]["index"] for one in attributes["state"]["filters"]]
                assert inner == [f"indexpattern-datasource-layer-{layer}", *indices]
            case "search":
                inner = [panel["panelRefName"]]
            case _:
                inner = []
        named += [f"{panel['panelIndex']}:{name}" for name in inner]
    named += [f"controlGroup_{control}:optionsListDataView" for control in controls()]
    assert [reference["name"] for reference in dashboard["references"]] == named


def test_panels_fill_the_grid_without_lying_on_each_other() -> None:
    taken: set[tuple[int, int]] = set()
    for panel in panels():
        grid = panel["gridData"]
        assert grid["i"] == panel["panelIndex"]
        cells = {
            (column, row)
            for column in range(grid["x"], grid["x"] + grid["w"])
            for row in range(grid["y"], grid["y"] + grid["h"])
        }
        assert not cells & taken, panel["panelIndex"]
        taken |= cells
    rows = 1 + max(row for _column, row in taken)
    assert taken == {(column, row) for column in range(48) for row in range(rows)}


def test_the_note_leads_to_each_saved_search() -> None:
    [note] = [panel for panel in panels() if panel["type"] == "visualization"]
    text = note["embeddableConfig"]["savedVis"]["params"]["markdown"]
    assert sorted(re.findall(r"\(discover#/view/([a-z-]+)\)", text)) == sorted(search["id"] for search in SEARCHES)


def test_nothing_is_selected_by_a_query_of_kibana_s_own_language() -> None:
    """Filters contain what Elasticsearch is sent; a query would have to be understood as Kibana does, to be tested."""
    assert all(search_source(search)["query"] == NO_QUERY for search in SEARCHES)
    assert all(layer.query == NO_QUERY for layer in LAYERS)
    assert not [column for layer in LAYERS for column in layer.columns.values() if "filter" in column]


def meant(meta: Json) -> Json:
    """The query that a filter's label promises."""
    match meta["type"]:
        case "exists":
            return {"exists": {"field": meta["field"]}}
        case "phrase":
            return {"match_phrase": {meta["field"]: meta["params"]["query"]}}
        case "range":
            return {"range": {meta["field"]: meta["params"]}}
    raise AssertionError(meta["type"])


def test_filters_say_the_same_to_a_person_and_to_elasticsearch() -> None:
    assert filters()
    for one in filters():
        assert one["meta"]["key"] == one["meta"]["field"]
        assert one["meta"]["field"] in TYPES
        assert one["query"] == meant(one["meta"])


@pytest.mark.parametrize("search", SEARCHES, ids=lambda search: search["id"])
def test_a_search_shows_and_sorts_by_fields_that_there_are(search: Json) -> None:
    attributes = search["attributes"]
    assert [column for column in attributes["columns"] if column not in TYPES.keys() | META_FIELDS] == []
    assert TYPES[attributes["breakdownField"]] == "keyword"
    [[field, direction]] = attributes["sort"]
    assert TYPES[field] in {"date", *NUMBERS}
    assert direction == "desc"


def test_the_data_view_speaks_of_fields_that_there_are() -> None:
    [view] = of_type("index-pattern")
    named = {*opened(view, "fieldFormatMap"), *opened(view, "fieldAttrs")}
    objects = {".".join(name.split(".")[:length]) for name in TYPES for length in range(1, name.count(".") + 1)}
    assert named - META_FIELDS - TYPES.keys() - objects == set()
    assert TYPES[view["attributes"]["timeFieldName"]] == "date"
    for one in opened(view, "sourceFilters"):
        assert any(fnmatchcase(name, one["value"]) for name in TYPES), one


def test_the_data_view_formats_fields_by_their_type() -> None:
    [view] = of_type("index-pattern")
    of_format = {"url": {"keyword"}, "date": {"date"}, "bytes": {"long"}}
    for name, form in opened(view, "fieldFormatMap").items():
        assert name in META_FIELDS or TYPES[name] in of_format[form["id"]], name


def test_lists_offer_the_values_of_keywords() -> None:
    fields = [control["explicitInput"]["fieldName"] for control in controls().values()]
    assert {TYPES[field] for field in fields} == {"keyword"}


charts = pytest.mark.parametrize("layer", LAYERS, ids=lambda layer: layer.panel)


@charts
def test_the_columns_of_a_chart_calculate_what_their_fields_allow(layer: Layer) -> None:
    for name, column in layer.columns.items():
        if column["operationType"] == "count":
            assert column["sourceField"] == "___records___"
            continue
        assert TYPES[column["sourceField"]] in FIELDS_OF_OPERATION[column["operationType"]], name


@charts
def test_the_buckets_of_a_chart_come_first_and_are_ordered_by_one_of_its_numbers(layer: Layer) -> None:
    assert [*layer.columns] == layer.buckets + layer.numbers
    for name in layer.buckets:
        if layer.columns[name]["operationType"] == "terms":
            assert layer.columns[name]["params"]["orderBy"]["columnId"] in layer.numbers


@charts
def test_a_chart_draws_all_of_its_columns(layer: Layer) -> None:
    assert layer.kind in KINDS_OF_CHARTS
    assert set(strings(layer.drawing)) & layer.columns.keys() == layer.columns.keys()
