"""Which folders of a watched folder are finished, decided from what the disk shows at one moment and the next."""

import os
import stat
import time
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from indexer.batches import delivery_from
from indexer.files import is_finished_name, strerror
from indexer.watching.growth import Growth

# What a look may take before the rest is put off to the next.
_LOOK_SECONDS = 1.0


@dataclass
class Incoming:
    """Decides which folders of a watched folder are finished.

    Attributes
    ----------
    folder
        The watched folder.
    settle_seconds
        How long nothing may have changed in a folder that was not renamed.
    clock
        Seconds of a clock that never goes back.
    renamed
        Names under which folders have come that were complete before: they need not settle.
    loose
        How many files and links lie beside the folders, as of the last look at all.
    refused
        Names that could not be looked at, and why, as of the last look at all.
    """

    folder: Path
    settle_seconds: float
    clock: Callable[[], float] = time.monotonic
    renamed: set[str] = field(default_factory=set)
    loose: int = 0
    refused: dict[str, str] = field(default_factory=dict)
    _known: dict[str, str] = field(default_factory=dict)
    _growing: dict[str, Growth] = field(default_factory=dict)
    _ready: dict[str, str] = field(default_factory=dict)
    _unfinished: set[tuple[int, int]] = field(default_factory=set)

    def finished(self, only: Collection[str] | None = None) -> list[tuple[Path, str]]:
        """Folders that are complete and not known in their present delivery: path, delivery.

        A folder is answered again until `is_known` is told of it.

        Parameters
        ----------
        only
            Names to look at; without them all are.

        Raises
        ------
        OSError
            The watched folder cannot be listed.
        """
        found: dict[str, str] = {}
        open_: dict[str, str] = {}
        for name, facts in self._all() if only is None else self._some(only):
            delivery = delivery_from(facts)
            if self._known.get(name) == delivery:
                self._growing.pop(name, None)
            elif name in self.renamed or _likeness(facts) in self._unfinished or self._ready.get(name) == delivery:
                found[name] = delivery
            else:
                open_[name] = delivery
        found |= self._settled(open_)
        self._ready |= found
        return [(self.folder / name, delivery) for name, delivery in sorted(found.items())]

    def is_known(self, folder: Path, delivery: str) -> None:
        """Remember that this delivery is a batch now."""
        self._known[folder.name] = delivery
        for waiting in (self._growing, self._ready):
            waiting.pop(folder.name, None)
        self.renamed.discard(folder.name)

    def knows(self, deliveries: Mapping[str, str]) -> None:
        """Take the deliveries that are batches, by the names of their folders, for all that is known."""
        self._known = dict(deliveries)

    def waiting(self) -> set[str]:
        """Names that are worth another look before the next look at all."""
        return self._growing.keys() | self._ready.keys() | self.renamed

    def due(self) -> float | None:
        """When, by the clock, it is worth looking at folders that may still grow; None when there are none."""
        return min((growth.due for growth in self._growing.values()), default=None)

    def _settled(self, open_: Mapping[str, str]) -> dict[str, str]:
        """Which of these folders, name → delivery, do not grow; those first that have waited longest."""
        for name in open_:
            if name not in self._growing:
                self._growing[name] = Growth(self.folder / name, self.settle_seconds, self.clock)
        until = self.clock() + _LOOK_SECONDS
        settled = {}
        for name in sorted(open_, key=lambda name: self._growing[name].advanced):
            if self._growing[name].stands_still(until):
                settled[name] = open_[name]
            if self.clock() >= until:
                break
        return settled

    def _all(self) -> Iterator[tuple[str, os.stat_result]]:
        loose = 0
        names: set[str] = set()
        refused: dict[str, str] = {}
        unfinished: set[tuple[int, int]] = set()
        with os.scandir(self.folder) as listing:
            for entry in listing:
                try:
                    is_folder = entry.is_dir(follow_symlinks=False)
                    if not is_finished_name(entry.name):
                        if is_folder:
                            unfinished.add(_likeness(entry.stat(follow_symlinks=False)))
                        continue
                    if not is_folder:
                        loose += 1
                        continue
                    names.add(entry.name)
                    facts = entry.stat(follow_symlinks=False)
                except FileNotFoundError:
                    continue
                except OSError as error:
                    names.add(entry.name)
                    refused[entry.name] = strerror(error)
                    continue
                yield entry.name, facts
        self.loose, self.refused, self._unfinished = loose, refused, unfinished
        self._forget(self._known, names)
        self._forget(self._growing, names)
        self._forget(self._ready, names)
        self.renamed &= names

    @staticmethod
    def _forget(known: dict[str, Any], names: set[str]) -> None:
        for name in known.keys() - names:
            del known[name]

    def _some(self, names: Collection[str]) -> Iterator[tuple[str, os.stat_result]]:
        for name in filter(is_finished_name, names):
            path = self.folder / name
            try:
                facts = path.stat(follow_symlinks=False)
            except OSError:
                # It has gone, or the next look at all will say what is wrong with it.
                self._growing.pop(name, None)
                self._ready.pop(name, None)
                continue
            if stat.S_ISDIR(facts.st_mode):
                yield name, facts


def _likeness(facts: os.stat_result) -> tuple[int, int]:
    """What a folder keeps when it is renamed, and no other has: not the inode alone, which is used again."""
    return facts.st_ino, facts.st_mtime_ns
