"""The index template of the audit log: one index a month behind an alias, for messages of DICOM PS3.15 §A.5."""

from typing import Any

from elasticsearch import BadRequestError, Elasticsearch

from mappings.template import DATE, KEYWORD, LONG, TEXT, Definition

_SEARCHED: Definition = {**KEYWORD, "copy_to": "text"}
_CODES: Definition = {
    "properties": {"csd-code": KEYWORD, "codeSystemName": KEYWORD, "originalText": _SEARCHED},
}


def audit_template(index: str, *, replicas: int = 0) -> dict[str, Any]:
    """Make the composable index template of the audit log.

    Parameters
    ----------
    index
        The alias for reading; its indices are called `<index>-YYYY-MM`.
    """
    return {
        "index_patterns": [f"{index}-*"],
        # An index that was deleted must not come back with the mapping of a guess.
        "allow_auto_create": False,
        "priority": 500,
        "template": {
            "aliases": {index: {}},
            "settings": {
                "number_of_shards": 1,
                "number_of_replicas": replicas,
                "codec": "best_compression",
                "sort.field": ["entry"],
                "sort.order": ["desc"],
                "query.default_field": ["text"],
                # An event with a value that does not fit is still an event.
                "mapping.ignore_malformed": True,
            },
            "mappings": {"dynamic": False, "date_detection": False, "properties": _properties()},
        },
    }


def ensure_month(client: Elasticsearch, index: str, month: str, *, replicas: int = 0) -> str:
    """Create the index of a month where it is missing; answer its name.

    Parameters
    ----------
    month
        `2026-11`.
    """
    name = f"{index}-{month}"
    if client.indices.exists(index=name):
        return name
    client.indices.put_index_template(name=index, **audit_template(index, replicas=replicas))
    try:
        client.indices.create(index=name)
    except BadRequestError as error:
        if error.error != "resource_already_exists_exception":
            raise
    return name


def months(client: Elasticsearch, index: str) -> list[str]:
    """The months that have an index, the oldest first."""
    found = client.indices.get(index=f"{index}-*", expand_wildcards="all", filter_path="*.settings.index.uuid").body
    names = (name.removeprefix(f"{index}-") for name in found)
    return sorted(name for name in names if len(name) == 7 and name.replace("-", "", 1).isdecimal())


def _properties() -> dict[str, Definition]:
    return {
        "@timestamp": DATE,
        "entry": KEYWORD,
        "EventIdentification": {
            "properties": {
                "EventID": _CODES,
                "EventActionCode": KEYWORD,
                "EventDateTime": DATE,
                "EventOutcomeIndicator": LONG,
                "EventOutcomeDescription": _SEARCHED,
                "EventTypeCode": _CODES,
            }
        },
        "ActiveParticipant": {
            "properties": {
                "UserID": _SEARCHED,
                "UserIsRequestor": {"type": "boolean"},
                "RoleIDCode": _CODES,
                "NetworkAccessPointID": _SEARCHED,
                "NetworkAccessPointTypeCode": KEYWORD,
                "via": KEYWORD,
                "deidentified": {"type": "boolean"},
            }
        },
        "AuditSourceIdentification": {"properties": {"AuditSourceID": _SEARCHED}},
        "ParticipantObjectIdentification": {
            "properties": {
                "ParticipantObjectID": _SEARCHED,
                "ParticipantObjectTypeCode": LONG,
                "ParticipantObjectTypeCodeRole": LONG,
                "ParticipantObjectIDTypeCode": _CODES,
                "ParticipantObjectQuery": {**TEXT, "copy_to": "text"},
                "ParticipantObjectDetail": {"properties": {"type": KEYWORD, "value": _SEARCHED}},
            }
        },
        "resolved": {"properties": dict.fromkeys(("study", "series", "patient"), _SEARCHED)},
        "chain": {"properties": {"number": LONG, "previous": KEYWORD, "hash": KEYWORD}},
        "text": TEXT,
    }
