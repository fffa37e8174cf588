"""The audit log: who did what with patient data, when, from where, and how it ended.

Modelled on DICOM PS3.15 §A.5. `operations` lists what is recorded, `event` has the message of one event. The message is
appended to a stream in Redis before an answer goes out (`log`), chained to the one before it (`chain`); the watcher's
process moves it to Elasticsearch (`mover`), where it is read (`reading`), checked (`verifying`) and, if wanted, deleted
by whole months (`keeping`).
"""

from indexer.audit.event import Event, Kind, Outcome, Participant, Thing
from indexer.audit.log import AuditLog, AuditUnavailableError, Backlog, Quiet
from indexer.audit.operations import Operation

__all__ = [
    "AuditLog",
    "AuditUnavailableError",
    "Backlog",
    "Event",
    "Kind",
    "Operation",
    "Outcome",
    "Participant",
    "Quiet",
    "Thing",
]
