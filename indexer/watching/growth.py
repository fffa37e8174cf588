"""Whether a folder still grows: what is in it is compared with what was in it a moment ago.

A folder may have a million files on a slow disk, so it is listed a piece at a time, in between other work, and not
again before it may count as complete.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from indexer.files import Unlistable, entries

# The clock is asked after so many entries.
_STRIDE = 512
# Listing takes half of the time at most.
_REST = 1


class Contents(NamedTuple):
    """What is in a folder at one time: how many files and folders, bytes of all, the last change of any of them.

    The last change is that of status (ctime), which no copying program sets back.
    """

    number: int
    size: int
    changed: int


_UNKNOWN = Contents(-1, 0, 0)


@dataclass
class Growth:
    """One folder that may still grow.

    Attributes
    ----------
    folder
        The folder.
    settle_seconds
        How long nothing may have changed in it.
    clock
        Seconds of a clock that never goes back.
    """

    folder: Path
    settle_seconds: float
    clock: Callable[[], float]
    due: float = 0.0
    advanced: float = 0.0
    _seen: Contents | None = None
    _began: float = 0.0
    _listing: Iterator[Contents | None] | None = field(default=None, repr=False)

    def stands_still(self, until: float) -> bool:
        """Look at it, for as long as the clock is before `until`; answer whether it has settled.

        `due` says afterwards when it is worth looking again.
        """
        self.advanced = now = self.clock()
        if self._listing is None:
            if now < self.due:
                return False
            self._began = now
            self._listing = _contents(self.folder)
        for contents in self._listing:
            if contents is None:
                if self.clock() >= until:
                    self.due = 0.0
                    return False
                continue
            return self._is_as_before(contents)
        raise AssertionError("a listing ends with what it has found")

    def _is_as_before(self, contents: Contents) -> bool:
        self._listing = None
        # It was begun when the time was over, so all of it has stood still for so long.
        if contents == self._seen:
            return True
        self._seen = contents
        now = self.clock()
        self.due = now + max(self.settle_seconds, _REST * (now - self._began))
        return False


def _contents(folder: Path) -> Iterator[Contents | None]:
    """List a folder: None from time to time, then what is in it."""
    number = size = 0
    try:
        facts = folder.stat(follow_symlinks=False)
        changed = facts.st_ctime_ns
        for number, found in enumerate(entries(folder, folders=True), start=1):
            if not isinstance(found, Unlistable) and found.facts is not None:
                size += found.facts.st_size
                changed = max(changed, found.facts.st_ctime_ns)
            if number % _STRIDE == 0:
                yield None
    except OSError:
        yield _UNKNOWN
        return
    yield Contents(number, size, changed)
