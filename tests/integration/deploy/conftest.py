"""The deployment as docker-compose.yml describes it."""

from typing import Any

import pytest

from tests.integration.deploy.compose_file import services_of


@pytest.fixture(scope="session")
def compose(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """The whole project, resolved by Docker Compose with the values of .env.example."""
    return services_of(tmp_path_factory.mktemp("compose"))
