"""The data view of the audit log, for whom a role of Elasticsearch lets read it.

It stands in a file of its own, which `dicomsearch setup` does not import: `dicomsearch_analyst`, as whom everybody
works in Kibana, may not read the audit log.
"""

from kibana.data_view import data_view_of
from kibana.saved_objects import SavedObject

ALIAS = "dicom-audit"  # DICOMSEARCH_AUDIT_INDEX, as it is by default

# For checking that no entry was changed, and for searching by words.
_HIDDEN = ("chain.*", "entry", "text")
DESCRIPTIONS = {
    "ActiveParticipant.UserID": "Who did it.",
    "ActiveParticipant.deidentified": "Whether identifying attributes were masked for them.",
    "ActiveParticipant.NetworkAccessPointID": "From where: an IP address or the name of a host.",
    "ActiveParticipant.via": "How it was known who it is.",
    "EventIdentification.EventID.originalText": "What kind of event it is (PS3.16 CID 400).",
    "EventIdentification.EventTypeCode.originalText": "What was done.",
    "EventIdentification.EventActionCode": "C: created, R: read, U: changed, D: deleted, E: executed.",
    "EventIdentification.EventOutcomeIndicator": "0: success, 4: it was wrong, 8: it was refused or did not work.",
    "ParticipantObjectIdentification.ParticipantObjectID": "With what: images, studies, patients, batches and others.",
    "ParticipantObjectIdentification.ParticipantObjectQuery": "What was asked for.",
    "resolved": "The studies, series and patients of the images.",
}


def audit_data_view() -> SavedObject:
    """Make the data view of the audit log."""
    return data_view_of(ALIAS, ALIAS, "DICOM audit log", DESCRIPTIONS, _HIDDEN, {})
