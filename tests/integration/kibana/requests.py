"""The requests that Kibana makes of its saved objects, as its code makes them of charts and searches.

Buckets lie inside one another in the order of the columns, the numbers are taken in each of them, and groups are
ordered by one of them (src/platform/plugins/shared/data/common/search/aggs, x-pack/platform/plugins/shared/lens).
"""

from collections.abc import Iterator
from typing import Any

from elasticsearch import Elasticsearch

from kibana.data_view import TIME_FIELD
from kibana.saved_objects import TIME_FROM, TIME_TO
from tests.saved_objects import Json, Layer

Row = dict[str, Any]
MISSING = "__missing__"
OTHER = "__other__"


def query_of(filters: list[Json], start: str = TIME_FROM, end: str = TIME_TO) -> Json:
    """What filters and a time range select."""
    wanted = [one["query"] for one in filters if not one["meta"]["negate"]]
    unwanted = [one["query"] for one in filters if one["meta"]["negate"]]
    time = {"range": {TIME_FIELD: {"gte": start, "lte": end, "format": "strict_date_optional_time"}}}
    return {"bool": {"filter": [time, *wanted], "must_not": unwanted}}


def rows(client: Elasticsearch, index: str, layer: Layer) -> list[Row]:
    """What a chart shows: a row for each innermost bucket, a value for each column."""
    query = query_of(layer.filters)
    answer = client.search(index=index, size=0, query=query, aggs=_aggregations(layer, layer.buckets))
    total = answer["hits"]["total"]["value"]
    found = list(_rows(layer, layer.buckets, {**answer.get("aggregations", {}), "doc_count": total}, {}))
    if len(layer.buckets) == 1 and layer.columns[layer.buckets[0]].get("params", {}).get("otherBucket"):
        found += _others(client, index, layer, query, found)
    return found


def _aggregations(layer: Layer, buckets: list[str]) -> Json:
    numbers = {name: made for name in layer.numbers if (made := _number(layer.columns[name]))}
    if not buckets:
        return numbers
    name, *inner = buckets
    return {**numbers, name: {**_bucket(layer, layer.columns[name]), "aggs": _aggregations(layer, inner)}}


def _number(column: Json) -> Json | None:
    operations = {"unique_count": "cardinality", "sum": "sum", "max": "max"}
    operation = operations.get(column["operationType"])
    return {operation: {"field": column["sourceField"]}} if operation else None


def _bucket(layer: Layer, column: Json) -> Json:
    field, params = column["sourceField"], column["params"]
    match column["operationType"]:
        case "terms":
            by = params["orderBy"]["columnId"]
            order = "_count" if layer.columns[by]["operationType"] == "count" else by
            missing = {"missing": MISSING} if params["missingBucket"] and params["otherBucket"] else {}
            few = {"shard_size": 25} if params["size"] <= 10 else {}
            direction = params["orderDirection"]
            return {"terms": {"field": field, "size": params["size"], "order": {order: direction}, **missing, **few}}
        case "date_histogram":
            return {
                "date_histogram": {
                    "field": field,
                    "calendar_interval": params["interval"],
                    "min_doc_count": 0 if params["includeEmptyRows"] else 1,
                    "time_zone": "UTC",
                }
            }
        case "range":
            ranges = [{key: one[key] for key in ("from", "to") if one[key] is not None} for one in params["ranges"]]
            return {"range": {"field": field, "ranges": ranges, "keyed": True}}
    raise AssertionError(column["operationType"])


def _rows(layer: Layer, buckets: list[str], found: Json, outer: Row) -> Iterator[Row]:
    if not buckets:
        yield {**outer, **_values(layer, found)}
        return
    name, *inner = buckets
    of_name = found[name]["buckets"]
    if isinstance(of_name, dict):
        labels = [one["label"] for one in layer.columns[name]["params"]["ranges"]]
        keyed = zip(labels, of_name.values(), strict=True)
    else:
        keyed = ((bucket.get("key_as_string", bucket["key"]), bucket) for bucket in of_name)
    for key, bucket in keyed:
        yield from _rows(layer, inner, bucket, {**outer, name: key})


def _values(layer: Layer, found: Json) -> Row:
    counts = {"count": found["doc_count"]}
    return {
        name: counts.get(layer.columns[name]["operationType"], found.get(name, {}).get("value"))
        for name in layer.numbers
    }


def _others(client: Elasticsearch, index: str, layer: Layer, query: Json, found: list[Row]) -> list[Row]:
    """Ask, as Kibana does in a second request, for what has none of the values that are shown."""
    [name] = layer.buckets
    field = layer.columns[name]["sourceField"]
    shown = [row[name] for row in found]
    has_value = [{"exists": {"field": field}}] if MISSING in shown else []
    none = {"bool": {"filter": has_value, "must_not": [{"match_phrase": {field: value}} for value in shown]}}
    aggs = {"other": {"filters": {"filters": {OTHER: none}}, "aggs": _aggregations(layer, [])}}
    answer = client.search(index=index, size=0, query=query, aggs=aggs)
    bucket = answer["aggregations"]["other"]["buckets"][OTHER]
    return [{name: OTHER, **_values(layer, bucket)}] if bucket["doc_count"] else []
