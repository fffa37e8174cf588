"""The index behind its aliases, and the place of its backups: made once, before the first import."""

from collections.abc import Callable

from elasticsearch import ApiError, Elasticsearch, TransportError

from indexer.connecting import connect_elasticsearch, explain, refusal
from indexer.settings import Settings
from indexer.setup.waiting import wait_for
from indexer.snapshots import register_repository
from mappings.index import current_version, ensure_index

_ASK_SECONDS = 10.0


class SetupError(Exception):
    """A step failed; the message says which and what to do."""


def make_index(settings: Settings, *, seconds: float, say: Callable[[str], None]) -> None:
    """Create index, aliases and, where the settings have one, the repository of snapshots; what is there stays.

    Parameters
    ----------
    seconds
        How long Elasticsearch is waited for, at most.
    say
        Told a line for each step.

    Raises
    ------
    NotReadyError
        Elasticsearch does not become ready.
    SetupError
        It refuses what is asked of it: a wrong password, a certificate, or a folder that it may not write to.
    """
    with connect_elasticsearch(settings, request_timeout=_ASK_SECONDS, max_retries=0, retry_on_timeout=False) as client:
        wait_for("Elasticsearch", lambda: _why_not_ready(client), seconds, say)
        # A new index with many shards takes longer than an answer to a question.
        patient = client.options(request_timeout=settings.request_seconds)
        try:
            _make(patient, settings, say)
        except (ApiError, TransportError) as error:
            raise SetupError(explain(error)) from error


def _why_not_ready(client: Elasticsearch) -> str | None:
    try:
        client.cluster.health(wait_for_status="yellow", timeout="1s")
    except (ApiError, TransportError) as error:
        if refused := refusal(error):
            raise SetupError(refused) from error
        if isinstance(error, ApiError) and error.status_code == 408:
            return "an index has no copy that can be read (health: red)"
        return explain(error)
    return None


def _make(client: Elasticsearch, settings: Settings, say: Callable[[str], None]) -> None:
    was_there = bool(client.indices.exists_alias(name=settings.index))
    name = ensure_index(client, settings.index, shards=settings.shards, replicas=settings.replicas)
    say(f"index: {name} {'is' if was_there else 'was made and put'} behind the alias {settings.index}")
    if not current_version(client, settings.index).is_current:
        say("index: it is older than this version of dicomsearch; run `dicomsearch migrate`")
    if settings.snapshots is not None:
        register_repository(client, settings.snapshots)
        say(f"backups: kept by Elasticsearch in {settings.snapshots}")
    else:
        say("backups: DICOMSEARCH_SNAPSHOTS is not set, so there can be none")
