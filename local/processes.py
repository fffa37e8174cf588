"""Processes of this machine by identity: a pid together with its start time, since pids are used again.

And how to end them: politely, then by force, and always the whole process group, since services have children.
"""

import contextlib
import ctypes
import os
import signal
import sys
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass

import psutil

# Start times are counted from the boot time, which shifts a little when the clock is set.
_CLOCK_TOLERANCE = 2.0
_PR_SET_PDEATHSIG = 1


@dataclass(frozen=True)
class ProcessIdentity:
    """A process that can be told from a later one of the same pid."""

    pid: int
    created: float

    @classmethod
    def of(cls, pid: int) -> "ProcessIdentity | None":
        """Identify a running process; None where there is none."""
        try:
            return cls(pid, psutil.Process(pid).create_time())
        except psutil.Error:
            return None

    @classmethod
    def current(cls) -> "ProcessIdentity":
        """Identify this process."""
        return cls(os.getpid(), psutil.Process().create_time())

    def process(self) -> psutil.Process | None:
        """Give the process while it lives (a zombie does not); None otherwise."""
        try:
            process = psutil.Process(self.pid)
            same = abs(process.create_time() - self.created) < _CLOCK_TOLERANCE
            return process if same and process.status() != psutil.STATUS_ZOMBIE else None
        except (psutil.Error, ValueError, OverflowError):
            return None

    @property
    def alive(self) -> bool:
        """Tell whether it still runs."""
        return self.process() is not None


def marked_processes(variable: str, value: str) -> list[ProcessIdentity]:
    """Find the processes that carry an environment variable with that value, as far as this user may look."""
    found = []
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error, OSError):
            if process.pid != os.getpid() and process.environ().get(variable) == value:
                found.append(ProcessIdentity(process.pid, process.create_time()))
    return found


def end_processes(processes: Iterable[ProcessIdentity], *, seconds: float) -> None:
    """End processes and their process groups: SIGTERM first, SIGKILL for what is left after some seconds."""
    alive = [identity for identity in processes if identity.alive]
    leaders = {identity.pid for identity in alive}
    for identity in alive:
        # The leader of a group ends its children in its own way, and a second SIGTERM may mean something else.
        if _group(identity) in (None, identity.pid) or _group(identity) not in leaders:
            _signal(identity, signal.SIGTERM)
    deadline = time.monotonic() + seconds
    while any(identity.alive for identity in alive) and time.monotonic() < deadline:
        time.sleep(0.05)
    for identity in alive:
        if _group(identity) == identity.pid and identity.alive:
            kill_group(identity.pid)
        _signal(identity, signal.SIGKILL)


def _group(identity: ProcessIdentity) -> int | None:
    with contextlib.suppress(ProcessLookupError):
        return os.getpgid(identity.pid)
    return None


def _signal(identity: ProcessIdentity, number: signal.Signals) -> None:
    process = identity.process()
    with contextlib.suppress(psutil.Error):
        if process is not None:
            process.send_signal(number)


def kill_group(leader: int) -> None:
    """Kill what is left of a process group whose leader has ended."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(leader, signal.SIGKILL)


def death_signal() -> Callable[[], None] | None:
    """Give what a child calls before it starts, so that it is asked to end when its parent is killed (Linux only).

    Nothing can be imported or looked up between fork and exec, so all of that is done here.
    """
    if sys.platform != "linux":
        return None
    prctl = ctypes.CDLL(None, use_errno=True).prctl
    parent = os.getpid()

    def ask_to_die_with_parent() -> None:
        prctl(_PR_SET_PDEATHSIG, signal.SIGTERM, 0, 0, 0)
        if os.getppid() != parent:  # it was killed in the meantime
            os.kill(os.getpid(), signal.SIGTERM)

    return ask_to_die_with_parent
