"""The index template: the DICOM dictionary as one static Elasticsearch mapping, and the settings of the index.

Nothing is dynamic. A field that is not in here is kept in the source and not indexed, so that no document is ever
rejected because of an earlier one; a test shows that the flattener writes no such field. The generated template is
committed as `mappings/generated/dicom-images.json`, for people to read; `python -m mappings` writes it again.
"""

import hashlib
import json
from collections.abc import Iterable, Mapping
from typing import Any

from mappings.dictionary import Attribute, Kind, attributes

# Longer texts are still found by their words; only sorting, facets and exact matches stop here.
KEYWORD_OF_TEXT = 1_024
# In UTF-16 units, as Elasticsearch counts. The reader cuts values below this (`Limits.value_characters`), and three
# bytes for each unit stay below the 32,766 bytes at which Lucene rejects a term and with it the document.
LONGEST_VALUE = 8_191
POSITION_GAP = 100

Definition = dict[str, Any]

KEYWORD: Definition = {"type": "keyword", "ignore_above": LONGEST_VALUE}
TEXT: Definition = {"type": "text", "norms": False, "position_increment_gap": POSITION_GAP}
TEXT_AND_KEYWORD: Definition = {
    **TEXT,
    "fields": {"keyword": {"type": "keyword", "ignore_above": KEYWORD_OF_TEXT}},
}
FLATTENED: Definition = {"type": "flattened", "ignore_above": LONGEST_VALUE, "depth_limit": 3}
STORED_ONLY: Definition = {"type": "keyword", "index": False, "doc_values": False}
DATE: Definition = {"type": "date"}
LONG: Definition = {"type": "long"}
DOUBLE: Definition = {"type": "double"}

DEFINITION_OF_KIND: Mapping[Kind, Definition] = {
    Kind.TEXT: TEXT_AND_KEYWORD,
    Kind.NAME: TEXT_AND_KEYWORD,
    Kind.KEYWORD: KEYWORD,
    Kind.LONG: LONG,
    Kind.DOUBLE: DOUBLE,
    Kind.DATE: DATE,
    Kind.DATETIME: DATE,
    Kind.TIME: KEYWORD,
    Kind.AGE: KEYWORD,
}
FOLDED_KINDS = frozenset({Kind.TEXT, Kind.NAME})

# Raised whenever the flattener writes documents of the same headers differently, so that indices of before are known as
# older and can be migrated.
DOCUMENT_FORM = 2

RECEIPT_COUNTS = ("elements", "indexed", "empty", "binary", "malformed", "truncated", "structural")


def index_template(index: str, *, shards: int = 1, replicas: int = 0) -> dict[str, Any]:
    """Generate the composable index template of the indices behind an alias.

    Parameters
    ----------
    index
        The alias for reading; its indices are called `<index>-NNNNNN`.
    shards, replicas
        Of a newly created index.

    Returns
    -------
    dict
        The body of `PUT _index_template/<index>`.
    """
    mappings = _mappings()
    mappings["_meta"] = {"dicomsearch": {"hash": template_hash()}}
    return {
        "index_patterns": [f"{index}-*"],
        # A write to a missing alias must fail, not create an index of that name.
        "allow_auto_create": False,
        "priority": 500,
        "template": {"settings": {**_settings(), **_size(shards, replicas)}, "mappings": mappings},
    }


def template_hash() -> str:
    """Fingerprint what decides how documents are indexed: an index with another one is older (or newer) than the code.

    The numbers of shards and replicas are no part of it: they may differ without harm.
    """
    decides = {"settings": _settings(), "mappings": _mappings(), "documents": DOCUMENT_FORM}
    body = json.dumps(decides, sort_keys=True)
    return hashlib.sha256(body.encode()).hexdigest()[:16]


def _size(shards: int, replicas: int) -> dict[str, Any]:
    return {"number_of_shards": shards, "number_of_replicas": replicas}


def _settings() -> dict[str, Any]:
    return {
        "codec": "best_compression",
        # Roll-ups to studies and series stop early in an index that is sorted as they are.
        "sort.field": ["derived.date", "derived.study", "derived.series"],
        "sort.order": ["desc", "asc", "asc"],
        "query.default_field": ["text"],
        "mapping.total_fields.limit": 20_000,
        # The flattener checks every value itself. Should it be wrong once, the value is lost to search and not the
        # image; the tests look for `_ignored`.
        "mapping.ignore_malformed": True,
    }


def _mappings() -> dict[str, Any]:
    return {"dynamic": False, "date_detection": False, "numeric_detection": False, "properties": _properties()}


def _properties() -> dict[str, Definition]:
    indexed = sorted((a for a in attributes().values() if a.kind in DEFINITION_OF_KIND), key=lambda a: a.keyword)
    fields = _typed(indexed)
    folded = {a.keyword: TEXT for a in indexed if a.kind in FOLDED_KINDS}
    own: dict[str, Definition] = {
        "@timestamp": DATE,
        "nested": _object(fields),
        "path": FLATTENED,
        "path_num": FLATTENED,
        "private": FLATTENED,
        "private_num": FLATTENED,
        "other": FLATTENED,
        "empty": KEYWORD,
        "malformed": FLATTENED,
        "sequences": KEYWORD,
        "creators": KEYWORD,
        "folded": _object({**folded, "nested": _object(folded)}),
        "text": TEXT,
        "derived": _object(
            {
                **dict.fromkeys(("patient", "study", "series"), KEYWORD),
                "date": DATE,
                **dict.fromkeys(("sop_class", "transfer_syntax"), KEYWORD),
                "age_years": DOUBLE,
            }
        ),
        "header": STORED_ONLY,
        "receipt": _object(
            {
                **dict.fromkeys(RECEIPT_COUNTS, LONG),
                **dict.fromkeys(("forgiven", "unread"), KEYWORD),
                "cuts": _object({"path": KEYWORD, "why": KEYWORD}),
            }
        ),
        "batch": KEYWORD,
        "file": _object({"path": KEYWORD, "name": KEYWORD, "size": LONG, "mtime": DATE, "header_sha256": KEYWORD}),
        "duplicates": _object({"batch": KEYWORD, "path": KEYWORD, "header_sha256": KEYWORD, "conflict": KEYWORD}),
        "indexed_at": DATE,
    }
    clash = own.keys() & fields.keys()
    if clash:
        raise ValueError(f"fields of our own hide attributes of the dictionary: {sorted(clash)}")
    return {**own, **fields}


def _typed(indexed: Iterable[Attribute]) -> dict[str, Definition]:
    return {attribute.keyword: DEFINITION_OF_KIND[attribute.kind] for attribute in indexed}


def _object(properties: dict[str, Definition]) -> Definition:
    return {"type": "object", "dynamic": False, "properties": properties}


def readable(value: Any, indent: int = 0) -> str:
    """Write JSON for people: one field a line, objects opened only where they hold objects of objects."""
    flat = json.dumps(value)
    if not isinstance(value, dict) or len(flat) + indent <= 110 or _is_field(value):
        return flat
    pad = " " * (indent + 1)
    lines = (f"{pad}{json.dumps(key)}: {readable(inner, indent + 1)}" for key, inner in value.items())
    return "{\n" + ",\n".join(lines) + "\n" + " " * indent + "}"


def _is_field(value: dict[str, Any]) -> bool:
    return isinstance(value.get("type"), str) and "properties" not in value
