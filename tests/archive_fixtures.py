"""Fixtures of the archive of real images, for the conftest files that import them."""

import secrets
from collections.abc import Iterator

import pytest

from indexer.settings import Settings
from tests.archive import Indexed, archive_of

__all__ = ["archive_settings", "images"]


@pytest.fixture(scope="session")
def archive_settings(elasticsearch_url: str, redis_url: str, tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """Settings of the session's archive."""
    return Settings(
        home=tmp_path_factory.mktemp("home"),
        elasticsearch_url=elasticsearch_url,
        redis_url=redis_url,
        index=f"archive-{secrets.token_hex(6)}",
    )


@pytest.fixture(scope="session")
def images(archive_settings: Settings, tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[Indexed]]:
    """The images of the archive."""
    with archive_of(archive_settings, tmp_path_factory.mktemp("made")) as found:
        yield found
