"""Write the saved objects again: `python -m kibana`."""

from pathlib import Path

from kibana.audit import audit_data_view
from kibana.dashboard import dashboard
from kibana.data_view import data_view
from kibana.saved_objects import SavedObject, ndjson
from kibana.searches import saved_searches

_HERE = Path(__file__).parent


def saved_objects() -> dict[Path, list[SavedObject]]:
    """Make all of them, by the file that they belong into; what others refer to comes first, as in an export."""
    return {
        _HERE / "dicomsearch.ndjson": [data_view(), *saved_searches(), dashboard()],
        # Not beside it, where it would be imported by everyone.
        _HERE / "optional" / "dicom-audit.ndjson": [audit_data_view()],
    }


if __name__ == "__main__":
    for file, objects in saved_objects().items():
        file.parent.mkdir(exist_ok=True)
        file.write_text(ndjson(objects), encoding="utf-8")
