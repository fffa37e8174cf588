"""One service of the stack: what it is (data), and its running process."""

import os
import re
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from local.accounts import Account
from local.errors import StartError
from local.processes import ProcessIdentity, death_signal, kill_group

_POLL_SECONDS = 0.1
_LOG_BYTES = 20_000_000
_TAIL_BYTES = 64_000


_EXCEPTION = re.compile(r"[\w.]*(?:Error|Exception): ")


def last_words(log: str) -> str:
    """Explain an end by what the service wrote: its last exception, else its last line."""
    lines = [line.strip() for line in log.splitlines() if line.strip()]
    return next(filter(_EXCEPTION.match, reversed(lines)), lines[-1] if lines else "it wrote nothing")


@dataclass(frozen=True)
class ServiceSpec:
    """What a service is: a command, when it is ready, and how it is ended.

    Attributes
    ----------
    name
        Names its log and its line in `dicomsearch status`.
    command, folder, environment
        What is run, where, and with nothing but these variables.
    ready
        Asked with the time of the start (seconds since 1970): does it do its work?
    after
        Names of the services that have to be ready before this one starts; it is stopped before them.
    port
        Where it listens, for `dicomsearch status`.
    account
        Who runs it; None is the user who asks.
    start_seconds, stop_seconds
        Time to become ready; time to end in order before it is killed.
    explain
        Finds the reason of an end in the log.
    """

    name: str
    command: tuple[str, ...]
    folder: Path
    environment: Mapping[str, str]
    ready: Callable[[float], bool] = lambda _since: True
    after: tuple[str, ...] = ()
    port: int | None = None
    account: Account | None = None
    start_seconds: float = 60.0
    stop_seconds: float = 30.0
    explain: Callable[[str], str] = last_words


class Service:
    """The process of a service, in a session of its own, writing to its log."""

    def __init__(self, spec: ServiceSpec, log: Path) -> None:
        self.spec = spec
        self.log = log
        self.identity: ProcessIdentity | None = None
        self.started = 0.0
        self._process: subprocess.Popen[bytes] | None = None
        self._log_start = 0
        self._clock = 0.0
        self._ended: str | None = None

    def start(self) -> None:
        """Start the process; it is not ready yet.

        Raises
        ------
        StartError
            The command cannot be run at all.
        """
        spec, account = self.spec, self.spec.account
        self.log.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        rotate(self.log)
        with self.log.open("ab") as log:
            self._log_start = log.tell()
            self.started = time.time()
            try:
                self._process = subprocess.Popen(  # noqa: S603
                    spec.command,
                    cwd=spec.folder,
                    env=dict(spec.environment),
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=subprocess.STDOUT,
                    start_new_session=True,
                    user=account.user if account else None,
                    group=account.group if account else None,
                    extra_groups=[] if account else None,
                    preexec_fn=death_signal(),
                )
            except (OSError, subprocess.SubprocessError) as error:
                raise StartError(f"{spec.name} cannot be started: {error}") from error
        self._clock = time.monotonic()
        self._ended = None
        self.identity = ProcessIdentity.of(self._process.pid)

    def exit_reason(self) -> str | None:
        """Tell why the process has ended; None while it runs. What it left behind in its group is killed."""
        if self._process is None:
            return "not started"
        if self._ended is None:
            code = self._process.poll()
            if code is None:
                return None
            # Only now, once: later the number may be that of somebody else's group.
            kill_group(self._process.pid)
            if code < 0:
                self._ended = f"killed by {signal.Signals(-code).name}"
            else:
                self._ended = f"exit code {code}: {self.spec.explain(self.tail())}"
        return self._ended

    def is_ready(self) -> bool:
        """Tell whether the process runs and does its work."""
        return self.exit_reason() is None and self.spec.ready(self.started)

    def late(self) -> bool:
        """Tell whether it has had all its time to become ready."""
        return time.monotonic() - self._clock > self.spec.start_seconds

    def wait_ready(self) -> None:
        """Wait until the service is ready.

        Raises
        ------
        StartError
            It ended, or was not ready in time; it is stopped then.
        """
        while not self.is_ready():
            reason = self.exit_reason()
            if reason is None and not self.late():
                time.sleep(_POLL_SECONDS)
                continue
            self.stop()
            raise self.failure(reason)

    def failure(self, reason: str | None) -> StartError:
        """Describe a failed start in one line."""
        reason = reason or f"not ready after {self.spec.start_seconds:.0f} s: {self.spec.explain(self.tail())}"
        return StartError(f"{self.spec.name} did not start: {reason} (log: {self.log})")

    def ask_to_stop(self) -> None:
        """Send SIGTERM to the process."""
        if self._process is not None and self._process.poll() is None:
            self._process.terminate()

    def kill(self) -> None:
        """Kill what still runs of the process and its group."""
        if self._process is not None and self.exit_reason() is None:
            kill_group(self._process.pid)
            self._process.wait()

    def stop(self) -> None:
        """End the process: SIGTERM, and after its time SIGKILL for all of its group."""
        self.ask_to_stop()
        if self._process is not None:
            with suppress(subprocess.TimeoutExpired):
                self._process.wait(self.spec.stop_seconds)
        self.kill()

    def tail(self) -> str:
        """Give what the process has written last, since its start."""
        with self.log.open("rb") as log:
            size = log.seek(0, os.SEEK_END)
            log.seek(max(self._log_start if self._log_start <= size else 0, size - _TAIL_BYTES))
            return log.read().decode(errors="replace")


def rotate(log: Path, limit: int = _LOG_BYTES) -> None:
    """Keep a log bounded: beyond the limit it moves to `<name>.1`, while its writer goes on appending to it."""
    if log.exists() and log.stat().st_size > limit:
        old = log.with_name(log.name + ".1")
        old.unlink(missing_ok=True)
        shutil.copyfile(log, old)
        os.truncate(log, 0)
