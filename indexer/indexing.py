"""One chunk: its images are read, flattened and written, and each comes to its end in the status."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import orjson
import structlog

from indexer.duplicates import FIELD, Earlier, in_document, other_places
from indexer.finishing import finish
from indexer.isolation import prepare_alone
from indexer.metrics.catalogue import TASKS_DELAYED
from indexer.metrics.tally import flattened
from indexer.operations.withdrawing import withdraw_former
from indexer.preparing import Ready, failed, prepare
from indexer.queue import new_lease
from indexer.services import Services
from indexer.sink import Document, ElasticsearchUnavailableError
from indexer.status import ErrorCode, ImageStatus, Lease, Outcome
from indexer.status.claims import Claim
from indexer.status.ledger import FoundFile

log = structlog.get_logger(__name__)

# A task is begun twice as a whole; begun a third time its images are tried in halves, and a single one in a process of
# its own. Should the worker die even so, the image is given up.
_TRIES = 2
_TRIES_ALONE = 2
_PAUSE_SECONDS = 10.0


def index_chunk(services: Services, lease: Lease, worker: str, tries: int = 0) -> None:
    """Bring the images of a chunk to their end.

    Parameters
    ----------
    worker
        Who does it, for the status page.
    tries
        How many tasks have died of these images before.
    """
    batch = services.status.batch(lease.batch)
    if batch is None:
        services.leases.end(lease)
        return
    started = services.leases.start(lease, worker, tries)
    if started.tries > _TRIES and len(lease.paths) > 1:
        _halve(services, lease)
        return
    with services.leases.renewed(lease):
        files = services.ledger.begin(lease.batch, lease.paths)
        try:
            outcomes = _index(services, lease.batch, Path(batch.path), files, started.tries)
            withdraw_former(services, batch, outcomes)
        except ElasticsearchUnavailableError as away:
            log.warning("chunk waits", batch=lease.batch, chunk=lease.id, reason=str(away))
            services.ledger.settle(lease.batch, [Outcome(file, ImageStatus.NEW) for file in files])
            services.queue.index(lease, tries, delay=_PAUSE_SECONDS)
            services.tally.count(TASKS_DELAYED)
            _worked(services, worker, 0, str(away))
        else:
            _worked(services, worker, len(outcomes))
            if services.ledger.settle(lease.batch, outcomes):
                finish(services, lease.batch)
    services.leases.end(lease)


def _worked(services: Services, worker: str, images: int, error: str | None = None) -> None:
    """Say what a worker has done, and in the same request what it has counted meanwhile."""
    with services.tally.taken() as amounts:
        services.presence.worked(worker, images, error, flattened(amounts))


def _halve(services: Services, lease: Lease) -> None:
    """Split a chunk that its workers die of, until the file that kills them stands alone."""
    middle = len(lease.paths) // 2
    for half in (lease.paths[:middle], lease.paths[middle:]):
        services.queue.index(new_lease(lease.batch, half), tries=_TRIES - 1)
    log.error("chunk halved", batch=lease.batch, chunk=lease.id, images=len(lease.paths))
    services.leases.end(lease)


def _index(services: Services, batch: str, folder: Path, files: Sequence[FoundFile], tries: int) -> list[Outcome]:
    outcomes: list[Outcome] = []
    ready: list[Ready] = []
    root = folder.resolve()
    settings = services.settings
    for file in files:
        made: Ready | Outcome
        if tries <= _TRIES:
            made = prepare(batch, folder, root, file, settings.limits)
        elif tries <= _TRIES + _TRIES_ALONE:
            made = prepare_alone(batch, folder, root, file, settings)
        else:
            made = failed(file, ErrorCode.CRASHED, "its worker died again and again")
        if isinstance(made, Ready):
            ready.append(made)
        else:
            outcomes.append(made)
    return outcomes + _write(services, ready)


def _write(services: Services, ready: Sequence[Ready]) -> list[Outcome]:
    """Write documents; each names the other files of its image.

    Claimed first and looked up then: what another task has written before it gave up its claim is in the index.
    """
    claims = services.claims.claim([(item.id, item.place, 0) for item in ready])
    earlier = services.sink.existing(item.id for item in ready)
    claims = _later_than(services, ready, claims, earlier)
    documents = []
    duplicates = []
    for item, claim in zip(ready, claims, strict=True):
        others = other_places(item.place, earlier.get(item.id), claim.rivals)
        duplicates.append(bool(others))
        body = item.body
        if others:
            body = body[:-1] + b"," + orjson.dumps({FIELD: in_document(item.place, others)})[1:]
        documents.append(Document(item.id, body, claim.version))
    written = services.sink.write(documents)
    _write_unnamed(services, ready, services.claims.release(claims))
    return [
        failed(item.file, ErrorCode.INDEX_REJECTED, result.rejected)
        if result.rejected is not None
        else Outcome(item.file, ImageStatus.DONE, uid=result.id, duplicate=duplicate)
        for item, result, duplicate in zip(ready, written, duplicates, strict=True)
    ]


def _write_unnamed(services: Services, ready: Sequence[Ready], gone: Sequence[Claim]) -> None:
    """Write images again whose claims Redis has lost, where another file's document does not name theirs."""
    if not gone:
        return
    stored = services.sink.existing(claim.id for claim in gone)
    named = {id_: {place.path for place in one.places} for id_, one in stored.items()}
    unnamed = {claim.place.path for claim in gone if claim.place.path not in named.get(claim.id, {claim.place.path})}
    if again := [item for item in ready if item.place.path in unnamed]:
        log.warning("images are written again", images=len(again))
        _write(services, again)


def _later_than(
    services: Services, ready: Sequence[Ready], claims: Sequence[Claim], earlier: Mapping[str, Earlier]
) -> list[Claim]:
    """Give claims versions above those in the index; they are not, by themselves, where a clock was turned back."""
    later = []
    for item, claim in zip(ready, claims, strict=True):
        stored = earlier.get(item.id)
        if stored is not None and stored.version >= claim.version:
            [again] = services.claims.claim([(item.id, item.place, stored.version + 1)])
            claim = replace(again, rivals=(*again.rivals, *claim.rivals))
        later.append(claim)
    return later
