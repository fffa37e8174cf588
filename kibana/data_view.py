"""The data view: under which name Kibana sees the images, and how it shows some of their fields."""

from collections.abc import Mapping, Sequence

from kibana.saved_objects import DATA_VIEW_TYPE, Json, Reference, SavedObject, embedded

DATA_VIEW_ID = "dicom-images"
ALIAS = "dicom-images"  # DICOMSEARCH_INDEX, as it is by default
TIME_FIELD = "@timestamp"

# Kibana puts `/kibana/app/` before a relative address, or `/kibana/s/space/app/` in a space. So many steps up lead out
# of each of them to the root, where the application is; browsers ignore what is too much. An address that begins with a
# slash would not do: Kibana takes it for one of its own.
_TO_THE_ROOT = "../../../../"

# Fields that are there for searching or for rebuilding the index, and long: not shown, and not fetched.
HIDDEN = ("header", "text", "folded.*", "path_num", "private_num")

_DAYS = (
    "StudyDate",
    "SeriesDate",
    "AcquisitionDate",
    "ContentDate",
    "InstanceCreationDate",
    "PatientBirthDate",
    "derived.date",
)
_LINKS = {
    "_id": "images/{{value}}",
    "batch": "batches/{{value}}",
    "derived.patient": "search?level=study&filter=derived.patient:=%22{{value}}%22",
    "derived.study": "search?level=series&filter=derived.study:=%22{{value}}%22",
    "derived.series": "search?filter=derived.series:=%22{{value}}%22",
}
DESCRIPTIONS = {
    "@timestamp": "When the image was made: the first there is of acquisition, content, series and study time; else "
    "when it was indexed. A local time without a zone counts as UTC.",
    "batch": "The batch that brought the image. A click leads to its page.",
    "creators": "The private creators that occur in the header.",
    "derived.age_years": "PatientAge as a number of years.",
    "derived.patient": "The key of the patient: PatientID and its issuer, else the name. Every image has one.",
    "derived.series": "The key of the series: SeriesInstanceUID, else a substitute. Every image has one.",
    "derived.sop_class": "The name of the SOP class.",
    "derived.study": "The key of the study: StudyInstanceUID, else a substitute. Every image has one.",
    "derived.transfer_syntax": "The name of the transfer syntax.",
    "duplicates.conflict": "True where the same image was found in another file with a different header.",
    "empty": "Elements that are present without a value.",
    "malformed": "Values that do not fit their type, as they are written, by the keyword of their element.",
    "nested": "Elements inside sequences, at any depth, by keyword.",
    "path": "Elements inside sequences, by their exact path.",
    "private": "Private elements by creator and tag.",
    "receipt.forgiven": "In which ways the file departs from the standard.",
    "receipt.malformed": "How many elements have values that do not fit their type.",
    "receipt.truncated": "How many elements were cut because they exceed a limit.",
    "sequences": "The sequences that occur in the header.",
}


def data_view() -> SavedObject:
    """Make the data view of the images."""
    return data_view_of(DATA_VIEW_ID, ALIAS, "DICOM images", DESCRIPTIONS, HIDDEN, field_formats())


def data_view_of(
    id_: str,
    alias: str,
    name: str,
    descriptions: Mapping[str, str],
    hidden: Sequence[str],
    formats: dict[str, Json],
) -> SavedObject:
    """Make a data view of the index behind an alias.

    Parameters
    ----------
    descriptions
        What fields are, by their names.
    hidden
        Fields that are not shown, and not fetched.
    formats
        How fields are shown, by their names.
    """
    return SavedObject(
        DATA_VIEW_TYPE,
        id_,
        {
            "allowHidden": False,
            # Importable before anything is in the index.
            "allowNoIndex": True,
            "fieldAttrs": embedded({field: {"customDescription": text} for field, text in descriptions.items()}),
            "fieldFormatMap": embedded(formats),
            "fields": "[]",
            "name": name,
            "runtimeFieldMap": "{}",
            "sourceFilters": embedded([{"value": field} for field in hidden]),
            "timeFieldName": TIME_FIELD,
            "title": alias,
        },
    )


def field_formats() -> dict[str, Json]:
    """Say how Kibana shows fields that it would not show well by itself."""
    links = {
        name: {"id": "url", "params": {"labelTemplate": "{{value}}", "urlTemplate": _TO_THE_ROOT + address}}
        for name, address in _LINKS.items()
    }
    days = {name: {"id": "date", "params": {"pattern": "YYYY-MM-DD"}} for name in _DAYS}
    return {**links, **days, "file.size": {"id": "bytes", "params": {"pattern": "0,0.[0]b"}}}


def to_data_view(name: str) -> Reference:
    """Refer to the data view by a name."""
    return Reference(name, DATA_VIEW_TYPE, DATA_VIEW_ID)
