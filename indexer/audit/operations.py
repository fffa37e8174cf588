"""What is recorded: each of our operations, with the event of DICOM that it is.

The codes are those of PS3.16 CID 400 (audit event id) and CID 401 (audit event type code).
"""

from dataclasses import dataclass
from enum import Enum, StrEnum

DICOM = "DCM"
OWN = "99DICOMSEARCH"


@dataclass(frozen=True, slots=True)
class Code:
    """A coded meaning.

    Attributes
    ----------
    system
        Who has defined the code: `DCM`, `RFC-3881`, or `99DICOMSEARCH` for our own.
    """

    value: str
    meaning: str
    system: str = DICOM

    def document(self) -> dict[str, str]:
        """As PS3.15 §A.5.1 names its parts."""
        return {"csd-code": self.value, "codeSystemName": self.system, "originalText": self.meaning}


ACTIVITY = Code("110100", "Application Activity")
LOG_USED = Code("110101", "Audit Log Used")
ACCESSED = Code("110103", "DICOM Instances Accessed")
TRANSFERRED = Code("110104", "DICOM Instances Transferred")
DELETED = Code("110105", "DICOM Study Deleted")
EXPORT = Code("110106", "Export")
IMPORTED = Code("110107", "Import")
QUERY = Code("110112", "Query")
ALERT = Code("110113", "Security Alert")
AUTHENTICATION = Code("110114", "User Authentication")
EVENTS = (
    ACTIVITY,
    LOG_USED,
    ACCESSED,
    TRANSFERRED,
    DELETED,
    EXPORT,
    IMPORTED,
    QUERY,
    ALERT,
    AUTHENTICATION,
)

_LOGIN = Code("110122", "Login")
_LOGOUT = Code("110123", "Logout")
_RESTRICTED = Code("110132", "Use of Restricted Function")
_USER_CHANGED = Code("110137", "User Security Attributes Changed")


class Action(StrEnum):
    """EventActionCode."""

    CREATE = "C"
    READ = "R"
    UPDATE = "U"
    DELETE = "D"
    EXECUTE = "E"


