"""What each route is in the audit log: one table; a route that is not in it is refused by a test.

Every route that shows or changes patient data is recorded, with its outcome. Pages that refresh themselves, and
pictures, which come by the dozen while somebody changes the window, are recorded once in ten minutes for each reader
and image.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from indexer.audit import Operation


@dataclass(frozen=True, slots=True)
class Recorded:
    """A route that is recorded.

    Attributes
    ----------
    operation
        As what.
    silence
        For so many seconds the same is not recorded again; 0 records each request.
    """

    operation: Operation
    silence: int = 0


@dataclass(frozen=True, slots=True)
class Unrecorded:
    """A route that is not recorded, and why; where it is refused, that is."""

    why: str


_REPEATED = 600

_FILES_OF_PAGES = Unrecorded("files of the program itself")
_HEALTH = Unrecorded("asked by machines every few seconds; no patient data")
_ASKS = Unrecorded("asks whether to do it; doing it is recorded")
_OWN = Unrecorded("the reader's own account; no patient data")
_NAMES = Unrecorded("names of batches, counts and errors; no header")
_FIELDS = Unrecorded("names of fields, without values")
_FORM = Unrecorded("an empty form")
_STEP = Unrecorded("a step of an upload; its end is recorded, with the number of files")

ROUTES: Mapping[str, Recorded | Unrecorded] = {
    "static": _FILES_OF_PAGES,
    "bootstrap.static": _FILES_OF_PAGES,
    "api_docs.static": _FILES_OF_PAGES,
    "api_docs.docs": _FILES_OF_PAGES,
    "api_docs.openapi": _FILES_OF_PAGES,
    "health.healthz": _HEALTH,
    "health.readyz": _HEALTH,
    "metrics.metrics": _HEALTH,
    # Searching.
    "search.index": Recorded(Operation.SEARCH),
    "api_search.search": Recorded(Operation.SEARCH),
    "api_exports.export": Recorded(Operation.EXPORTED),
    "headers.index": _FIELDS,
    "api_headers.list_headers": _FIELDS,
    "headers.show": Recorded(Operation.VALUES),
    "api_headers.show_header_values": Recorded(Operation.VALUES),
    "api_likeness.show_alike": Recorded(Operation.ALIKE),
    "api_likeness.show_unusual": Recorded(Operation.UNUSUAL),
    "es.query": Recorded(Operation.ES_QUERY),
    # Seeing.
    "images.show": Recorded(Operation.IMAGE_VIEW),
    "api_images.show_image": Recorded(Operation.IMAGE_VIEW),
    "api_images.show_header": Recorded(Operation.HEADER_VIEW),
    "api_previews.show_preview": Recorded(Operation.PREVIEW_VIEW, _REPEATED),
    "api_previews.show_preview_info": Recorded(Operation.PREVIEW_VIEW, _REPEATED),
    "api_files.show_file": Recorded(Operation.FILE_DOWNLOAD),
    # Batches.
    "status.index": _NAMES,
    "api_batches.list_batches": _NAMES,
    "api_batches.show_batch": _NAMES,
    "api_batches.show_receipt": _NAMES,
    "api_operations.list_events": _NAMES,
    "batches.show": Recorded(Operation.BATCH_VIEW, _REPEATED),
    "api_batches.list_images": Recorded(Operation.BATCH_VIEW, _REPEATED),
    "operations.describe": Recorded(Operation.BATCH_DESCRIBE),
    "api_batches.describe_batch": Recorded(Operation.BATCH_DESCRIBE),
    "operations.retry": Recorded(Operation.BATCH_RETRY),
    "api_operations.retry_batch": Recorded(Operation.BATCH_RETRY),
    "operations.ask_cancel": _ASKS,
    "operations.cancel": Recorded(Operation.BATCH_CANCEL),
    "api_operations.cancel_batch": Recorded(Operation.BATCH_CANCEL),
    "operations.ask_sync": _ASKS,
    "operations.sync": Recorded(Operation.BATCH_SYNC),
    "api_operations.sync_batch": Recorded(Operation.BATCH_SYNC),
    "operations.ask_verify": _ASKS,
    "operations.verify": Recorded(Operation.BATCH_VERIFY),
    "api_operations.verify_batch": Recorded(Operation.BATCH_VERIFY),
    "operations.ask_delete": _ASKS,
    "operations.delete": Recorded(Operation.BATCH_DELETE),
    "api_batches.delete_batch": Recorded(Operation.BATCH_DELETE),
    # Uploads.
    "uploads.index": _FORM,
    "uploads.upload": Recorded(Operation.UPLOAD),
    "api_uploads.begin_upload": Recorded(Operation.UPLOAD_BEGIN),
    "api_uploads.show_upload": _STEP,
    "api_uploads.put_file": _STEP,
    "api_uploads.cancel_upload": Recorded(Operation.UPLOAD_CANCEL),
    "api_uploads.complete_upload": Recorded(Operation.UPLOAD),
    # Saved searches.
    "saved_searches.index": Recorded(Operation.SAVED_VIEW),
    "api_saved_searches.list_saved_searches": Recorded(Operation.SAVED_VIEW),
    "api_saved_searches.show_saved_search": Recorded(Operation.SAVED_VIEW),
    "saved_searches.add": Recorded(Operation.SAVED_CREATE),
    "api_saved_searches.add_saved_search": Recorded(Operation.SAVED_CREATE),
    "saved_searches.rename": Recorded(Operation.SAVED_CHANGE),
    "api_saved_searches.change_saved_search": Recorded(Operation.SAVED_CHANGE),
    "saved_searches.delete": Recorded(Operation.SAVED_DELETE),
    "api_saved_searches.delete_saved_search": Recorded(Operation.SAVED_DELETE),
    # Accounts.
    "sessions.login": _FORM,
    "sessions.log_in": Recorded(Operation.LOGIN),
    "sessions.log_out": Recorded(Operation.LOGOUT),
    # Kibana asks for dozens of files with each page.
    "sessions.allowed": Recorded(Operation.KIBANA, _REPEATED),
    "account.show": _OWN,
    "account.change_password": Recorded(Operation.PASSWORD_CHANGE),
    "account.end_sessions": Recorded(Operation.SESSIONS_END),
    "account.create_token": Recorded(Operation.TOKEN_CREATE),
    "account.revoke_token": Recorded(Operation.TOKEN_REVOKE),
    "api_account.show_me": _OWN,
    "api_account.list_tokens": _OWN,
    "api_account.create_token": Recorded(Operation.TOKEN_CREATE),
    "api_account.revoke_token": Recorded(Operation.TOKEN_REVOKE),
    "users.index": Recorded(Operation.USER_VIEW),
    "users.add": Recorded(Operation.USER_CREATE),
    "users.change": Recorded(Operation.USER_CHANGE),
    "users.delete": Recorded(Operation.USER_DELETE),
    "api_users.list_users": Recorded(Operation.USER_VIEW),
    "api_users.show_user": Recorded(Operation.USER_VIEW),
    "api_users.add_user": Recorded(Operation.USER_CREATE),
    "api_users.change_user": Recorded(Operation.USER_CHANGE),
    "api_users.delete_user": Recorded(Operation.USER_DELETE),
    # The audit log.
    "audit.index": Recorded(Operation.AUDIT_SEARCH),
    "audit.export": Recorded(Operation.AUDIT_EXPORT),
    "api_audit.list_events": Recorded(Operation.AUDIT_SEARCH),
}
