"""The form of a saved object, as Kibana's export writes it and its import reads it: one JSON object a line.

https://www.elastic.co/docs/explore-analyze/find-and-organize/saved-objects
"""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

Json = dict[str, Any]

DATA_VIEW_TYPE = "index-pattern"
SEARCH_TYPE = "search"
DASHBOARD_TYPE = "dashboard"

# Which form each type is written in. Kibana raises older forms to its own and refuses newer ones, so these are the
# first that have all that is needed, not the newest: searches have no tabs yet, which 9.2 adds, and dashboards no
# sections. An object without a version would be taken for one of Kibana 7.
VERSION_OF_TYPE = {DATA_VIEW_TYPE: "8.0.0", SEARCH_TYPE: "10.5.0", DASHBOARD_TYPE: "10.2.0"}
VERSION_OF_CORE = "8.8.0"

# Everything is selected by filters, which contain the query that is sent. A person's own query comes on top of them.
NO_QUERY = {"language": "kuery", "query": ""}

# Kibana shows a time range: here what can be an image, from before the first DICOM file to what a clock may be ahead.
TIME_FROM = "now-40y"
TIME_TO = "now+1d"


@dataclass(frozen=True, slots=True)
class Reference:
    """Another saved object that one needs.

    Attributes
    ----------
    name
        By which the object speaks of it.
    type, id
        Of the other.
    """

    name: str
    type: str
    id: str

    def written(self) -> Json:
        """Write it as Kibana does."""
        return {"id": self.id, "name": self.name, "type": self.type}


@dataclass(frozen=True, slots=True)
class SavedObject:
    """One object; importing it again replaces the one with the same type and identity."""

    type: str
    id: str
    attributes: Json
    references: tuple[Reference, ...] = ()

    def written(self) -> Json:
        """Write it as Kibana's export does, without what it says of who saved it and when."""
        return {
            "attributes": self.attributes,
            "coreMigrationVersion": VERSION_OF_CORE,
            "id": self.id,
            "managed": False,
            "references": [reference.written() for reference in self.references],
            "type": self.type,
            "typeMigrationVersion": VERSION_OF_TYPE[self.type],
        }


def embedded(value: object) -> str:
    """Write JSON inside of JSON: many attributes are strings that contain it."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def ndjson(objects: Iterable[SavedObject]) -> str:
    """Write objects as a file for the import: one a line, keys in order, as the export does."""
    lines = (json.dumps(one.written(), ensure_ascii=False, separators=(",", ":"), sort_keys=True) for one in objects)
    return "".join(f"{line}\n" for line in lines)
