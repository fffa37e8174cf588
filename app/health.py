"""`/healthz`: this process answers. `/readyz`: so do the services that it needs."""

from typing import Any

from flask import Blueprint

from app.archive import ArchiveUnavailableError
from app.services import services
from indexer.status import StatusUnavailableError

blueprint = Blueprint("health", __name__)


@blueprint.get("/healthz")
def healthz() -> dict[str, str]:
    """Say that the process is alive."""
    return {"status": "ok"}


@blueprint.get("/readyz")
def readyz() -> tuple[dict[str, Any], int]:
    """Say whether searches and the status can be answered; 503 where not. An old mapping is told, and no failure."""
    checks = {"elasticsearch": _elasticsearch(), "redis": _redis()}
    ready = all(check == "ok" for check in checks.values())
    answer: dict[str, Any] = {"status": "ok" if ready else "unavailable", "checks": checks}
    if ready and (advice := services().index.advice()):
        answer["warnings"] = [advice]
    return answer, 200 if ready else 503


def _elasticsearch() -> str:
    try:
        status = services().archive.state().status
    except ArchiveUnavailableError as error:
        return str(error)
    return "ok" if status != "red" else "Elasticsearch is red: part of the index is missing."


def _redis() -> str:
    try:
        services().status.ping()
    except StatusUnavailableError as error:
        return str(error)
    return "ok"
