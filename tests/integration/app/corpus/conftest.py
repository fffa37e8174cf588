"""The web application over the whole corpus of real files, and pydicom's view of each of its images."""

import secrets
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient
from redis import Redis

from app import create_app
from app.archive import Archive, SearchRequest
from app.services import build_archive
from indexer.settings import Settings
from tests.corpus_archive import UNREADABLE_BY_PYDICOM, CorpusArchive, corpus_archive
from tests.corpus_oracle import Question, Seen

# What pydicom cannot judge is left out of all searches.
UNJUDGED = tuple(f'-file.name:="{name}"' for name in sorted(UNREADABLE_BY_PYDICOM))

Find = Callable[[str], set[str]]
Judge = Callable[[Question], frozenset[str]]


@pytest.fixture(scope="session")
def corpus_settings(elasticsearch_url: str, redis_url: str, tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """Settings of the archive."""
    return Settings(
        home=tmp_path_factory.mktemp("home"),
        elasticsearch_url=elasticsearch_url,
        redis_url=redis_url,
        index=f"corpus-{secrets.token_hex(6)}",
    )


@pytest.fixture(scope="session")
def imported(
    corpus: Path, corpus_settings: Settings, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[CorpusArchive]:
    """The corpus, indexed."""
    with corpus_archive(corpus_settings, corpus, tmp_path_factory.mktemp("made")) as archive:
        yield archive


@pytest.fixture(scope="session")
def seen(imported: CorpusArchive) -> list[Seen]:
    """The images, as pydicom sees them."""
    return [Seen(image) for image in imported.images if image.path.name not in UNREADABLE_BY_PYDICOM]


@pytest.fixture(scope="session")
def judged(seen: list[Seen]) -> Judge:
    """Ask a question of every image; each question is asked once."""

    @cache
    def judged(question: Question) -> frozenset[str]:
        return frozenset(image.id for image in seen if question(image))

    return judged


@pytest.fixture(scope="session")
def archive(corpus_settings: Settings, imported: CorpusArchive) -> Archive:
    """The archive as the application asks it."""
    return build_archive(corpus_settings)


@pytest.fixture(scope="session")
def find(archive: Archive) -> Find:
    """Find the ids of images by a query."""

    def find(query: str) -> set[str]:
        answer = archive.search(SearchRequest(query, size=1_000, fields=("id",), filters=UNJUDGED))
        assert answer.total == len(answer.results)
        assert not answer.partial
        return {result.id for result in answer.results}

    return find


@pytest.fixture
def web(corpus_settings: Settings, imported: CorpusArchive, redis_client: Redis) -> FlaskClient:
    """A client of the application, which answers errors as in production."""
    application: Flask = create_app(corpus_settings)
    return application.test_client()
