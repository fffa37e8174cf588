"""`/`: whether everything is running, and how far the batches are."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import redis
from flask import Blueprint, render_template, request, url_for

from app.archive import ArchiveState, ArchiveUnavailableError
from app.batch_filter import BatchFilter, find_batches
from app.services import Services, services
from app.web.disks import disks_of
from app.web.formats import duration, file_size, plural, rate
from app.web.paging import Pages, page_number
from indexer.audit import AuditUnavailableError
from indexer.settings import Settings
from indexer.status import Batch, BatchStatus, Page, StatusUnavailableError, WatcherStatus, WorkerStatus

blueprint = Blueprint("status", __name__)
_PAGE = 25
_LONGEST = 1_000
# Events of the audit log are moved within seconds; each takes about so many bytes in Redis.
_AUDIT_SECONDS = 120
_AUDIT_BYTES = 1_200
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
    wanted = _filter()
    problem, batches, waiting = None, _EMPTY, None
    workers: Sequence[WorkerStatus] = ()
    pages = Pages(number, _PAGE, 0)
    try:
        batches = find_batches(services().status, wanted, (number - 1) * _PAGE, _PAGE)
        waiting = services().status.waiting()
        workers = services().status.workers()
        pages = Pages(number, _PAGE, batches.count).checked()
    except StatusUnavailableError as error:
        problem = str(error)
    errors = None if wanted.has_error is None else int(wanted.has_error)
    named: dict[str, Any] = {"q": wanted.text or None, "status": wanted.status, "errors": errors, "tag": wanted.tag}
    return render_template(
        "status.html",
        states=_states(services(), problem, workers),
        workers=workers,
        batches=batches,
        wanted=wanted,
        waiting=waiting,
        problem=problem,
        pages=pages,
        page_link=lambda page: url_for("status.index", page=page, **named),
        moving=any(batch.status != "DONE" or batch.deleting for batch in batches.results),
    )


def _filter() -> BatchFilter:
    """Which batches are wanted; what makes no sense wants any."""
    given = request.args
    status = given.get("status", "")
    return BatchFilter(
        given.get("q", "")[:_LONGEST],
        BatchStatus(status) if status in BatchStatus.__members__ else None,
        {"1": True, "0": False}.get(given.get("errors", "")),
        given.get("tag", "")[:_LONGEST] or None,
    )


def _states(found: Services, problem: str | None, workers: Sequence[WorkerStatus]) -> list[ServiceState]:
    archive = _archive(found)
    disks = _disks(found.settings)
    if problem is not None:
        return [_unknown("Watcher"), _unknown("Workers"), archive, _redis(problem), *disks]
    try:
        watcher, queue = _watcher(found.status.watcher()), found.indexer.queue.waiting()
        audit = list(_audit(found))
    except (StatusUnavailableError, AuditUnavailableError, redis.RedisError) as error:
        return [archive, _redis(str(error)), *disks]
    return [watcher, _workers(workers, queue), archive, _redis(None), *audit, *disks]


def _unknown(name: str) -> ServiceState:
    return ServiceState(name, "unknown", "Unknown", "Not known while Redis is away.")


def _redis(problem: str | None) -> ServiceState:
    if problem is None:
        return ServiceState("Redis", "ok", "Running", "Status and task queue.")
    return ServiceState("Redis", "bad", "Away", problem)


def _audit(found: Services) -> Iterator[ServiceState]:
    """A tile only where events of the audit log pile up in Redis."""
    backlog = found.indexer.audit.backlog()
    if backlog.seconds > _AUDIT_SECONDS:
        room = file_size(backlog.events * _AUDIT_BYTES)
        text = (
            f"{plural(backlog.events, 'event')} wait for Elasticsearch, the oldest for {duration(backlog.seconds)}, in "
            f"about {room} of Redis's memory. The watcher moves them when both run."
        )
        yield ServiceState("Audit log", "warning", "Waits", text)


def _disks(settings: Settings) -> Iterator[ServiceState]:
    watched = settings.incoming_folders
    folders = {"dicomsearch's data": settings.home.absolute()}
    folders |= {"the watched folder" if len(watched) == 1 else str(folder): folder for folder in watched}
    for disk in disks_of(folders):
        room = f"{file_size(disk.free)} of {file_size(disk.size)} are free on the disk of {disk.holds}."
        if disk.free < settings.disk_low_bytes:
            text = f"{room} Free some space: uploads are refused, and indexing will stop when it is full."
            yield ServiceState("Disk", "warning", "Nearly full", text)
        else:
            yield ServiceState("Disk", "ok", f"{file_size(disk.free)} free", room)


def _watcher(watcher: WatcherStatus) -> ServiceState:
    if not watcher.alive:
        detail = "Finished folders are not noticed. Start it with `dicomsearch watch`."
        state = "Stopped" if watcher.last_seen else "Not started"
        return ServiceState("Watcher", "bad", state, detail, watcher.last_seen)
    if watcher.notice:
        return ServiceState("Watcher", "warning", "Watching", watcher.notice)
    return ServiceState("Watcher", "ok", "Watching", watcher.folder or "")


def _workers(workers: Sequence[WorkerStatus], queue: int) -> ServiceState:
    alive = [worker for worker in workers if worker.alive]
    waiting = f" {plural(queue, 'task')} wait{'s' if queue == 1 else ''} for a worker." if queue else ""
    if not alive:
        last = max((worker.last_seen for worker in workers), default=None)
        detail = f"Nothing is indexed until a Celery worker is started.{waiting}"
        return ServiceState("Workers", "bad", "None running", detail, last)
    doing = sorted({batch for worker in alive for batch in worker.doing})
    state = f"{len(alive)} running"
    silent = len(workers) - len(alive)
    if doing:
        shown = ", ".join(doing[:3]) + (f" and {len(doing) - 3} more" if len(doing) > 3 else "")
        speed = sum(worker.rate for worker in alive)
        pace = f" {rate(speed).removesuffix('/s')} images per second." if speed else ""
        return ServiceState("Workers", "busy", state, f"Indexing {shown}.{pace}{waiting}")
    if silent:
        return ServiceState("Workers", "warning", state, f"{silent} not heard of any more.{waiting}")
    return ServiceState("Workers", "ok", state, waiting.strip() or "Idle: nothing to index.")


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
