"""One image: its file is read and flattened, and becomes a document that can be written, or an outcome."""

from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path

import orjson
import structlog

from indexer.document import FileFacts, build_document
from indexer.files import is_no_image, leaves, printable, strerror
from indexer.reader import NotAnImage, ReadError
from indexer.settings import Limits
from indexer.status import ErrorCode, ImageStatus, Outcome, Place
from indexer.status.ledger import FoundFile
from indexer.straight import Memory, flatten_file

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Ready:
    """An image whose document can be written: its `_id`, its JSON, and where it was made from."""

    file: FoundFile
    id: str
    body: bytes
    place: Place


def prepare(batch: str, folder: Path, root: Path, file: FoundFile, limits: Limits) -> Ready | Outcome:
    """Read and flatten one image. Whatever is wrong with the file is its outcome, never an exception.

    Parameters
    ----------
    folder, root
        The batch's folder, as it is known and with links resolved.
    file
        As the batch lists it.
    """
    if is_no_image(file.path):
        return Outcome(file, ImageStatus.IGNORED)
    path = folder / file.path
    try:
        if leaves(root, file.path):
            return failed(file, ErrorCode.NO_PERMISSION, "it is a symbolic link that leads out of the batch's folder")
        facts = path.stat()
        flattened = flatten_file(path, _memory(limits))
    except NotAnImage:
        return Outcome(file, ImageStatus.IGNORED)
    except ReadError as error:
        return failed(file, ErrorCode(error.code), error.reason)
    except PermissionError:
        return failed(file, ErrorCode.NO_PERMISSION, "permission denied")
    except OSError as error:
        return failed(file, ErrorCode.UNREADABLE, f"it cannot be read: {strerror(error)}")
    except MemoryError:
        return failed(file, ErrorCode.TOO_LARGE, "its header needs more memory than there is")
    except Exception as error:
        # A file must not stop its batch, whatever is in it; the place tells what to mend here.
        log.exception("image could not be flattened", batch=batch, path=printable(file.path))
        return failed(file, ErrorCode.UNREADABLE, f"its header could not be understood ({type(error).__name__})")
    absolute = printable(str(path))
    modified = datetime.fromtimestamp(facts.st_mtime, UTC)
    about = FileFacts(absolute, printable(path.name), facts.st_size, modified)
    document = build_document(flattened, about, batch, datetime.now(UTC))
    return Ready(file, flattened.id, orjson.dumps(document), Place(batch, absolute, document["file"]["header_sha256"]))


@lru_cache(maxsize=1)
def _memory(limits: Limits) -> Memory:
    """What this process remembers of the files that it has read."""
    return Memory(limits)


def failed(file: FoundFile, code: ErrorCode, reason: str) -> Outcome:
    """Say why an image could not be indexed."""
    return Outcome(file, ImageStatus.ERROR, code=code, reason=reason)
