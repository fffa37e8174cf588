"""Examples of requests and answers in the OpenAPI document: what the API says about one archive, shortened."""

from typing import Any

from pydantic import ConfigDict

QUERY = "Modality:CT SliceThickness:<=1.25"
FILTER = ["PatientSex:=F"]
SORT = "-StudyDate"
FIELDS = "PatientName,StudyDate,SliceThickness"
FACETS = "Modality,StudyDate"
IMAGE_ID = "1.3.6.1.4.1.5962.1.1.1.1.1.20040119072730.12322"
SERIES = "1.3.6.1.4.1.5962.1.3.1.1.20040119072730.12322"
STUDY = "1.3.6.1.4.1.5962.1.2.1.20040119072730.12322"
BATCH_ID = "CASE-17"
SAVED_ID = "5f1f0c9a3a7b4f0d"
UPLOAD_ID = "9b2f6d0c3d5e4a1c8f7e6a5b4c3d2e1f"

SAVED_BODY = {"name": "Thin CT of the chest", "q": "Modality:CT chest SliceThickness:<=1", "filter": FILTER}
SAVED = {
    "id": SAVED_ID,
    "name": "Thin CT of the chest",
    "q": "Modality:CT chest SliceThickness:<=1",
    "level": "image",
    "sort": "",
    "fields": "",
    "facets": "",
    "filter": FILTER,
    "owner": "jdoe",
    "shared": True,
    "url": "/api/search?q=Modality:CT+chest+SliceThickness:%3C%3D1&filter=PatientSex:%3DF",
    "add_date": "2026-03-02T09:14:07.512Z",
    "modify_date": "2026-03-02T09:14:07.512Z",
}
SAVED_LIST = {"count": 1, "next": None, "previous": None, "results": [SAVED]}

ME = {"name": "jdoe", "role": "operator", "deidentified": False, "via": "session"}
TOKEN_ID = "0f6f3b1c9d2e4a57"  # noqa: S105 an example
TOKEN_BODY = {"name": "nightly export", "role": "viewer", "days": 90}
TOKEN = {
    "id": TOKEN_ID,
    "name": "nightly export",
    "role": "viewer",
    "deidentified": False,
    "add_date": "2026-03-02T09:14:07+00:00",
    "expires": "2026-05-31T09:14:07+00:00",
    "last_used": None,
}
NEW_TOKEN = TOKEN | {"token": f"dst_{TOKEN_ID}_…"}
TOKEN_LIST = {"count": 1, "next": None, "previous": None, "results": [TOKEN]}
USER_NAME = "jdoe"
USER_BODY = {"name": USER_NAME, "role": "operator", "password": "a long sentence of one's own"}
CHANGED_USER = {"role": "viewer", "deidentified": True}
USER = {
    "name": USER_NAME,
    "role": "operator",
    "deidentified": False,
    "disabled": False,
    "has_password": True,
    "add_date": "2026-03-02T09:14:07+00:00",
    "modify_date": "2026-03-02T09:14:07+00:00",
    "last_login": None,
}
USER_LIST = {"count": 1, "next": None, "previous": None, "results": [USER]}

_FOUND = {"PatientName": "Doe^Jane", "StudyDate": "2004-01-19", "SliceThickness": 1.25}
_RESULT = {
    "id": SERIES,
    "fields": _FOUND,
    "below": {
        "found": 48,
        "images": 52,
        "series": 1,
        "studies": 1,
        "modalities": ["CT"],
        "first_date": "2004-01-19",
        "last_date": "2004-01-19",
    },
}
SEARCH = {
    "total": 214,
    "level": "series",
    "results": [_RESULT],
    "facets": {
        "Modality": [{"value": "CT", "count": 214}],
        "StudyDate": [{"value": "2004", "count": 201}, {"value": None, "count": 13}],
    },
    "next": "WyIxYTQwMjIxYjUzMmUiLDAsWzEwNzQ0NzA0MDAwMDBdXQ",
    "previous": None,
    "milliseconds": 12,
    "partial": False,
    "images": 9_120,
    "approximate": False,
}
EXPORT_CSV = f"id,PatientName,StudyDate,SliceThickness\r\n{IMAGE_ID},Doe^Jane,2004-01-19,1.25\r\n"
EXPORT_NDJSON = f'{{"id":"{IMAGE_ID}","fields":{{"PatientName":"Doe^Jane","SliceThickness":1.25}}}}\n'
EXPORT_PATHS = "/data/incoming/CASE-17/IM000001.dcm\n"
EXPORT_JSON = {"total": 1, "level": "image", "partial": False, "results": [{"id": IMAGE_ID, "fields": _FOUND}]}