class Operation(Enum):
    """What somebody did: our name of it, the event of DICOM, the action, what it is in words, and a type of DICOM."""

    # Looking for something.
    SEARCH = ("search", QUERY, Action.EXECUTE, "Search")
    VALUES = ("values.list", QUERY, Action.EXECUTE, "Values of a field listed")
    ALIKE = ("alike.search", QUERY, Action.EXECUTE, "Series acquired alike searched")
    UNUSUAL = ("unusual.search", QUERY, Action.EXECUTE, "Unusual values of a batch searched")
    ES_QUERY = ("es.query", QUERY, Action.EXECUTE, "Query of the Elasticsearch API")
    # Seeing it, and taking it away.
    IMAGE_VIEW = ("image.view", ACCESSED, Action.READ, "Image shown")
    HEADER_VIEW = ("header.view", ACCESSED, Action.READ, "Header shown")
    PREVIEW_VIEW = ("preview.view", ACCESSED, Action.READ, "Picture shown")
    BATCH_VIEW = ("batch.view", ACCESSED, Action.READ, "Files of a batch listed")
    FILE_DOWNLOAD = ("file.download", TRANSFERRED, Action.READ, "File downloaded")
    EXPORTED = ("export", EXPORT, Action.READ, "Results exported")
    KIBANA = ("kibana.use", QUERY, Action.EXECUTE, "Kibana used")
    # Bringing it in.
    UPLOAD_BEGIN = ("upload.begin", IMPORTED, Action.CREATE, "Upload begun")
    UPLOAD = ("upload", IMPORTED, Action.CREATE, "Files uploaded")
    UPLOAD_CANCEL = ("upload.cancel", IMPORTED, Action.DELETE, "Upload cancelled")
    IMPORT = ("import", IMPORTED, Action.CREATE, "Folder imported")
    BATCH_IMPORTED = ("batch.imported", IMPORTED, Action.CREATE, "Batch indexed")
    # Changing it.
    BATCH_DESCRIBE = ("batch.describe", ACTIVITY, Action.UPDATE, "Tags or note of a batch changed")
    BATCH_RETRY = ("batch.retry", ACTIVITY, Action.EXECUTE, "Errors of a batch tried again")
    BATCH_CANCEL = ("batch.cancel", ACTIVITY, Action.EXECUTE, "Batch cancelled")
    BATCH_SYNC = ("batch.sync", ACTIVITY, Action.EXECUTE, "Batch compared with its folder")
    BATCH_VERIFY = ("batch.verify", ACTIVITY, Action.EXECUTE, "Batch checked against the index")
    BATCH_CLEAN = ("batch.clean", ACTIVITY, Action.EXECUTE, "Clean-up of a batch asked for")
    BATCH_CLEANED = ("batch.cleaned", ACTIVITY, Action.DELETE, "Files of a batch deleted or archived")
    BATCH_DELETE = ("batch.delete", DELETED, Action.DELETE, "Deletion of a batch asked for")
    BATCH_DELETED = ("batch.deleted", DELETED, Action.DELETE, "Batch deleted")
    MIGRATE = ("index.migrate", ACTIVITY, Action.EXECUTE, "Index built anew")
    BACKUP = ("index.backup", EXPORT, Action.READ, "Index backed up")
    RESTORE = ("index.restore", IMPORTED, Action.CREATE, "Index restored")
    SETUP = ("setup", ACTIVITY, Action.EXECUTE, "Certificates, passwords and roles set up")
    # Searches that are kept: their queries may name patients.
    SAVED_VIEW = ("saved-search.view", ACTIVITY, Action.READ, "Saved searches shown")
    SAVED_CREATE = ("saved-search.create", ACTIVITY, Action.CREATE, "Search saved")
    SAVED_CHANGE = ("saved-search.change", ACTIVITY, Action.UPDATE, "Saved search changed")
    SAVED_DELETE = ("saved-search.delete", ACTIVITY, Action.DELETE, "Saved search deleted")
    # Who may do it.
    LOGIN = ("session.login", AUTHENTICATION, Action.EXECUTE, "Signed in", _LOGIN)
    LOGOUT = ("session.logout", AUTHENTICATION, Action.EXECUTE, "Signed out", _LOGOUT)
    REFUSED = ("session.refused", ALERT, Action.EXECUTE, "Refused", _RESTRICTED)
    PASSWORD_CHANGE = ("password.change", ALERT, Action.UPDATE, "Password changed", _USER_CHANGED)
    SESSIONS_END = ("session.end", ALERT, Action.UPDATE, "Sessions ended", _USER_CHANGED)
    TOKEN_CREATE = ("token.create", ALERT, Action.CREATE, "Token made", _USER_CHANGED)
    TOKEN_REVOKE = ("token.revoke", ALERT, Action.DELETE, "Token revoked", _USER_CHANGED)
    USER_VIEW = ("user.view", ACTIVITY, Action.READ, "Users listed")
    USER_CREATE = ("user.create", ALERT, Action.CREATE, "User added", _USER_CHANGED)
    USER_CHANGE = ("user.change", ALERT, Action.UPDATE, "User changed", _USER_CHANGED)
    USER_DELETE = ("user.delete", ALERT, Action.DELETE, "User deleted", _USER_CHANGED)
    # The audit log itself.
    AUDIT_SEARCH = ("audit.search", LOG_USED, Action.READ, "Audit log searched")
    AUDIT_EXPORT = ("audit.export", LOG_USED, Action.READ, "Audit log exported")
    AUDIT_VERIFY = ("audit.verify", LOG_USED, Action.READ, "Audit log checked")
    AUDIT_EXPIRED = ("audit.expired", LOG_USED, Action.DELETE, "Old month of the audit log deleted")
    AUDIT_UNREADABLE = ("audit.unreadable", ALERT, Action.EXECUTE, "Entry of the audit log that cannot be read")

    def __init__(self, title: str, event: Code, action: Action, meaning: str, *more: Code) -> None:
        self.title = title
        self.event = event
        self.action = action
        self.meaning = meaning
        self.types = (Code(title, meaning, OWN), *more)

    @classmethod
    def named(cls, title: str) -> "Operation":
        """The operation of a name.

        Raises
        ------
        KeyError
            There is none.
        """
        return _BY_TITLE[title]


_BY_TITLE = {operation.title: operation for operation in Operation}
