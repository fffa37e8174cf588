"""A home of the whole stack, and the commands on it as a user types them."""

import json
import os
import signal
import subprocess
import sys
import urllib.request
from pathlib import Path
from typing import Any

from local.accounts import Account
from local.ports import free_port
from local.processes import ProcessIdentity, marked_processes
from local.state import StackState, read_state
from local.supervisor import MARK

COMMAND = Path(sys.executable).with_name("dicomsearch")


class Home:
    """A home, and the commands on it."""

    def __init__(
        self, folder: Path, *, command: Path = COMMAND, account: Account | None = None, **environment: str
    ) -> None:
        self.folder = folder
        self._command = command
        self.port = free_port()
        self._account = account
        self._environment = {
            "PATH": "/usr/bin:/bin",
            "HOME": str(folder),
            "DICOMSEARCH_HOME": str(folder / "var"),
            "DICOMSEARCH_PORT": str(self.port),
            "DICOMSEARCH_ELASTICSEARCH_HEAP_MB": "512",
            "DICOMSEARCH_WORKER_PROCESSES": "1",
            # Where coverage is measured, also of these processes.
            **{name: value for name, value in os.environ.items() if name.startswith("COVERAGE_")},
            **environment,
        }

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        who = {"user": self._account.user, "group": self._account.group, "extra_groups": []} if self._account else {}
        return subprocess.run(
            [self._command, *arguments],
            env=self._environment,
            cwd="/",
            capture_output=True,
            text=True,
            timeout=200,
            check=False,
            **who,
        )

    @property
    def state(self) -> StackState:
        state = read_state(self.folder / "var")
        assert state is not None
        return state

    def processes(self) -> list[ProcessIdentity]:
        return [identity for identity in marked_processes(MARK, str(self.folder / "var")) if identity.alive]

    def get_json(self, path: str) -> Any:
        with urllib.request.urlopen(f"http://127.0.0.1:{self.port}{path}", timeout=30) as answer:
            return json.load(answer)

    def get(self, path: str) -> int:
        with urllib.request.urlopen(f"http://127.0.0.1:{self.port}{path}", timeout=10) as answer:
            return answer.status

    def destroy(self) -> None:
        self.run("down")
        for identity in self.processes():
            os.kill(identity.pid, signal.SIGKILL)
