"""The state file of a home: what runs in it, on which ports, as which processes, and what happened to it.

It holds passwords of Redis and Elasticsearch, so only its owner reads it. It is replaced as a whole: no reader sees
half of it.
"""

import fcntl
import json
import os
import tempfile
import time
from contextlib import suppress
from pathlib import Path
from typing import IO, Literal

from pydantic import BaseModel, Field, ValidationError

from indexer.home import STATE_FILE
from local.processes import ProcessIdentity

Phase = Literal["starting", "running", "stopping", "stopped", "failed"]
Condition = Literal["waiting", "starting", "running", "restarting", "failed", "stopped"]
_LOCK_FILE = ".lock"
# Whoever only looks whether a lock is held has it for an instant.
_LOCK_SECONDS = 0.5


class ServiceState(BaseModel):
    """What became of one service."""

    condition: Condition = "waiting"
    pid: int | None = None
    created: float | None = None
    port: int | None = None
    restarts: int = 0
    last_exit: str | None = None
    gave_up: str | None = None

    @property
    def identity(self) -> ProcessIdentity | None:
        """The process, if there was one."""
        return ProcessIdentity(self.pid, self.created) if self.pid is not None and self.created is not None else None


class StackState(BaseModel):
    """What became of the stack of a home."""

    phase: Phase = "starting"
    reason: str | None = None
    pid: int | None = None
    created: float | None = None
    addresses: dict[str, str | int] = Field(default_factory=dict)
    services: dict[str, ServiceState] = Field(default_factory=dict)

    @property
    def identity(self) -> ProcessIdentity | None:
        """The supervisor, if there was one."""
        return ProcessIdentity(self.pid, self.created) if self.pid is not None and self.created is not None else None

    @property
    def url(self) -> str | None:
        """The address for a browser."""
        host, port = self.addresses.get("host"), self.addresses.get("port")
        if host is None or port is None:
            return None
        return f"http://{f'[{host}]' if ':' in str(host) else host}:{port}/"


def read_state(home: Path) -> StackState | None:
    """Read the state file; None where there is none, or none that can be understood."""
    try:
        return StackState.model_validate_json((home / STATE_FILE).read_bytes())
    except (FileNotFoundError, NotADirectoryError, ValidationError):
        return None


def write_state(home: Path, state: StackState) -> None:
    """Replace the state file at once; only its owner can read it."""
    handle, name = tempfile.mkstemp(prefix=f".{STATE_FILE}-", dir=home)
    try:
        with os.fdopen(handle, "w") as file:
            file.write(state.model_dump_json(indent=2, exclude_none=True) + "\n")
        Path(name).replace(home / STATE_FILE)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


class HomeLock:
    """Held by the one supervisor of a home as long as it lives; the system releases it, however the supervisor ends."""

    def __init__(self, home: Path) -> None:
        self._path = home / _LOCK_FILE
        self._file: IO[str] | None = None

    def acquire(self) -> bool:
        """Take the lock if it is free, and note who has it."""
        file = self._path.open("a+")
        deadline = time.monotonic() + _LOCK_SECONDS
        while not _lock(file, fcntl.LOCK_EX):
            if time.monotonic() > deadline:
                file.close()
                return False
            time.sleep(_LOCK_SECONDS / 10)
        own = ProcessIdentity.current()
        file.truncate(0)
        file.write(json.dumps({"pid": own.pid, "created": own.created}))
        file.flush()
        self._file = file
        return True

    def release(self) -> None:
        """Give the lock back."""
        if self._file:
            self._file.close()
            self._file = None

    def held(self) -> bool:
        """Tell whether a supervisor has it."""
        try:
            with self._path.open() as file:
                return not _lock(file, fcntl.LOCK_SH)
        except FileNotFoundError:
            return False

    def holder(self) -> ProcessIdentity | None:
        """Identify who has noted to have it, if that process lives."""
        with suppress(OSError, ValueError, TypeError, KeyError):
            noted = json.loads(self._path.read_text())
            identity = ProcessIdentity(noted["pid"], noted["created"])
            return identity if identity.alive else None
        return None


def _lock(file: IO[str], kind: int) -> bool:
    try:
        fcntl.flock(file, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
