"""The dashboards of `kibana/*.ndjson`, put into Kibana through its API of saved objects.

https://www.elastic.co/docs/api/doc/kibana/operation/operation-post-saved-objects-import
"""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import urllib3

from indexer.connecting import trusting
from indexer.settings import PREFIX, Settings
from indexer.setup.index import SetupError
from indexer.setup.waiting import wait_for

_ASK_SECONDS = 10.0
_IMPORT_SECONDS = 120.0
_ERRORS_TOLD = 5


def import_dashboards(settings: Settings, *, seconds: float, say: Callable[[str], None]) -> None:
    """Import each file; objects of the same id are replaced, and nothing else is touched.

    Parameters
    ----------
    seconds
        How long Kibana is waited for, at most.
    say
        Told a line for each step.

    Raises
    ------
    NotReadyError
        Kibana does not become ready.
    SetupError
        There is nothing to import, or Kibana refuses it.
    """
    files = sorted(settings.kibana_files.glob("*.ndjson"))
    if not files:
        raise SetupError(f"there is no .ndjson file in {settings.kibana_files}: set {PREFIX}KIBANA_FILES")
    kibana = _Kibana(settings)
    wait_for("Kibana", kibana.why_not_ready, seconds, say)
    for file in files:
        say(f"Kibana: {file.name} is imported, {kibana.load(file)} objects")


class _Kibana:
    def __init__(self, settings: Settings) -> None:
        if settings.kibana_url is None:
            raise SetupError(f"{PREFIX}KIBANA_URL is not set")
        self._url = settings.kibana_url.rstrip("/")
        self._user = settings.analyst_username
        headers = {"kbn-xsrf": "dicomsearch"}
        if settings.analyst_password is not None:
            password = settings.analyst_password.get_secret_value()
            headers |= urllib3.make_headers(basic_auth=f"{self._user}:{password}")
        context = trusting(settings) if self._url.startswith("https:") else None
        self._http = urllib3.PoolManager(headers=headers, retries=False, ssl_context=context)

    def why_not_ready(self) -> str | None:
        """Ask for its status, as https://www.elastic.co/docs/api/doc/kibana/operation/operation-get-status says."""
        try:
            answer = self._http.request("GET", f"{self._url}/api/status", timeout=_ASK_SECONDS)
        except urllib3.exceptions.HTTPError as error:
            if isinstance(error, urllib3.exceptions.SSLError):
                raise SetupError(
                    f"the certificate of {PREFIX}KIBANA_URL is refused: is {PREFIX}ELASTICSEARCH_CA right?"
                ) from error
            return "it cannot be reached"
        self._require_allowed(answer.status)
        if answer.status != 200:
            return f"it answered {answer.status}"
        level = _in(_json(answer), "status", "overall", "level")
        return None if level == "available" else f"it is {level or 'starting'}"

    def load(self, file: Path) -> int:
        """Import one file; answer how many objects it has."""
        try:
            answer = self._http.request(
                "POST",
                f"{self._url}/api/saved_objects/_import?overwrite=true",
                fields={"file": (file.name, file.read_bytes(), "application/ndjson")},
                timeout=_IMPORT_SECONDS,
            )
        except urllib3.exceptions.HTTPError as error:
            raise SetupError(f"Kibana did not answer when {file.name} was imported ({type(error).__name__})") from error
        self._require_allowed(answer.status)
        result = _json(answer)
        if answer.status != 200:
            raise SetupError(f"Kibana refuses {file.name} ({answer.status}: {_in(result, 'message') or 'no reason'})")
        if not _in(result, "success"):
            errors = _in(result, "errors") or []
            told = "; ".join(
                f"{_in(one, 'type')} {_in(one, 'id')}: {_in(one, 'error', 'type')}" for one in errors[:_ERRORS_TOLD]
            )
            raise SetupError(f"Kibana did not import all of {file.name}: {told or 'it does not say why'}")
        return int(_in(result, "successCount") or 0)

    def _require_allowed(self, status: int) -> None:
        if status == 401:
            raise SetupError(f"{PREFIX}ANALYST_PASSWORD is not the password of the user {self._user!r} of Kibana")
        if status == 403:
            raise SetupError(
                f"the user {self._user!r} may not import into Kibana: `dicomsearch setup files` makes its role"
            )


def _json(answer: urllib3.BaseHTTPResponse) -> Any:
    try:
        return json.loads(answer.data)
    except ValueError:
        return None


def _in(value: Any, *names: str) -> Any:
    """Look up a value by names inside one another; None where one is missing."""
    for name in names:
        value = value.get(name) if isinstance(value, dict) else None
    return value
