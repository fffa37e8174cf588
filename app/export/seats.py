"""How many exports a process runs at a time: each holds a thread, and a point in time of the index."""

import threading


class ExportsBusyError(Exception):
    """As many exports are running as may; the message says so."""


class Seats:
    """Places for exports.

    Parameters
    ----------
    count
        How many there are.
    """

    def __init__(self, count: int) -> None:
        self._count = count
        self._free = threading.BoundedSemaphore(count)

    def take(self) -> "Seat":
        """Take one.

        Raises
        ------
        ExportsBusyError
            Where none is free.
        """
        if not self._free.acquire(blocking=False):
            raise ExportsBusyError(f"{self._count:,} exports are running already: wait until one has ended.")
        return Seat(self._free)


class Seat:
    """A place that has been taken; giving it back twice does no harm."""

    def __init__(self, free: threading.BoundedSemaphore) -> None:
        self._free = free
        self._lock = threading.Lock()
        self._taken = True

    def give_back(self) -> None:
        """Let another export have it."""
        with self._lock:
            taken, self._taken = self._taken, False
        if taken:
            self._free.release()
