"""What tests of a secured Elasticsearch share."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from redis import Redis

from indexer.cli import group
from indexer.services import build_services
from indexer.settings import Settings
from tests.operating import Operating
from tests.processes import environment_of

Run = Callable[..., Result]


@pytest.fixture
def run(secured_settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Run a command with the settings of the secured node, as web and workers have them, and with changes."""

    def run(*arguments: object, **changes: object) -> Result:
        given = environment_of(secured_settings.model_copy(update=changes))
        for name, value in given.items():
            if name.startswith("DICOMSEARCH_"):
                monkeypatch.setenv(name, value)
        return CliRunner().invoke(group, [str(argument) for argument in arguments])

    return run


@pytest.fixture
def operating(secured_settings: Settings, redis_client: Redis, tmp_path: Path) -> Iterator[Operating]:
    """Batches in the secured node."""
    operating = Operating(build_services(secured_settings), tmp_path / "in")
    yield operating
    operating.services.elasticsearch.close()
