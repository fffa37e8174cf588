"""Offering a folder as a batch, under an id that is fit for URLs and queries."""

import hashlib
import os
import re
from dataclasses import dataclass
from pathlib import Path

from indexer.files import printable
from indexer.status import Ledger
from indexer.status.ledger import Added

_GOOD_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")


@dataclass(frozen=True, slots=True)
class Offered:
    """The batch of a folder, and whether it is new, delivered again, or was known."""

    id: str
    added: Added


def delivery_of(folder: Path) -> str:
    """Tell one delivery of a folder from the next: by its inode and the time that it was last moved or filled."""
    facts = folder.stat()
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
        What brought it: `watcher`, `import`.
    delivery
        From `delivery_of`; or anything unique to deliver it whatever happened before.
    """
    path, name = str(folder), printable(folder.name)
    wanted = batch_id(name)
    added = ledger.add(wanted, name, path, source, delivery)
    if added is Added.TAKEN:
        # Another folder has this name: both keep an id that stays the same however often they are delivered.
        wanted = f"{wanted}-{_digest(path)}"
        added = ledger.add(wanted, name, path, source, delivery)
    return Offered(wanted, added)


def _digest(text: str) -> str:
    return hashlib.sha256(os.fsencode(text)).hexdigest()[:8]
