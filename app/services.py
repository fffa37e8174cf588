"""What the web application works with: built once for each process, shared by its threads."""

from dataclasses import dataclass
from typing import cast

from elasticsearch import Elasticsearch
from flask import Flask, current_app

from app.archive import Archive
from app.search.limits import QueryLimits
from indexer.settings import Settings
from indexer.status import StatusStore, connect

_KEY = "dicomsearch"


@dataclass(frozen=True, slots=True)
class Services:
    """The archive and the status, with the settings they were built from."""

    settings: Settings
    archive: Archive
    status: StatusStore


def build_archive(settings: Settings) -> Archive:
    """Connect to the archive; nothing is asked yet."""
    client = Elasticsearch(
        settings.elasticsearch_url,
        request_timeout=settings.request_seconds,
        max_retries=1,
        retry_on_timeout=False,
        # A node that was away for a moment is asked again at once: there is often no other.
        dead_node_backoff_factor=0,
    )
    return Archive(client, settings.index, query_limits(settings), settings.search_seconds)


def build_services(settings: Settings) -> Services:
    """Connect to everything; nothing is asked yet."""
    return Services(settings, build_archive(settings), StatusStore(connect(settings.redis_url)))


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


def attach(app: Flask, services: Services) -> None:
    """Give an application its services."""
    app.extensions[_KEY] = services


def services() -> Services:
    """The services of the application that handles this request."""
    return cast(Services, current_app.extensions[_KEY])
