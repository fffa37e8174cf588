"""Starting, looking at and ending the stack of a home, from whatever state it was left in.

A stack is running when a supervisor holds the lock of its home: the system releases it, however the supervisor ends.
What a killed supervisor has left behind is found by the state file (pid and start time) and by the mark that every
process of a stack carries in its environment, so a lost or damaged state file leaves nothing running.
"""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from indexer.settings import Settings
from local.errors import LocalError, StartError
from local.processes import ProcessIdentity, end_processes, marked_processes
from local.service import last_words, rotate
from local.stack import build_stack, install
from local.state import HomeLock, StackState, read_state, write_state
from local.supervisor import MARK, Supervisor

_STOP_SECONDS = 150.0
_ORPHAN_SECONDS = 15.0
_POLL_SECONDS = 0.1


class AlreadyRunningError(LocalError):
    """The stack of this home runs already."""


@contextmanager
def home_for_start(settings: Settings) -> Iterator[None]:
    """Hold the home for a start: nothing of an earlier life runs, and everything is installed.

    Raises
    ------
    AlreadyRunningError
        The stack of this home runs already.
    LocalError
        Something cannot be installed, or the web port is taken.
    """
    lock = HomeLock(settings.home)
    if not lock.acquire():
        raise AlreadyRunningError(f"dicomsearch is running already in {settings.home}")
    try:
        end_orphans(settings.home)
        install(settings)
        yield
    finally:
        lock.release()


def supervise(settings: Settings, report: Callable[[StackState], None]) -> None:
    """Run the stack of a home in this process until a signal ends it.

    Raises
    ------
    LocalError
        It runs already, or it did not start; the message says why.
    """
    with home_for_start(settings):
        stack = build_stack(settings)
        try:
            Supervisor(settings.home, stack.specs, stack.addresses, report=report).run()
        finally:
            end_orphans(settings.home)  # what left the group of its service


def start_detached(settings: Settings, report: Callable[[StackState], None]) -> None:
    """Start a supervisor that outlives this process; return when the stack is ready.

    Parameters
    ----------
    report
        Called again and again with what is known of the start.

    Raises
    ------
    LocalError
        It runs already, or it did not start; the message says why.
    """
    home = settings.home
    with home_for_start(settings):
        pass  # a download shows its progress here, not in a log
    log = home / "logs" / "supervisor.log"
    log.parent.mkdir(mode=0o700, exist_ok=True)
    rotate(log)
    with log.open("ab") as output:
        start = output.tell()
        process = subprocess.Popen(  # noqa: S603
            # -P: whatever folder this is started from, its packages are not ours.
            [sys.executable, "-P", "-m", "local", "up", "--home", str(home), "--port", str(settings.port)],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    try:
        while process.poll() is None:
            state = read_state(home)
            if state and state.pid == process.pid:
                report(state)
                if state.phase == "running":
                    return
            time.sleep(_POLL_SECONDS)
    except KeyboardInterrupt:
        process.send_signal(signal.SIGTERM)
        process.wait()
        raise
    if process.returncode == 0:
        raise AlreadyRunningError(f"dicomsearch is running already in {home}")
    with log.open("rb") as output:
        output.seek(start)
        said = last_words(output.read().decode(errors="replace")).removeprefix("Error: ")
    raise StartError(said)


def stop(home: Path) -> bool:
    """End the stack of a home, and what a killed supervisor has left of it.

    Returns
    -------
    bool
        Whether there was anything to end.

    Raises
    ------
    LocalError
        It cannot be told which process runs it.
    """
    lock = HomeLock(home)
    if not lock.held():
        return end_orphans(home)
    state = read_state(home)
    supervisor = lock.holder() or (state.identity if state else None)
    if supervisor is None or not supervisor.alive:
        raise LocalError(f"{home} is running, but it cannot be told which process runs it: {home}/.lock is damaged")
    with suppress(ProcessLookupError):
        os.kill(supervisor.pid, signal.SIGTERM)
    deadline = time.monotonic() + _STOP_SECONDS
    while lock.held() and time.monotonic() < deadline:
        time.sleep(_POLL_SECONDS)
    if lock.held():
        end_processes([supervisor], seconds=0)
    end_orphans(home)
    return True


def orphans(home: Path) -> list[ProcessIdentity]:
    """Find the processes that belong to a home."""
    state = read_state(home)
    noted = [service.identity for service in state.services.values()] if state else []
    found = [*(identity for identity in noted if identity and identity.alive), *marked_processes(MARK, str(home))]
    return list({identity.pid: identity for identity in found}.values())


def end_orphans(home: Path) -> bool:
    """End the processes that a killed supervisor has left behind; tell whether there were any."""
    found = orphans(home)
    end_processes(found, seconds=_ORPHAN_SECONDS)
    state = read_state(home)
    if state and state.phase in ("starting", "running", "stopping"):
        ended = {
            name: service.model_copy(update={"condition": "stopped", "pid": None, "created": None})
            for name, service in state.services.items()
        }
        reason = "its supervisor was killed"
        write_state(home, state.model_copy(update={"phase": "failed", "reason": reason, "services": ended}))
    return bool(found)