HEADER_FIELD = {
    "keyword": "SliceThickness",
    "tag": "(0018,0050)",
    "vr": "DS",
    "name": "Slice Thickness",
    "images": 8_112,
}
HEADERS = {"count": 1, "next": None, "previous": None, "results": [HEADER_FIELD], "sampled": 39}
HEADER_VALUES = {
    **HEADER_FIELD,
    "values": [{"value": 1.25, "count": 5_020, "query": "SliceThickness:=1.25"}],
    "more": True,
    "different": 15,
    "missing": 1_008,
}

IMAGE = {
    "id": IMAGE_ID,
    "batch": BATCH_ID,
    "file": {
        "path": "/data/incoming/CASE-17/IM000001.dcm",
        "name": "IM000001.dcm",
        "size": 39_206,
        "mtime": "2026-03-02T08:58:41.000Z",
    },
    "derived": {
        "patient": "1CT1",
        "study": STUDY,
        "series": SERIES,
        "date": "2004-01-19",
        "sop_class": "CT Image Storage",
        "transfer_syntax": "Explicit VR Little Endian",
    },
    "receipt": {
        "elements": 94,
        "indexed": 85,
        "empty": 7,
        "binary": 2,
        "malformed": 0,
        "truncated": 0,
        "structural": 0,
    },
    "indexed_at": "2026-03-02T09:01:12.204Z",
    "fields": {"Modality": "CT", "PatientName": "Doe^Jane", "PixelSpacing": [0.66, 0.66], "SliceThickness": 1.25},
}
HEADER = {
    "00080060": {"vr": "CS", "Value": ["CT"]},
    "00100010": {"vr": "PN", "Value": [{"Alphabetic": "Doe^Jane"}]},
    "00180050": {"vr": "DS", "Value": [1.25]},
}
PREVIEW = {
    "frames": 1,
    "rows": 128,
    "columns": 128,
    "photometric_interpretation": "MONOCHROME2",
    "bits_stored": 16,
    "gray": True,
    "luts": [],
    "windows": [{"center": 40.0, "width": 400.0, "explanation": "SOFT TISSUE"}],
    "function": "LINEAR",
    "window": {"center": 40.0, "width": 400.0, "explanation": "SOFT TISSUE"},
    "window_from": "file",
    "showable": True,
    "problem": None,
}

BATCH_SUMMARY = {
    "id": BATCH_ID,
    "name": "CASE-17",
    "status": "DONE",
    "has_error": True,
    "counts": {"total": 641, "new": 0, "processing": 0, "done": 638, "error": 1, "ignored": 2, "duplicates": 0},
    "add_date": "2026-03-02T09:00:58.020Z",
    "modify_date": "2026-03-02T09:01:14.911Z",
    "finished_at": "2026-03-02T09:01:14.911Z",
    "tags": ["trial A"],
    "note": "Second delivery of the site.",
    "source": "watcher",
    "rate": 0.0,
    "seconds_left": None,
    "cancelled": False,
    "deleting": False,
    "cleaned": "",
    "shrunk": False,
}
BATCH = {
    **BATCH_SUMMARY,
    "errors": [{"path": "IM000317.dcm", "code": "truncated", "reason": "the file ends inside an element"}],
}
BATCHES = {"count": 1, "next": None, "previous": None, "results": [BATCH_SUMMARY]}
RECEIPT = {
    "images": 638,
    "conflicts": 0,
    "elements": 59_972,
    "indexed": 54_230,
    "empty": 4_466,
    "binary": 1_276,
    "malformed": 0,
    "truncated": 0,
    "structural": 0,
}
FILES = {
    "count": 641,
    "next": "/api/batches/CASE-17/images?offset=1&size=1",
    "previous": None,
    "results": [
        {
            "path": "IM000001.dcm",
            "status": "DONE",
            "uid": IMAGE_ID,
            "size": 39_206,
            "mtime": "2026-03-02T08:58:41.000Z",
        }
    ],
}

DESCRIBED = {"tags": ["trial A"], "note": "Second delivery of the site."}
SYNC = {
    "gone": 1,
    "changed": 0,
    "new": 0,
    "cleaned": 0,
    "unlistable": 0,
    "gone_paths": ["IM000318.dcm"],
    "changed_paths": [],
    "new_paths": [],
    "applied": False,
}
_LOST = {"kind": "lost", "what": "IM000001.dcm", "detail": "an image is done, but has no document in the index"}
VERIFY = {
    "agrees": False,
    "images": 641,
    "documents": 637,
    "counts": {"lost": 1},
    "differences": [_LOST],
    "repaired": False,
}
QUEUED = {"queued": True, "events": "/api/batches/CASE-17/events"}
EVENTS = {
    "count": 1,
    "next": None,
    "previous": None,
    "results": [
        {
            "at": "2026-03-02T09:01:14.911Z",
            "what": "done",
            "details": {"done": 638, "error": 1, "ignored": 2},
            "text": "Done: 638 images are found by search, 1 could not be indexed, 2 ignored.",
        }
    ],
}

