"""`/`: whether everything is running, and how far the batches are."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from flask import Blueprint, render_template, request, url_for

from app.archive import ArchiveState, ArchiveUnavailableError
from app.services import Services, services
from app.web.paging import Pages, page_number
from indexer.status import Batch, Page, StatusUnavailableError, WatcherStatus, WorkerStatus

blueprint = Blueprint("status", __name__)
_PAGE = 25
_EMPTY: Page[Batch] = Page(0, [])


@dataclass(frozen=True, slots=True)
class ServiceState:
    """How one service is, for a tile.

    Attributes
    ----------
    level
        `ok`, `busy`, `warning`, `bad` or `unknown`; colour and sign of the tile.
    state
        In one or two words.
    detail
        In a sentence, with what to do where something is wrong.
    """

    name: str
    level: str
    state: str
    detail: str
    since: datetime | None = None


@blueprint.get("/")
def index() -> str:
    """Show the status page."""
    number = page_number(request.args.get("page"))
    problem, batches, waiting = None, _EMPTY, None
    pages = Pages(number, _PAGE, 0)
    try:
        batches = services().status.batches((number - 1) * _PAGE, _PAGE)
        waiting = services().status.waiting()
        pages = Pages(number, _PAGE, batches.count).checked()
    except StatusUnavailableError as error:
        problem = str(error)
    return render_template(
        "status.html",
        states=_states(services(), problem),
        batches=batches,
        waiting=waiting,
        problem=problem,
        pages=pages,
        page_link=lambda page: url_for("status.index", page=page),
        moving=any(batch.status != "DONE" for batch in batches.results),
    )


def _states(found: Services, problem: str | None) -> list[ServiceState]:
    archive = _archive(found)
    if problem is not None:
        unknown = "Not known while Redis is away."
        watcher = ServiceState("Watcher", "unknown", "Unknown", unknown)
        workers = ServiceState("Workers", "unknown", "Unknown", unknown)
        return [watcher, workers, archive, ServiceState("Redis", "bad", "Away", problem)]
    redis = ServiceState("Redis", "ok", "Running", "Status and task queue.")
    try:
        return [_watcher(found.status.watcher()), _workers(found.status.workers()), archive, redis]
    except StatusUnavailableError as error:
        return [archive, ServiceState("Redis", "bad", "Away", str(error))]


def _watcher(watcher: WatcherStatus) -> ServiceState:
    if not watcher.alive:
        detail = "Finished folders are not noticed. Start it with `dicomsearch watch`."
        state = "Stopped" if watcher.last_seen else "Not started"
        return ServiceState("Watcher", "bad", state, detail, watcher.last_seen)
    if watcher.notice:
        return ServiceState("Watcher", "warning", "Watching", watcher.notice)
    return ServiceState("Watcher", "ok", "Watching", watcher.folder or "")


def _workers(workers: Sequence[WorkerStatus]) -> ServiceState:
    alive = [worker for worker in workers if worker.alive]
    if not alive:
        last = max((worker.last_seen for worker in workers), default=None)
        detail = "Nothing is indexed until a Celery worker is started."
        return ServiceState("Workers", "bad", "None running", detail, last)
    doing = sorted({batch for worker in alive for batch in worker.doing})
    state = f"{len(alive)} running"
    silent = len(workers) - len(alive)
    if doing:
        shown = ", ".join(doing[:3]) + (f" and {len(doing) - 3} more" if len(doing) > 3 else "")
        return ServiceState("Workers", "busy", state, f"Indexing {shown}.")
    if silent:
        return ServiceState("Workers", "warning", state, f"{silent} not heard of any more.")
    return ServiceState("Workers", "ok", state, "Idle: nothing to index.")


def _archive(found: Services) -> ServiceState:
    try:
        state = found.archive.state()
    except ArchiveUnavailableError as error:
        return ServiceState("Elasticsearch", "bad", "Away", str(error))
    if advice := found.index.advice():
        return ServiceState("Elasticsearch", "warning", "Old index", advice)
    levels = {"green": ("ok", "Running"), "yellow": ("ok", "Running"), "red": ("bad", "Red")}
    level, word = levels.get(state.status, ("unknown", state.status))
    return ServiceState("Elasticsearch", level, word, _archive_detail(state))


def _archive_detail(state: ArchiveState) -> str:
    if state.status == "red":
        return "A part of the index is missing: searches find less than there is."
    if state.images is None:
        return "The index is created when the first batch comes."
    return f"{state.images:,} images can be searched." if state.images != 1 else "1 image can be searched."
