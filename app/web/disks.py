"""How much room the disks have that data and images are on."""

import os
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Disk:
    """One disk.

    Attributes
    ----------
    holds
        What is on it, in words.
    free, size
        In bytes; what other than root can still write.
    """

    holds: str
    free: int
    size: int


def disks_of(folders: Mapping[str, Path]) -> list[Disk]:
    """Look at the disks of folders; one that several share is told once, one that cannot be asked is left out.

    Parameters
    ----------
    folders
        What is in it, in words → the folder, which need not exist yet.
    """
    found: dict[int, tuple[list[str], Path]] = {}
    for name, folder in folders.items():
        there = _existing(folder)
        try:
            device = there.stat().st_dev
        except OSError:
            continue
        found.setdefault(device, ([], there))[0].append(name)
    disks = []
    for names, folder in found.values():
        try:
            usage = shutil.disk_usage(folder)
        except OSError:
            continue
        disks.append(Disk(" and ".join(names), usage.free, usage.total))
    return disks


def _existing(folder: Path) -> Path:
    """The folder, or the nearest one above it that there is."""
    for one in (folder, *folder.parents):
        if os.path.lexists(one):
            return one
    return folder
