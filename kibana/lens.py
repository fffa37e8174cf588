"""Charts as Kibana's Lens stores them: columns of one layer, and what is drawn of them.

A column is a bucket (images grouped by values, months or spans) or a number of each bucket. Operations and parameters
are those that exports of Kibana 8 and 9 contain.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from kibana.data_view import to_data_view
from kibana.filters import Filter
from kibana.saved_objects import NO_QUERY, Json, Reference

LAYER = "layer"
_RECORDS = "___records___"  # Lens' name for documents themselves
_TO_LAYER = f"indexpattern-datasource-layer-{LAYER}"


@dataclass(frozen=True, slots=True)
class Chart:
    """What a panel of the dashboard shows.

    Attributes
    ----------
    kind
        Lens' name of the way it is drawn.
    columns
        By their names; buckets first, the outer before the inner.
    drawing
        Which column is drawn as what.
    filters
        That all have to be fulfilled.
    """

    kind: str
    columns: Mapping[str, Json]
    drawing: Json
    filters: tuple[Filter, ...] = ()

    def references(self) -> tuple[Reference, ...]:
        """Name what it needs: the data view, for the layer and for each filter."""
        return (to_data_view(_TO_LAYER), *(to_data_view(name) for name in self._filter_names()))

    def written(self) -> Json:
        """Write it as Lens does where the chart belongs to one dashboard."""
        layer = {
            "columnOrder": list(self.columns),
            "columns": dict(self.columns),
            "incompleteColumns": {},
            "sampling": 1,
        }
        filters = [one.written({"index": name}) for one, name in zip(self.filters, self._filter_names(), strict=True)]
        return {
            "description": "",
            "references": [reference.written() for reference in self.references()],
            "state": {
                "adHocDataViews": {},
                "datasourceStates": {
                    "formBased": {"layers": {LAYER: layer}},
                    "indexpattern": {"layers": {}},
                    "textBased": {"layers": {}},
                },
                "filters": filters,
                "internalReferences": [],
                "query": NO_QUERY,
                "visualization": self.drawing,
            },
            "title": "",
            "type": "lens",
            "visualizationType": self.kind,
        }

    def _filter_names(self) -> list[str]:
        return [f"filter-index-pattern-{at}" for at in range(len(self.filters))]


# Numbers


def count(label: str = "Images") -> Json:
    """Count images."""
    return _number("count", _RECORDS, label)


def distinct(field: str, label: str) -> Json:
    """Count distinct values: exact up to 3,000, nearly so above."""
    return _number("unique_count", field, label)


def total(field: str, label: str, *, in_bytes: bool = False) -> Json:
    """Add up values."""
    column = _number("sum", field, label)
    if in_bytes:
        column["params"]["format"] = {"id": "bytes", "params": {"decimals": 1}}
    return column


def latest(field: str, label: str) -> Json:
    """Take the latest date."""
    return {**_number("max", field, label), "dataType": "date"}


def _number(operation: str, field: str, label: str) -> Json:
    return {
        "customLabel": True,
        "dataType": "number",
        "isBucketed": False,
        "label": label,
        "operationType": operation,
        "params": {"emptyAsNull": False},
        "scale": "ratio",
        "sourceField": field,
    }


# Buckets


def top(field: str, label: str, size: int, by: str, *, rest: bool = True) -> Json:
    """Group images by their most frequent values.

    Parameters
    ----------
    field
        A keyword.
    label
        What the column is called.
    size
        How many values.
    by
        The name of the column whose highest numbers are taken.
    rest
        Whether all other images are shown as well: those with other values, and those without one.
    """
    return {
        "customLabel": True,
        "dataType": "string",
        "isBucketed": True,
        "label": label,
        "operationType": "terms",
        "params": {
            "exclude": [],
            "excludeIsRegex": False,
            "include": [],
            "includeIsRegex": False,
            "missingBucket": rest,
            "orderBy": {"columnId": by, "type": "column"},
            "orderDirection": "desc",
            "otherBucket": rest,
            "parentFormat": {"id": "terms"},
            "size": size,
        },
        "scale": "ordinal",
        "sourceField": field,
    }


def months(field: str, label: str) -> Json:
    """Group images by months; not by what Kibana finds best, which fails in some versions for more than 50 years."""
    return {
        "customLabel": True,
        "dataType": "date",
        "isBucketed": True,
        "label": label,
        "operationType": "date_histogram",
        "params": {"dropPartials": False, "includeEmptyRows": True, "interval": "1M"},
        "scale": "interval",
        "sourceField": field,
    }


def spans(field: str, label: str, edges: Sequence[float]) -> Json:
    """Group images by spans of a number, each without its end; the last has none.

    Not by equal steps, as a histogram has them: one wrong value, a thickness of a metre, would spoil all of them.
    """
    ranges: list[Json] = [
        {"from": start, "label": f"{start:g} to {end:g}", "to": end} for start, end in pairwise(edges)
    ]
    ranges.append({"from": edges[-1], "label": f"{edges[-1]:g} and more", "to": None})
    return {
        "customLabel": True,
        "dataType": "string",
        "isBucketed": True,
        "label": label,
        "operationType": "range",
        "params": {
            "maxBars": "auto",
            "parentFormat": {"id": "range", "params": {"replaceInfinity": True, "template": "arrow_right"}},
            "ranges": ranges,
            "type": "range",
        },
        "scale": "ordinal",
        "sourceField": field,
    }


# Drawings


def figure(number: Json) -> Chart:
    """One large number."""
    drawing = {"layerId": LAYER, "layerType": "data", "metricAccessor": "number", "showBar": False}
    return Chart("lnsMetric", {"number": number}, drawing)


def ring(group: Json, number: Json) -> Chart:
    """Shares of a whole; the group is ordered by the column `number`."""
    layer = {
        "categoryDisplay": "default",
        "layerId": LAYER,
        "layerType": "data",
        "legendDisplay": "default",
        "metrics": ["number"],
        "nestedLegend": False,
        "numberDisplay": "percent",
        "primaryGroups": ["group"],
    }
    return Chart("lnsPie", {"group": group, "number": number}, {"layers": [layer], "shape": "donut"})


def bars(group: Json, number: Json, *, lying: bool = True) -> Chart:
    """A bar for each group; lying bars have room for long names. The group may be ordered by the column `number`."""
    kind = "bar_horizontal" if lying else "bar"
    return Chart("lnsXY", {"group": group, "number": number}, _bars(kind, {"xAccessor": "group"}))


def stacks(split: Json, group: Json, number: Json) -> Chart:
    """A bar for each group, split by colours."""
    columns = {"split": split, "group": group, "number": number}
    return Chart("lnsXY", columns, _bars("bar_stacked", {"splitAccessor": "split", "xAccessor": "group"}))


def _bars(kind: str, accessors: Json) -> Json:
    layer = {
        "accessors": ["number"],
        "layerId": LAYER,
        "layerType": "data",
        "position": "top",
        "seriesType": kind,
        "showGridlines": False,
        **accessors,
    }
    each_axis = {"x": True, "yLeft": True, "yRight": True}
    return {
        "axisTitlesVisibilitySettings": {"x": False, "yLeft": True, "yRight": True},
        "fittingFunction": "None",
        "gridlinesVisibilitySettings": each_axis,
        "labelsOrientation": {"x": 0, "yLeft": 0, "yRight": 0},
        "layers": [layer],
        "legend": {"isVisible": "splitAccessor" in accessors, "position": "right"},
        "preferredSeriesType": kind,
        "tickLabelsVisibilitySettings": each_axis,
        "valueLabels": "hide",
    }


def table(columns: Mapping[str, Json], *filters: Filter) -> Chart:
    """A table with these columns, in this order."""
    drawing = {
        "columns": [{"columnId": name, "isTransposed": False} for name in columns],
        "layerId": LAYER,
        "layerType": "data",
        "paging": {"enabled": True, "size": 10},
    }
    return Chart("lnsDatatable", columns, drawing, filters)
