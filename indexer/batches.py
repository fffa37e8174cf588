"""Offering a folder as a batch, under an id that is fit for URLs and queries."""

import hashlib
import os
import re
import uuid
from dataclasses import dataclass
from pathlib import Path

from indexer.files import printable
from indexer.services import Services
from indexer.status import Ledger
from indexer.status.ledger import Added

# What brings folders.
WATCHER = "watcher"
IMPORT = "import"

_GOOD_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")


@dataclass(frozen=True, slots=True)
class Offered:
    """The batch of a folder, and whether it is new, delivered again, or was known."""

    id: str
    added: Added


def delivery_of(folder: Path) -> str:
    """Tell one delivery of a folder from the next: by its inode and the time that it was last moved or filled."""
    return delivery_from(folder.stat())


def delivery_from(facts: os.stat_result) -> str:
    """`delivery_of` a folder whose facts are known."""
    return f"{facts.st_ino}-{facts.st_ctime_ns}"


def batch_id(name: str) -> str:
    """Make the id of a batch from its folder's name: the name itself where it is fit for URLs and queries."""
    if _GOOD_ID.fullmatch(name):
        return name
    plain = re.sub(r"[^A-Za-z0-9._-]+", "-", name).strip("-._")[:80] or "batch"
    return f"{plain}-{_digest(name)}"


def offer(ledger: Ledger, folder: Path, source: str, delivery: str) -> Offered:
    """Make a folder a batch, or deliver it again.

    Parameters
    ----------
    folder
        Absolute.
    source
        What brought it, such as `WATCHER` or `IMPORT`.
    delivery
        From `delivery_of`; or anything unique to deliver it whatever happened before.
    """
    path, name = str(folder), printable(folder.name)
    wanted = batch_id(name)
    # Another folder may have this name, and both keep an id that stays the same however often they are delivered.
    ids = (ledger.batch_of(path), wanted, f"{wanted}-{_digest(path)}", f"{wanted}-{uuid.uuid4().hex}")
    for id_ in filter(None, ids):
        added = ledger.add(id_, name, path, source, delivery)
        if added is not Added.TAKEN:
            break
    return Offered(id_, added)


def deliver(services: Services, folder: Path, source: str, delivery: str) -> Offered:
    """Offer a folder and, where this delivery of it is new, have its files listed and indexed.

    Queued after it is in the status: a crash in between is found by the check for lost work. The parameters are those
    of `offer`.
    """
    offered = offer(services.ledger, folder, source, delivery)
    if offered.added in (Added.CREATED, Added.DELIVERED):
        services.queue.register(offered.id)
    return offered


def _digest(text: str) -> str:
    return hashlib.sha256(os.fsencode(text)).hexdigest()[:8]