UPLOAD = {
    "id": UPLOAD_ID,
    "name": "CASE-17",
    "files": 641,
    "bytes": 25_131_046,
    "most_files": 100_000,
    "most_bytes": 50_000_000_000,
    "complete": False,
}
UPLOADED_FILE = {"path": "DICOM/IM000001", "files": 1, "bytes": 39_206}
UPLOADED = {"name": "CASE-17", "batch": BATCH_ID, "url": "/api/batches/CASE-17"}

ALIKE = {
    "parameters": {"KVP": [120.0], "SliceThickness": [1.25]},
    "results": [{"series": SERIES, "image": IMAGE_ID, "fields": _FOUND, "different": ["KVP"]}],
}
UNUSUAL = {
    "images": 638,
    "others": 8_482,
    "results": [
        {
            "field": "InstitutionName",
            "value": "Univrsity Hospital",
            "here": 638,
            "everywhere": 638,
            "similar": "University Hospital",
        }
    ],
}

_AUDIT_MESSAGE = {
    "EventIdentification": {
        "EventID": {"csd-code": "110112", "codeSystemName": "DCM", "originalText": "Query"},
        "EventActionCode": "E",
        "EventDateTime": "2026-03-02T09:14:07.512Z",
        "EventOutcomeIndicator": 0,
        "EventTypeCode": [{"csd-code": "search", "codeSystemName": "99DICOMSEARCH", "originalText": "Search"}],
    },
    "ActiveParticipant": [
        {
            "UserID": "anna",
            "UserIsRequestor": True,
            "RoleIDCode": [{"csd-code": "viewer", "codeSystemName": "99DICOMSEARCH", "originalText": "Viewer"}],
            "NetworkAccessPointID": "10.1.2.3",
            "NetworkAccessPointTypeCode": "2",
            "via": "session",
        }
    ],
    "AuditSourceIdentification": {"AuditSourceID": "web@archive"},
    "ParticipantObjectIdentification": [
        {
            "ParticipantObjectID": "query",
            "ParticipantObjectTypeCode": 2,
            "ParticipantObjectTypeCodeRole": 24,
            "ParticipantObjectIDTypeCode": {
                "csd-code": "query",
                "codeSystemName": "99DICOMSEARCH",
                "originalText": "Query",
            },
            "ParticipantObjectQuery": QUERY,
            "ParticipantObjectDetail": [{"type": "results", "value": "641"}],
        }
    ],
}
AUDIT = {
    "count": 1_204,
    "next": "/api/audit?size=1&after=1772442847513-000000",
    "previous": None,
    "results": [
        {
            "id": "1772442847513-000000",
            "at": "2026-03-02T09:14:07.512Z",
            "user": "anna",
            "role": "viewer",
            "via": "session",
            "address": "10.1.2.3",
            "deidentified": False,
            "source": "web@archive",
            "operation": "search",
            "meaning": "Search",
            "event": "Query",
            "outcome": "success",
            "description": "",
            "objects": [{"kind": "query", "id": "query", "query": QUERY, "details": {"results": "641"}}],
            "number": 1_204,
            "hash": "3f0c5e1b7a9d2c4e6f8091a2b3c4d5e6f708192a3b4c5d6e7f8091a2b3c4d5e6",
            "resolved": {},
            "message": _AUDIT_MESSAGE,
        }
    ],
}

# Of each status one problem that is typical of it: kind, title and detail.
PROBLEMS = {
    400: ("parameters", "The parameters do not fit", "size: Input should be less than or equal to 1000"),
    401: ("sign-in", "You have not signed in", "Sign in, or send a token: Authorization: Bearer dst_…"),
    403: ("", "Forbidden", "Only pages of dicomsearch itself may change something here: this request came from …"),
    404: ("image-not-found", "Image not found", "There is no image with this id in the archive."),
    409: ("name-taken", "The name is taken", "There is a saved search with this name."),
    410: ("file-gone", "The file is not there any more", "The file was moved or deleted after it was indexed."),
    412: ("", "Precondition Failed", "The file is not the one that the request is about."),
    413: ("", "Request Entity Too Large", "The data value transmitted exceeds the capacity limit."),
    415: ("", "Unsupported Media Type", "Send JSON, with the header Content-Type: application/json."),
    416: ("", "Requested Range Not Satisfiable", "The requested range cannot be satisfied."),
    422: ("not-decodable", "The picture cannot be decoded", "The pixels of this frame are damaged."),
    429: ("exports-busy", "Too many exports at a time", "2 exports are running already: wait until one has ended."),
    507: ("disk-full", "The disk is full", "The disk of the watched folder has no room for this."),
    503: ("archive-unavailable", "The archive cannot be searched", "Elasticsearch does not answer."),
}


def shown_as(example: Any) -> ConfigDict:
    """The configuration of a model that has an example."""
    return ConfigDict(json_schema_extra={"example": example})


def such_as(example: Any) -> dict[str, Any]:
    """The `json_schema_extra` of a parameter that has an example."""
    return {"example": example}
