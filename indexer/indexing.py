"""One chunk: its images are read, flattened and written, and each comes to its end in the status."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

import orjson
import structlog

from indexer.document import FileFacts, build_document
from indexer.duplicates import FIELD, Earlier, in_document, other_places
from indexer.files import is_no_image, leaves, printable, strerror
from indexer.finishing import finish
from indexer.flatten import flatten
from indexer.operations.withdrawing import withdraw_former
from indexer.queue import new_lease
from indexer.reader import NotAnImage, ReadError, read_header
from indexer.services import Services
from indexer.settings import Limits
from indexer.sink import Document, ElasticsearchUnavailableError
from indexer.status import ErrorCode, ImageStatus, Lease, Outcome, Place
from indexer.status.claims import Claim
from indexer.status.leases import Started
from indexer.status.ledger import FoundFile

log = structlog.get_logger(__name__)

# A task is begun twice as a whole; begun a third time its images are tried in halves, and a single one is given up.
_TRIES = 2
_PAUSE_SECONDS = 10.0


@dataclass(frozen=True, slots=True)
class Ready:
    """An image whose document can be written: its `_id`, its JSON, and where it was made from."""

    file: FoundFile
    id: str
    body: bytes
    place: Place


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
    if started.tries > _TRIES:
        _isolate(services, lease, started)
        return
    with services.leases.renewed(lease):
        files = services.ledger.begin(lease.batch, lease.paths)
        try:
            outcomes = _index(services, lease.batch, Path(batch.path), files)
            withdraw_former(services, batch, outcomes)
        except ElasticsearchUnavailableError as error:
            log.warning("chunk waits", batch=lease.batch, chunk=lease.id, reason=str(error))
            services.ledger.settle(lease.batch, [Outcome(file, ImageStatus.NEW) for file in files])
            services.queue.index(lease, tries, delay=_PAUSE_SECONDS)
            services.presence.worked(worker, 0, str(error))
        else:
            services.presence.worked(worker, len(outcomes))
            if services.ledger.settle(lease.batch, outcomes):
                finish(services, lease.batch)
    services.leases.end(lease)


def _isolate(services: Services, lease: Lease, started: Started) -> None:
    """Split a chunk that its workers die of; a single image that is left is recorded as an error."""
    if len(lease.paths) > 1:
        middle = len(lease.paths) // 2
        for half in (lease.paths[:middle], lease.paths[middle:]):
            services.queue.index(new_lease(lease.batch, half), tries=_TRIES - 1)
    else:
        hung = started.seconds_since_last >= services.settings.chunk_seconds
        code = ErrorCode.TIMEOUT if hung else ErrorCode.CRASHED
        reason = "reading it took too long" if hung else "the worker died twice while reading it"
        files = services.ledger.begin(lease.batch, lease.paths)
        outcomes = [Outcome(file, ImageStatus.ERROR, code=code, reason=reason) for file in files]
        if services.ledger.settle(lease.batch, outcomes):
            finish(services, lease.batch)
    log.error("chunk isolated", batch=lease.batch, chunk=lease.id, images=len(lease.paths))
    services.leases.end(lease)


def _index(services: Services, batch: str, folder: Path, files: Sequence[FoundFile]) -> list[Outcome]:
    outcomes: list[Outcome] = []
    ready: list[Ready] = []
    root = folder.resolve()
    for file in files:
        made = _prepare(batch, folder, root, file, services.settings.limits)
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
        _error(item.file, ErrorCode.INDEX_REJECTED, result.rejected)
        if result.rejected is not None
        else Outcome(item.file, ImageStatus.DONE, uid=result.id, duplicate=duplicate)
        for item, result, duplicate in zip(ready, written, duplicates, strict=True)
    ]


def _write_unnamed(services: Services, ready: Sequence[Ready], gone: Sequence[Claim]) -> None:
    """Write images again whose claims Redis has lost, where another file's document does not name theirs."""
    if not gone:
        return
    stored = services.sink.existing(claim.id for claim in gone)
    named = {id_: {one.place.path, *(other.path for other in one.others)} for id_, one in stored.items()}
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


def _prepare(batch: str, folder: Path, root: Path, file: FoundFile, limits: Limits) -> Ready | Outcome:
    """Read and flatten one image. Whatever is wrong with the file is its outcome, never an exception."""
    if is_no_image(file.path):
        return Outcome(file, ImageStatus.IGNORED)
    path = folder / file.path
    try:
        if leaves(root, file.path):
            return _error(file, ErrorCode.NO_PERMISSION, "it is a symbolic link that leads out of the batch's folder")
        facts = path.stat()
        flattened = flatten(read_header(path, limits), limits)
    except NotAnImage:
        return Outcome(file, ImageStatus.IGNORED)
    except ReadError as error:
        return _error(file, ErrorCode(error.code), error.reason)
    except PermissionError:
        return _error(file, ErrorCode.NO_PERMISSION, "permission denied")
    except OSError as error:
        return _error(file, ErrorCode.UNREADABLE, f"it cannot be read: {strerror(error)}")
    except MemoryError:
        return _error(file, ErrorCode.TOO_LARGE, "its header needs more memory than there is")
    except Exception as error:
        # A file must not stop its batch, whatever is in it; the place tells what to mend here.
        log.exception("image could not be flattened", batch=batch, path=printable(file.path))
        return _error(file, ErrorCode.UNREADABLE, f"its header could not be understood ({type(error).__name__})")
    absolute = printable(str(path))
    modified = datetime.fromtimestamp(facts.st_mtime, UTC)
    about = FileFacts(absolute, printable(path.name), facts.st_size, modified)
    document = build_document(flattened, about, batch, datetime.now(UTC))
    return Ready(file, flattened.id, orjson.dumps(document), Place(batch, absolute, document["file"]["header_sha256"]))


def _error(file: FoundFile, code: ErrorCode, reason: str) -> Outcome:
    return Outcome(file, ImageStatus.ERROR, code=code, reason=reason)
