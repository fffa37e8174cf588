"""What can go wrong when the archive is asked: three kinds, whatever Elasticsearch calls them."""

from elasticsearch import BadRequestError


class ArchiveUnavailableError(Exception):
    """Elasticsearch does not answer, or has no index yet; the message says what to do."""


class QueryRefusedError(Exception):
    """Elasticsearch cannot run the query; the message gives its reason."""


class ImageNotFoundError(Exception):
    """There is no image of this id."""


def reason_of(error: BadRequestError) -> str:
    """The reason that Elasticsearch gives, the innermost one."""
    details = error.info.get("error", {}) if isinstance(error.info, dict) else {}
    causes = details.get("root_cause") or [details]
    return f"Elasticsearch cannot run this query: {causes[0].get('reason') or error.message}"
