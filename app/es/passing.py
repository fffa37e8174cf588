"""Handing a request on to Elasticsearch, and its answer back, byte for byte."""

import threading
from collections.abc import Mapping
from dataclasses import dataclass

import urllib3

from app.archive import ArchiveUnavailableError
from indexer.connecting import trusting
from indexer.settings import Settings

PASSWORD = "DICOMSEARCH_ELASTICSEARCH_QUERY_PASSWORD"  # noqa: S105 the name of a variable
# Clients look for the first of these, and show the second.
_RETURNED = ("Content-Type", "X-Elastic-Product", "Warning")
_GRACE = 5  # seconds that an answer may take beyond the time limit of its search


@dataclass(frozen=True, slots=True)
class Passed:
    """What Elasticsearch answered."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class Passing:
    """A connection to Elasticsearch as the user who may only search.

    Parameters
    ----------
    settings
        With the address and the password.
    """

    def __init__(self, settings: Settings) -> None:
        self._url = settings.elasticsearch_url.rstrip("/")
        self._seconds = settings.search_seconds
        self._settings = settings
        self._pool: urllib3.PoolManager | None = None
        self._lock = threading.Lock()

    def pass_on(self, method: str, path: str, query: str, body: bytes, headers: Mapping[str, str]) -> Passed:
        """Ask Elasticsearch.

        Parameters
        ----------
        path, query
            Of the address, encoded.
        headers
            Of the request, those that say what the body is and what is accepted.

        Raises
        ------
        ArchiveUnavailableError
            It does not answer, or does not take the password.
        """
        address = f"{self._url}/{path}" + (f"?{query}" if query else "")
        try:
            answer = self._connected().request(
                method,
                address,
                body=body or None,
                headers={**headers, **self._credentials()},
                timeout=urllib3.Timeout(connect=3, read=self._seconds + _GRACE),
                retries=False,
                redirect=False,
            )
        except urllib3.exceptions.TimeoutError as error:
            raise ArchiveUnavailableError("Elasticsearch does not answer in time.") from error
        except urllib3.exceptions.HTTPError as error:
            raise ArchiveUnavailableError(
                f"Elasticsearch cannot be reached ({type(error).__name__}): is it running, and is "
                "DICOMSEARCH_ELASTICSEARCH_URL right?"
            ) from error
        if answer.status == 401:
            user = self._settings.elasticsearch_query_username
            raise ArchiveUnavailableError(f"{PASSWORD} is not the password of the user {user} in Elasticsearch.")
        returned = {name: answer.headers[name] for name in _RETURNED if name in answer.headers}
        return Passed(answer.status, returned, answer.data)

    def _connected(self) -> urllib3.PoolManager:
        # When it is first needed: certificates that cannot be read must not keep the pages from starting.
        with self._lock:
            if self._pool is None:
                secured = self._url.startswith("https:")
                self._pool = urllib3.PoolManager(maxsize=8, ssl_context=trusting(self._settings) if secured else None)
            return self._pool

    def _credentials(self) -> dict[str, str]:
        password = self._settings.elasticsearch_query_password
        if password is None:
            return {}
        who = f"{self._settings.elasticsearch_query_username}:{password.get_secret_value()}"
        return dict(urllib3.make_headers(basic_auth=who))
