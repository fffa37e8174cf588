"""The dashboard: what an archive consists of, where it comes from, and what is wrong with it."""

from collections.abc import Iterator
from dataclasses import dataclass

from kibana.data_view import TIME_FIELD, to_data_view
from kibana.filters import at_least
from kibana.lens import Chart, bars, count, distinct, figure, latest, months, ring, spans, stacks, table, top, total
from kibana.saved_objects import (
    DASHBOARD_TYPE,
    NO_QUERY,
    SEARCH_TYPE,
    TIME_FROM,
    TIME_TO,
    Json,
    Reference,
    SavedObject,
    embedded,
)

DASHBOARD_ID = "dicom-archive"
WIDTH = 48  # of Kibana's grid

# Fields by which the whole dashboard can be narrowed down, and what their lists are called.
CONTROLS = {
    "Modality": "Modality",
    "Manufacturer.keyword": "Manufacturer",
    "StationName.keyword": "Station",
    "BodyPartExamined": "Body part",
    "batch": "Batch",
}

# Where to go from here; addresses are relative to the dashboard's own, `…/app/dashboards`.
NOTE = """\
Images of the last 40 years, by the time at which they were made. Those with an
[improbable date](discover#/view/dicom-improbable-dates) are left out. Lists:
[malformed values](discover#/view/dicom-malformed) ·
[no study date](discover#/view/dicom-without-study-date) ·
[conflicting duplicates](discover#/view/dicom-conflicting-duplicates) ·
[departures from the standard](discover#/view/dicom-departing-from-the-standard) ·
[headers that were cut](discover#/view/dicom-cut-headers) ·
[largest files](discover#/view/dicom-largest-files) ·
[private elements](discover#/view/dicom-private-creators)
"""


@dataclass(frozen=True, slots=True)
class Note:
    """A text in Markdown."""

    text: str


@dataclass(frozen=True, slots=True)
class SavedSearch:
    """A saved search, by its identity."""

    id: str


@dataclass(frozen=True, slots=True)
class Panel:
    """One field of the dashboard.

    Attributes
    ----------
    id
        Its name inside the dashboard.
    title
        Above it; blank where what is shown says it itself.
    width
        In columns of the grid.
    shows
        What it shows.
    """

    id: str
    title: str
    width: int
    shows: Chart | Note | SavedSearch


@dataclass(frozen=True, slots=True)
class Row:
    """Panels beside each other, all of one height (in rows of the grid, of 20 pixels)."""

    height: int
    panels: tuple[Panel, ...]


def _studies() -> Json:
    return distinct("derived.study", "Studies")


def _by_images(field: str, label: str, size: int = 10) -> Json:
    return top(field, label, size, by="number")


ROWS = (
    Row(4, (Panel("note", "", 48, Note(NOTE)),)),
    Row(
        6,
        (
            Panel("images", "", 8, figure(count())),
            Panel("series", "", 8, figure(distinct("derived.series", "Series"))),
            Panel("studies", "", 8, figure(_studies())),
            Panel("patients", "", 8, figure(distinct("derived.patient", "Patients"))),
            Panel("batch-count", "", 8, figure(distinct("batch", "Batches"))),
            Panel("size", "", 8, figure(total("file.size", "Size of the files", in_bytes=True))),
        ),
    ),
    Row(
        13,
        (
            Panel(
                "images-over-time",
                "Images over time",
                48,
                stacks(_by_images("Modality", "Modality"), months(TIME_FIELD, "Month"), count()),
            ),
        ),
    ),
    Row(
        15,
        (
            Panel("modalities", "Modalities", 16, ring(_by_images("Modality", "Modality"), count())),
            Panel("body-parts", "Body parts", 16, bars(_by_images("BodyPartExamined", "Body part", 15), count())),
            Panel("sop-classes", "SOP classes", 16, bars(_by_images("derived.sop_class", "SOP class", 15), count())),
        ),
    ),
    Row(
        15,
        (
            Panel(
                "manufacturers",
                "Manufacturers and models",
                24,
                table(
                    {
                        "manufacturer": top("Manufacturer.keyword", "Manufacturer", 20, by="images"),
                        "model": top("ManufacturerModelName.keyword", "Model", 10, by="images"),
                        "images": count(),
                        "studies": _studies(),
                    }
                ),
            ),
            Panel(
                "stations",
                "Studies per station",
                24,
                bars(top("StationName.keyword", "Station", 20, by="number"), _studies()),
            ),
        ),
    ),
    Row(
        15,
        (
            Panel(
                "slice-thickness",
                "Slice thickness in millimetres",
                16,
                bars(
                    spans("SliceThickness", "Slice thickness (mm)", (0, 0.5, 1, 1.5, 2, 3, 4, 5, 6, 10)),
                    count(),
                    lying=False,
                ),
            ),
            Panel(
                "ages",
                "Ages of patients in years",
                16,
                bars(
                    spans("derived.age_years", "Age (years)", (0, 1, *range(10, 100, 10))),
                    distinct("derived.patient", "Patients"),
                    lying=False,
                ),
            ),
            Panel(
                "transfer-syntaxes",
                "Transfer syntaxes",
                16,
                bars(_by_images("derived.transfer_syntax", "Transfer syntax"), count()),
            ),
        ),
    ),
    Row(
        15,
        (
            Panel(
                "malformed",
                "Malformed values: where they come from",
                24,
                table(
                    {
                        "manufacturer": top("Manufacturer.keyword", "Manufacturer", 20, by="values"),
                        "model": top("ManufacturerModelName.keyword", "Model", 10, by="values"),
                        "values": total("receipt.malformed", "Malformed values"),
                        "images": count(),
                        "studies": _studies(),
                    },
                    at_least("receipt.malformed", 1),
                ),
            ),
            Panel(
                "creators",
                "Private creators",
                24,
                table(
                    {
                        "creator": top("creators", "Private creator", 100, by="images", rest=False),
                        "images": count(),
                        "studies": _studies(),
                    }
                ),
            ),
        ),
    ),
    Row(
        15,
        (
            Panel(
                "batches",
                "Batches",
                48,
                table(
                    {
                        "batch": top("batch", "Batch", 100, by="indexed", rest=False),
                        "images": count(),
                        "studies": _studies(),
                        "patients": distinct("derived.patient", "Patients"),
                        "size": total("file.size", "Size", in_bytes=True),
                        "values": total("receipt.malformed", "Malformed values"),
                        "indexed": latest("indexed_at", "Last indexed"),
                    }
                ),
            ),
        ),
    ),
    Row(18, (Panel("malformed-images", "Images with malformed values", 48, SavedSearch("dicom-malformed")),)),
)


