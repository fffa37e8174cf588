"""What each route asks of those who use it: one table, from which tests are made, too.

A route that is not in the table is refused to everybody: who adds a route decides here who may use it.
"""

from dataclasses import dataclass

from app.accounts.model import Role


@dataclass(frozen=True, slots=True)
class Rule:
    """What a route asks.

    Attributes
    ----------
    role
        The least role that may use it; None for everybody, also without signing in.
    deidentified
        Whether those may use it for whom identifying attributes are masked.
    """

    role: Role | None
    deidentified: bool = False


OPEN = Rule(None, deidentified=True)
VIEW = Rule(Role.VIEWER)
VIEW_MASKED = Rule(Role.VIEWER, deidentified=True)
OPERATE = Rule(Role.OPERATOR)
ADMINISTER = Rule(Role.ADMIN)

RULES: dict[str, Rule] = {
    # What everybody may see: nothing of the archive.
    "static": OPEN,
    "bootstrap.static": OPEN,
    "api_docs.static": OPEN,
    "health.healthz": OPEN,
    "health.readyz": OPEN,
    "sessions.login": OPEN,
    "sessions.log_in": OPEN,
    "sessions.allowed": OPEN,  # it answers whether somebody has signed in
    "metrics.metrics": OPEN,  # on a port of its own
    # One's own account.
    "sessions.log_out": VIEW_MASKED,
    "account.show": VIEW_MASKED,
    "account.change_password": VIEW_MASKED,
    "account.end_sessions": VIEW_MASKED,
    "account.create_token": VIEW_MASKED,
    "account.revoke_token": VIEW_MASKED,
    "api_account.show_me": VIEW_MASKED,
    "api_account.list_tokens": VIEW_MASKED,
    "api_account.create_token": VIEW_MASKED,
    "api_account.revoke_token": VIEW_MASKED,
    # Searching and seeing.
    "search.index": VIEW_MASKED,
    "images.show": VIEW_MASKED,
    "headers.index": VIEW_MASKED,
    "headers.show": VIEW_MASKED,
    "saved_searches.index": VIEW,
    "saved_searches.add": VIEW,
    "saved_searches.rename": VIEW,
    "saved_searches.delete": VIEW,
    "api_docs.docs": VIEW_MASKED,
    "api_docs.openapi": VIEW_MASKED,
    "api_search.search": VIEW_MASKED,
    "api_exports.export": VIEW_MASKED,
    "api_headers.list_headers": VIEW_MASKED,
    "api_headers.show_header_values": VIEW_MASKED,
    "api_images.show_image": VIEW_MASKED,
    "api_images.show_header": VIEW_MASKED,
    "api_likeness.show_alike": VIEW_MASKED,
    "api_previews.show_preview": VIEW_MASKED,
    "api_previews.show_preview_info": VIEW_MASKED,
    "api_saved_searches.list_saved_searches": VIEW,
    "api_saved_searches.add_saved_search": VIEW,
    "api_saved_searches.show_saved_search": VIEW,
    "api_saved_searches.change_saved_search": VIEW,
    "api_saved_searches.delete_saved_search": VIEW,
    # Names of batches, folders and files may be names of patients.
    "status.index": VIEW,
    "batches.show": VIEW,
    "api_batches.list_batches": VIEW,
    "api_batches.show_batch": VIEW,
    "api_batches.show_receipt": VIEW,
    "api_batches.list_images": VIEW,
    "api_operations.list_events": VIEW,
    "api_likeness.show_unusual": VIEW,
    "api_files.show_file": VIEW,
    "es.query": VIEW,
    # Bringing images in.
    "uploads.index": OPERATE,
    "uploads.upload": OPERATE,
    "api_uploads.begin_upload": OPERATE,
    "api_uploads.show_upload": OPERATE,
    "api_uploads.cancel_upload": OPERATE,
    "api_uploads.complete_upload": OPERATE,
    "api_uploads.put_file": OPERATE,
    "api_batches.describe_batch": OPERATE,
    "operations.describe": OPERATE,
    "operations.retry": OPERATE,
    "operations.ask_cancel": OPERATE,
    "operations.cancel": OPERATE,
    "operations.ask_sync": OPERATE,
    "operations.sync": OPERATE,  # removing what has gone from the disk: administrators
    "operations.ask_verify": OPERATE,
    "operations.verify": OPERATE,
    "api_operations.retry_batch": OPERATE,
    "api_operations.cancel_batch": OPERATE,
    "api_operations.sync_batch": OPERATE,
    "api_operations.verify_batch": OPERATE,
    # Deleting, users, the audit log.
    "operations.ask_delete": ADMINISTER,
    "operations.delete": ADMINISTER,
    "api_batches.delete_batch": ADMINISTER,
    "users.index": ADMINISTER,
    "users.add": ADMINISTER,
    "users.change": ADMINISTER,
    "users.delete": ADMINISTER,
    "api_users.list_users": ADMINISTER,
    "api_users.add_user": ADMINISTER,
    "api_users.show_user": ADMINISTER,
    "api_users.change_user": ADMINISTER,
    "api_users.delete_user": ADMINISTER,
    "audit.index": ADMINISTER,
    "audit.export": ADMINISTER,
    "api_audit.list_events": ADMINISTER,
}
