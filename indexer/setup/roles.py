"""What each user of Elasticsearch may do: the least with which everything that it is there for works.

https://www.elastic.co/docs/reference/elasticsearch/security-privileges
"""

import json
import re
from collections.abc import Mapping
from typing import Any

from indexer.settings import Settings


def roles(index: str, audit_index: str, *, audit_expires: bool) -> Mapping[str, Mapping[str, Any]]:
    """Describe the roles, by name, as `roles.yml` has them.

    Parameters
    ----------
    index, audit_index
        The aliases for reading.
    audit_expires
        Whether old months of the audit log are deleted.
    """
    # The alias, and what stands behind it: not the alias for writing, nor anything that only begins like it.
    searched = _pattern(index, "(-[0-9]{6})?")
    return {
        # Web and workers.
        "dicomsearch": {
            "cluster": [
                "monitor",
                "manage_index_templates",
                # Backup and restore. Not `manage`, which could also reroute, change settings of the cluster, and more.
                *("cluster:admin/repository/get", "cluster:admin/repository/put"),
                *(f"cluster:admin/snapshot/{action}" for action in ("create", "get", "delete", "restore")),
            ],
            "indices": [
                # `manage`: a migration creates, closes off and deletes indices, and moves the aliases.
                {
                    "names": [_pattern(index, "(-write|-migrating|-[0-9]{6})?")],
                    "privileges": ["read", "write", "manage"],
                },
                # What was recorded is not changed, and deleted only where the settings say when.
                {
                    "names": [_pattern(audit_index, "(-[0-9]{4}-[0-9]{2})?")],
                    "privileges": [
                        *("read", "create_doc", "create_index", "view_index_metadata", "maintenance"),
                        *(("delete_index",) if audit_expires else ()),
                    ],
                },
            ],
        },
        # The read-only API: for programs that are given nothing else.
        "dicomsearch_query": {"indices": [{"names": [searched], "privileges": ["read", "view_index_metadata"]}]},
        # People in Kibana: search and draw, keep dashboards; change no image.
        "dicomsearch_analyst": {
            "indices": [{"names": [searched], "privileges": ["read", "view_index_metadata"]}],
            "applications": [{"application": "kibana-.kibana", "privileges": ["all"], "resources": ["*"]}],
        },
    }


def _pattern(index: str, rest: str) -> str:
    """Write a regular expression of Lucene's kind: exactly these names, not all that begin so."""
    return f"/{re.escape(index)}{rest}/"


def roles_file(settings: Settings) -> str:
    """Write `roles.yml`; JSON is YAML."""
    described = roles(settings.index, settings.audit_index, audit_expires=settings.audit_keep_days is not None)
    return "".join(f"{name}: {json.dumps(role)}\n" for name, role in described.items())
