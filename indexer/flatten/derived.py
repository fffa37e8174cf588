"""The fields of our own that every document has: keys of study, series and patient, names of UIDs, age, time."""

import hashlib
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from pydicom.uid import UID_dictionary

from indexer.flatten.convert import age_in_years, join_date_time
from mappings.template import LONGEST_VALUE

NO_DATE = "0001-01-01"
UNKNOWN = "unknown"
_TIMES = (
    ("AcquisitionDate", "AcquisitionTime"),
    ("ContentDate", "ContentTime"),
    ("SeriesDate", "SeriesTime"),
    ("StudyDate", "StudyTime"),
)


def derive(fields: Mapping[str, Any], identity: str) -> dict[str, Any]:
    """Derive the level keys and names of an image.

    Parameters
    ----------
    fields
        The typed top-level attributes.
    identity
        The document's `_id`, the last resort of a level key.
    """
    patient = _patient(fields)
    study = _first(fields, "StudyInstanceUID") or _substitute(
        "study", fields, ("PatientID", "PatientName", "StudyDate", "StudyTime", "StudyID", "AccessionNumber"), identity
    )
    series = _first(fields, "SeriesInstanceUID") or _substitute(
        "series", {**fields, "study": study}, ("study", "Modality", "SeriesNumber", "SeriesDescription"), identity
    )
    derived: dict[str, Any] = {
        "patient": _bounded(patient or f"patient-of-{study}"),
        "study": _bounded(study),
        "series": _bounded(series),
        "date": _first(fields, "StudyDate") or NO_DATE,
        "sop_class": _uid_name(_first(fields, "SOPClassUID") or _first(fields, "MediaStorageSOPClassUID")),
        "transfer_syntax": _uid_name(_first(fields, "TransferSyntaxUID")),
    }
    age = _first(fields, "PatientAge")
    if age:
        derived["age_years"] = age_in_years(age)
    return derived


def timestamp(fields: Mapping[str, Any]) -> str | None:
    """Find when the image was made: acquisition, content, series or study, the first there is."""
    at = _first(fields, "AcquisitionDateTime")
    if at:
        return at
    offset = _first(fields, "TimezoneOffsetFromUTC") or None
    for day_keyword, time_keyword in _TIMES:
        day = _first(fields, day_keyword)
        if day:
            time = _first(fields, time_keyword) or None
            return join_date_time(day, time, offset) or join_date_time(day, time)
    return None


def _patient(fields: Mapping[str, Any]) -> str:
    identifier, issuer = _first(fields, "PatientID"), _first(fields, "IssuerOfPatientID")
    if identifier:
        return f"{identifier}^^^{issuer}" if issuer else identifier
    return _first(fields, "PatientName")


def _substitute(level: str, fields: Mapping[str, Any], keywords: tuple[str, ...], identity: str) -> str:
    """Make a key for images without a UID of that level: the same for images that belong together by other data."""
    parts = [_first(fields, keyword) for keyword in keywords]
    if not any(parts):
        parts = [identity]
    return f"{level}-{hashlib.sha256(repr(parts).encode()).hexdigest()[:32]}"


def _first(fields: Mapping[str, Any], keyword: str) -> str:
    value = fields.get(keyword)
    if isinstance(value, list):
        value = next((one for one in value if one is not None), None)
    return "" if value is None else str(value)


def _bounded(key: str) -> str:
    # Two keys in one ("id^^^issuer") may be longer than a keyword takes.
    return key if len(key) <= LONGEST_VALUE // 2 else hashlib.sha256(key.encode()).hexdigest()


@lru_cache(maxsize=1_024)
def _uid_name(uid: str) -> str:
    entry = UID_dictionary.get(uid)
    return str(entry[0]) if entry else uid or UNKNOWN
