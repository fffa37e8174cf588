"""Write the saved objects again: `python -m kibana`."""

from pathlib import Path

from kibana.dashboard import dashboard
from kibana.data_view import data_view
from kibana.saved_objects import SavedObject, ndjson
from kibana.searches import saved_searches

GENERATED = Path(__file__).parent / "dicomsearch.ndjson"


def saved_objects() -> list[SavedObject]:
    """Make all of them; what others refer to comes first, as in an export."""
    return [data_view(), *saved_searches(), dashboard()]


if __name__ == "__main__":
    GENERATED.write_text(ndjson(saved_objects()), encoding="utf-8")
