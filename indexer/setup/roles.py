"""What each user of Elasticsearch may do: the least with which everything that it is there for works.

https://www.elastic.co/docs/reference/elasticsearch/security-privileges
"""

import json
import re
from collections.abc import Mapping
from typing import Any

AUDIT_INDEX = "dicom-audit"


def roles(index: str) -> Mapping[str, Mapping[str, Any]]:
    """Describe the roles, by name, as `roles.yml` has them.

    Parameters
    ----------
    index
        The alias for reading.
    """
    # The alias, and what stands behind it: not the alias for writing, nor anything that only begins like it.
    searched = f"/{re.escape(index)}(-[0-9]{{6}})?/"
    return {
        # Web and workers.
        "dicomsearch": {
            "cluster": [
                "monitor",
                "manage_index_templates",
                # Backup and restore. Not `manage`, which could also reroute, change settings of the cluster, and more.
                "cluster:admin/repository/*",
                "cluster:admin/snapshot/*",
            ],
            "indices": [
                # `manage`: a migration creates, closes off and deletes indices, and moves the aliases.
                {"names": [f"{index}*"], "privileges": ["read", "write", "manage"]},
                # What was recorded is not changed and not deleted.
                {
                    "names": [f"{AUDIT_INDEX}*"],
                    "privileges": ["read", "create_doc", "create_index", "view_index_metadata", "maintenance"],
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


def roles_file(index: str) -> str:
    """Write `roles.yml`; JSON is YAML."""
    return "".join(f"{name}: {json.dumps(role)}\n" for name, role in roles(index).items())
