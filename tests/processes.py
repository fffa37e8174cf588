"""The project's own processes, started with the commands of a deployment, for tests that kill them."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from pydantic import SecretStr

from indexer.settings import Settings

WORKER = ("celery", "-A", "indexer.worker", "worker", "--concurrency", "2", "--without-gossip", "--without-mingle")
WATCHER = ("dicomsearch", "watch")


def environment_of(settings: Settings) -> dict[str, str]:
    """Give a process the settings of a test."""
    values = settings.model_dump(exclude={"limits"}, exclude_none=True)
    plain = {
        name: value.get_secret_value() if isinstance(value, SecretStr) else value for name, value in values.items()
    }
    return {**os.environ, **{f"DICOMSEARCH_{name.upper()}": str(value) for name, value in plain.items()}}


class Processes:
    """Processes of one test; each is a group of its own, so that killing it kills its children."""

    def __init__(self, settings: Settings, logs: Path) -> None:
        self._environment = environment_of(settings)
        self._logs = logs
        self._running: list[subprocess.Popen[bytes]] = []

    def start(self, *command: str, **environment: str) -> subprocess.Popen[bytes]:
        """Start a program that is installed beside this Python, with more variables in its environment."""
        program = Path(sys.executable).parent / command[0]
        with (self._logs / f"{command[0]}-{len(self._running)}.log").open("wb") as log:
            process = subprocess.Popen(
                [str(program), *command[1:]],
                env={**self._environment, **environment},
                stdout=log,
                stderr=subprocess.STDOUT,
                stdin=subprocess.DEVNULL,
                start_new_session=True,
            )
        self._running.append(process)
        return process

    def kill(self, process: subprocess.Popen[bytes], number: signal.Signals = signal.SIGKILL) -> None:
        """Send a signal to a process and all its children, and wait for it."""
        with suppress(ProcessLookupError):
            os.killpg(process.pid, number)
        process.wait(timeout=60)

    def log(self) -> str:
        """Everything that was written to standard output and error."""
        return "\n".join(path.read_text(errors="replace") for path in sorted(self._logs.glob("*.log")))

    def end(self) -> None:
        """Ask what is left to end, and kill what does not."""
        for process in self._running:
            with suppress(ProcessLookupError):
                process.terminate()
        for process in self._running:
            with suppress(subprocess.TimeoutExpired):
                process.wait(timeout=10)
            self.kill(process)


@contextmanager
def processes(settings: Settings, logs: Path) -> Iterator[Processes]:
    """Run processes for the time of the body."""
    logs.mkdir(parents=True, exist_ok=True)
    running = Processes(settings, logs)
    try:
        yield running
    finally:
        running.end()


def wait_for(condition: Callable[[], object], seconds: float = 120.0) -> None:
    """Wait until a condition is true.

    Raises
    ------
    TimeoutError
        It does not become true.
    """
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            raise TimeoutError(f"still false after {seconds} s")
        time.sleep(0.05)
