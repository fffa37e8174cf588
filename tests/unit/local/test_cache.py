"""Where downloaded services are kept."""

import os
from pathlib import Path

import pytest

from indexer.settings import Settings
from local.cache import cache_folder


@pytest.mark.parametrize(
    ("user", "setting", "environment", "folder"),
    [
        (1000, None, {"HOME": "/home/ada"}, "/home/ada/.cache/dicomsearch"),
        (1000, None, {"HOME": "/home/ada", "XDG_CACHE_HOME": "/big/cache"}, "/big/cache/dicomsearch"),
        (1000, None, {"HOME": "/home/ada", "XDG_CACHE_HOME": "relative"}, "/home/ada/.cache/dicomsearch"),
        (0, None, {"HOME": "/root", "XDG_CACHE_HOME": "/root/c"}, "/var/cache/dicomsearch"),
        (0, "/srv/cache", {"HOME": "/root"}, "/srv/cache"),
        (1000, "/srv/cache", {"HOME": "/home/ada"}, "/srv/cache"),
    ],
)
def test_the_cache_is_the_users_own_and_roots_can_be_reached_by_others(
    monkeypatch: pytest.MonkeyPatch, user: int, setting: str | None, environment: dict[str, str], folder: str
) -> None:
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    monkeypatch.delenv("DICOMSEARCH_CACHE", raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(os, "geteuid", lambda: user)
    assert cache_folder(Settings(cache=Path(setting) if setting else None)) == Path(folder)
