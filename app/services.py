"""What the web application works with: built once for each process, shared by its threads."""

from dataclasses import dataclass
from typing import cast

from elasticsearch import Elasticsearch
from flask import Flask, current_app

from app.accounts.accounts import Accounts
from app.accounts.current import actor, actor_if_known
from app.accounts.model import Role
from app.archive import Archive
from app.archive.elastic import Timer, untimed
from app.archive.receipts import BatchReceipts, IndexAge
from app.audit.searching import AuditEvents
from app.deidentified.services import masked
from app.es.passing import Passing
from app.export import Seats
from app.metrics.meter import Meter
from app.preview.processes import Bounds, Previews
from app.saved import SavedSearches
from app.search.limits import QueryLimits
from app.uploads import Bounds as UploadBounds
from app.uploads import Uploads
from indexer import connecting
from indexer import services as indexing
from indexer.settings import Settings
from indexer.status import StatusStore, connect

_KEY = "dicomsearch"
_MASKED_KEY = "dicomsearch-deidentified"


@dataclass(frozen=True, slots=True)
class Services:
    """The archive and the status, with the settings they were built from.

    Attributes
    ----------
    indexer
        What changes batches works with: the same as in workers, but it does not wait for a Redis that is away.
    """

    settings: Settings
    accounts: Accounts
    archive: Archive
    receipts: BatchReceipts
    index: IndexAge
    status: StatusStore
    seats: Seats
    saved: SavedSearches
    previews: Previews
    uploads: Uploads
    elasticsearch: Passing
    audit: AuditEvents
    indexer: indexing.Services
    meter: Meter


def connect_elasticsearch(settings: Settings) -> Elasticsearch:
    """Open a client as pages need it: one more try, and no long wait; nothing is asked yet."""
    return connecting.connect_elasticsearch(
        settings,
        request_timeout=settings.request_seconds,
        max_retries=1,
        retry_on_timeout=False,
        # A node that was away for a moment is asked again at once: there is often no other.
        dead_node_backoff_factor=0,
    )


def build_archive(settings: Settings, client: Elasticsearch | None = None, timed: Timer = untimed) -> Archive:
    """Connect to the archive; nothing is asked yet."""
    client = client or connect_elasticsearch(settings)
    return Archive(client, settings.index, query_limits(settings), settings.search_seconds, timed)


def build_services(settings: Settings) -> Services:
    """Connect to everything; nothing is asked yet."""
    client = connect_elasticsearch(settings)
    redis = connect(settings.redis_url)
    meter = Meter(settings)
    return Services(
        settings,
        Accounts.of(settings, redis),
        build_archive(settings, client, meter.searching),
        BatchReceipts(client, settings.index),
        IndexAge(client, settings.index),
        StatusStore(redis),
        Seats(settings.exports_at_once),
        SavedSearches(redis, settings.saved_searches),
        Previews(Bounds.of(settings)),
        Uploads(settings.incoming_folder, upload_bounds(settings)),
        Passing(settings),
        AuditEvents(client, settings.audit_index, settings.search_seconds),
        indexing.build_services(settings, patient=False),
        meter,
    )


def query_limits(settings: Settings) -> QueryLimits:
    """Take the limits of queries from the settings."""
    return QueryLimits(
        characters=settings.query_characters,
        depth=settings.query_depth,
        clauses=settings.query_clauses,
        patterns=settings.query_patterns,
        leading_wildcards=settings.query_leading_wildcards,
        values=settings.query_values,
    )


def upload_bounds(settings: Settings) -> UploadBounds:
    """Take the bounds of uploads from the settings."""
    return UploadBounds(
        allowed=settings.uploads,
        bytes=settings.upload_bytes,
        files=settings.upload_files,
        seconds=settings.upload_hours * 3_600,
        free=settings.disk_low_bytes,
    )


def attach(app: Flask, services: Services) -> None:
    """Give an application its services."""
    app.extensions[_KEY] = services
    app.extensions[_MASKED_KEY] = masked(services, services.settings)


def services() -> Services:
    """The services of the application that handles this request, as whoever asks may use them."""
    who = actor_if_known()
    key = _MASKED_KEY if who is not None and who.deidentified else _KEY
    return cast(Services, current_app.extensions[key])


def whole_services() -> Services:
    """The same whoever asks: for what tells them nothing, as the audit log."""
    return cast(Services, current_app.extensions[_KEY])


def saved_of_actor() -> SavedSearches:
    """The saved searches, as the one who asks sees them."""
    who = actor()
    return services().saved.seen_by(who.name, manages=who.role is Role.ADMIN)
