"""The committed saved objects, read as Kibana reads them: the strings that contain JSON are opened."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.conftest import REPOSITORY

FILE: Path = REPOSITORY / "kibana" / "dicomsearch.ndjson"
AUDIT: Path = REPOSITORY / "kibana" / "optional" / "dicom-audit.ndjson"
Json = dict[str, Any]

OBJECTS: list[Json] = [json.loads(line) for line in FILE.read_text(encoding="utf-8").splitlines()]


def of_type(kind: str) -> list[Json]:
    """All objects of one of Kibana's types."""
    return [one for one in OBJECTS if one["type"] == kind]


def the(kind: str, identity: str) -> Json:
    """One object."""
    [found] = [one for one in of_type(kind) if one["id"] == identity]
    return found


def opened(saved: Json, attribute: str) -> Any:
    """What an attribute contains."""
    return json.loads(saved["attributes"][attribute])


@dataclass(frozen=True)
class Layer:
    """A chart of the dashboard."""

    panel: str
    kind: str
    drawing: Json
    columns: dict[str, Json]
    filters: list[Json]
    query: Json

    @property
    def buckets(self) -> list[str]:
        return [name for name, column in self.columns.items() if column["isBucketed"]]

    @property
    def numbers(self) -> list[str]:
        return [name for name, column in self.columns.items() if not column["isBucketed"]]


def panels() -> list[Json]:
    """The panels of the dashboard."""
    [dashboard] = of_type("dashboard")
    found: list[Json] = opened(dashboard, "panelsJSON")
    return found


def layers() -> Iterator[Layer]:
    """The charts of the dashboard; each has one layer."""
    for panel in panels():
        if panel["type"] != "lens":
            continue
        attributes = panel["embeddableConfig"]["attributes"]
        state = attributes["state"]
        [layer] = state["datasourceStates"]["formBased"]["layers"].values()
        columns = {name: layer["columns"][name] for name in layer["columnOrder"]}
        assert columns.keys() == layer["columns"].keys()
        yield Layer(
            panel["panelIndex"],
            attributes["visualizationType"],
            state["visualization"],
            columns,
            state["filters"],
            state["query"],
        )


def layer_of(panel: str) -> Layer:
    """The chart of one panel."""
    [found] = [layer for layer in layers() if layer.panel == panel]
    return found


def search_source(search: Json) -> Json:
    """What a saved search looks for."""
    found: Json = json.loads(search["attributes"]["kibanaSavedObjectMeta"]["searchSourceJSON"])
    return found


def controls() -> dict[str, Json]:
    """The lists by which the dashboard is narrowed down."""
    [dashboard] = of_type("dashboard")
    found: dict[str, Json] = json.loads(dashboard["attributes"]["controlGroupInput"]["panelsJSON"])
    return found