def dashboard() -> SavedObject:
    """Make the dashboard."""
    placed = list(_placed())
    attributes: Json = {
        "controlGroupInput": _controls(),
        "description": "What the archive consists of, where it comes from, and what is wrong with it.",
        "kibanaSavedObjectMeta": {"searchSourceJSON": embedded({"query": NO_QUERY, "filter": []})},
        "optionsJSON": embedded(
            {
                "hidePanelTitles": False,
                "syncColors": True,
                "syncCursor": True,
                "syncTooltips": False,
                "useMargins": True,
            }
        ),
        "panelsJSON": embedded([_written(panel, grid) for panel, grid in placed]),
        "refreshInterval": {"pause": True, "value": 60_000},
        "timeFrom": TIME_FROM,
        "timeRestore": True,
        "timeTo": TIME_TO,
        "title": "DICOM archive",
        "version": 1,
    }
    references = [reference for panel, _grid in placed for reference in _references(panel)]
    references += [to_data_view(f"controlGroup_{_control_id(field)}:optionsListDataView") for field in CONTROLS]
    return SavedObject(DASHBOARD_TYPE, DASHBOARD_ID, attributes, tuple(references))


def _placed() -> Iterator[tuple[Panel, Json]]:
    """Tell where on the grid each panel is: rows below each other, panels from left to right."""
    top_edge = 0
    for row in ROWS:
        left = 0
        for panel in row.panels:
            yield panel, {"h": row.height, "i": panel.id, "w": panel.width, "x": left, "y": top_edge}
            left += panel.width
        top_edge += row.height


def _written(panel: Panel, grid: Json) -> Json:
    common = {"gridData": grid, "panelIndex": panel.id, "title": panel.title}
    config: Json = {"enhancements": {}, "hidePanelTitles": not panel.title}
    match panel.shows:
        case Chart() as chart:
            return {**common, "embeddableConfig": {**config, "attributes": chart.written()}, "type": "lens"}
        case Note(text):
            return {**common, "embeddableConfig": {**config, "savedVis": _markdown(text)}, "type": "visualization"}
        case SavedSearch():
            return {**common, "embeddableConfig": config, "panelRefName": f"panel_{panel.id}", "type": SEARCH_TYPE}


def _references(panel: Panel) -> list[Reference]:
    match panel.shows:
        case Chart() as chart:
            return [Reference(f"{panel.id}:{one.name}", one.type, one.id) for one in chart.references()]
        case Note():
            return []
        case SavedSearch(found):
            return [Reference(f"{panel.id}:panel_{panel.id}", SEARCH_TYPE, found)]


def _markdown(text: str) -> Json:
    return {
        "data": {"aggs": [], "searchSource": {"filter": [], "query": NO_QUERY}},
        "description": "",
        "id": "",
        "params": {"fontSize": 12, "markdown": text, "openLinksInNewTab": False},
        "title": "",
        "type": "markdown",
        "uiState": {},
    }


def _controls() -> Json:
    panels = {
        _control_id(field): {
            "explicitInput": {
                "enhancements": {},
                "fieldName": field,
                "id": _control_id(field),
                "searchTechnique": "prefix",
                "selectedOptions": [],
                "sort": {"by": "_count", "direction": "desc"},
                "title": title,
            },
            "grow": True,
            "order": order,
            "type": "optionsListControl",
            "width": "medium",
        }
        for order, (field, title) in enumerate(CONTROLS.items())
    }
    nothing_ignored = dict.fromkeys(("ignoreFilters", "ignoreQuery", "ignoreTimerange", "ignoreValidations"), False)
    return {
        "chainingSystem": "HIERARCHICAL",
        "controlStyle": "oneLine",
        "ignoreParentSettingsJSON": embedded(nothing_ignored),
        "panelsJSON": embedded(panels),
        "showApplySelections": False,
    }


def _control_id(field: str) -> str:
    return f"by-{CONTROLS[field].lower().replace(' ', '-')}"
