"""The saved searches: lists of images that whoever keeps an archive in order looks at."""

from dataclasses import dataclass

from kibana.data_view import TIME_FIELD, to_data_view
from kibana.filters import Filter, at_least, equals, has, lacks, outside
from kibana.saved_objects import NO_QUERY, SEARCH_TYPE, TIME_FROM, TIME_TO, Json, SavedObject, embedded

_SOURCE = "kibanaSavedObjectMeta.searchSourceJSON"


@dataclass(frozen=True, slots=True)
class Search:
    """A saved search.

    Attributes
    ----------
    id, title, description
        As Kibana shows them.
    filters
        That all have to be fulfilled.
    columns
        Fields that are shown.
    sort
        The field by which the list is sorted, the highest first.
    all_times
        Whether images of every date are meant, those of the year 1 as well.
    """

    id: str
    title: str
    description: str
    filters: tuple[Filter, ...]
    columns: tuple[str, ...]
    sort: str = TIME_FIELD
    all_times: bool = False


SEARCHES = (
    Search(
        "dicom-malformed",
        "DICOM: malformed values",
        "Images with values that do not fit their type, as they are written.",
        (has("malformed"),),
        ("malformed", "receipt.malformed", "Modality", "Manufacturer", "StationName", "batch", "_id"),
        sort="receipt.malformed",
    ),
    Search(
        "dicom-without-study-date",
        "DICOM: no study date",
        "Images without a StudyDate.",
        (lacks("StudyDate"),),
        ("Modality", "derived.sop_class", "PatientID", "AcquisitionDate", "ContentDate", "file.path", "batch", "_id"),
    ),
    Search(
        "dicom-improbable-dates",
        "DICOM: improbable dates",
        "Images that seem to be older than DICOM, or to come from the future. The dashboard leaves them out.",
        (outside(TIME_FIELD, TIME_FROM, TIME_TO),),
        ("StudyDate", "SeriesDate", "AcquisitionDate", "ContentDate", "Modality", "StationName", "batch", "_id"),
        all_times=True,
    ),
    Search(
        "dicom-conflicting-duplicates",
        "DICOM: conflicting duplicates",
        "Images that were found in several files whose headers differ.",
        (equals("duplicates.conflict", "true"),),
        ("file.path", "batch", "duplicates.path", "duplicates.batch", "Modality", "derived.study", "_id"),
    ),
    Search(
        "dicom-departing-from-the-standard",
        "DICOM: departures from the standard",
        "Images whose files depart from the standard in a way that was forgiven.",
        (has("receipt.forgiven"),),
        ("receipt.forgiven", "Modality", "Manufacturer", "SoftwareVersions", "file.path", "batch", "_id"),
    ),
    Search(
        "dicom-cut-headers",
        "DICOM: headers that were cut",
        "Images with elements that exceed a limit and are indexed in part.",
        (at_least("receipt.truncated", 1),),
        ("receipt.truncated", "receipt.cuts.path", "receipt.cuts.why", "Modality", "file.size", "batch", "_id"),
        sort="receipt.truncated",
    ),
    Search(
        "dicom-largest-files",
        "DICOM: largest files",
        "All images, the largest files first.",
        (),
        (
            "file.size",
            "Modality",
            "derived.sop_class",
            "NumberOfFrames",
            "Rows",
            "Columns",
            "derived.transfer_syntax",
            "batch",
            "_id",
        ),
        sort="file.size",
    ),
    Search(
        "dicom-private-creators",
        "DICOM: private elements",
        "Images with private elements, and whose they are.",
        (has("creators"),),
        ("creators", "Modality", "Manufacturer", "ManufacturerModelName", "SoftwareVersions", "_id"),
    ),
)


def saved_searches() -> list[SavedObject]:
    """Make the saved searches."""
    return [_saved(search) for search in SEARCHES]


def _saved(search: Search) -> SavedObject:
    names = [f"{_SOURCE}.filter[{at}].meta.index" for at in range(len(search.filters))]
    filters = [one.written({"indexRefName": name}) for one, name in zip(search.filters, names, strict=True)]
    source = {"query": NO_QUERY, "filter": filters, "indexRefName": f"{_SOURCE}.index"}
    attributes: Json = {
        "breakdownField": "Modality",
        "columns": list(search.columns),
        "description": search.description,
        "grid": {},
        # Over all times there are too many bars for a chart.
        "hideChart": search.all_times,
        "isTextBasedQuery": False,
        "kibanaSavedObjectMeta": {"searchSourceJSON": embedded(source)},
        "sort": [[search.sort, "desc"]],
        "timeRange": _time_range(search),
        "timeRestore": True,
        "title": search.title,
        "usesAdHocDataView": False,
    }
    return SavedObject(
        SEARCH_TYPE,
        search.id,
        attributes,
        (to_data_view(f"{_SOURCE}.index"), *(to_data_view(name) for name in names)),
    )


def _time_range(search: Search) -> dict[str, str]:
    if search.all_times:
        return {"from": "0001-01-01T00:00:00.000Z", "to": "9999-12-31T23:59:59.999Z"}
    return {"from": TIME_FROM, "to": TIME_TO}
