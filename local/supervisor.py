"""The supervisor of a stack: starts services in their order, starts again what dies, ends all in order.

It is one process with one thread that looks at each service a few times a second: simple enough to be right. What it
knows is always in the state file, so that `status` and `down` work from any other process, also after it was killed.
"""

import signal
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from types import FrameType

import structlog

from local.errors import StartError
from local.processes import ProcessIdentity
from local.service import Service, ServiceSpec, rotate
from local.state import Condition, ServiceState, StackState, write_state

# Every process of a stack carries this variable with the path of its home: it can be found without the state file.
MARK = "DICOMSEARCH_STACK"
_POLL_SECONDS = 0.2
_ROTATE_SECONDS = 60.0

log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class RestartPolicy:
    """How often a dead service is started again: with growing pauses, and not for ever."""

    attempts: int = 5
    window_seconds: float = 300.0
    first_pause: float = 1.0
    longest_pause: float = 30.0

    def pause(self, recent_exits: int) -> float:
        """Seconds to wait before the next start."""
        return min(self.longest_pause, self.first_pause * 2.0 ** (recent_exits - 1))


class Supervised:
    """One service and where it is in its life."""

    def __init__(self, service: Service, policy: RestartPolicy) -> None:
        self.service = service
        self.state = ServiceState(port=service.spec.port)
        self._policy = policy
        self._exits: deque[float] = deque()
        self._start_at = 0.0
        self._was_ready = False

    @property
    def condition(self) -> Condition:
        """Where the service is in its life."""
        return self.state.condition

    def step(self) -> None:
        """Look at the service once, and do what is to be done.

        Raises
        ------
        StartError
            It has never been ready, and will not be.
        """
        if self.condition in ("waiting", "restarting"):
            if time.monotonic() >= self._start_at:
                self._start()
        elif self.condition in ("starting", "running"):
            reason = self.service.exit_reason()
            if reason is not None:
                self._has_ended(reason)
            elif self.condition == "starting":
                self._look_whether_ready()

    def _start(self) -> None:
        self.service.start()
        identity = self.service.identity
        self._note("starting", pid=identity.pid if identity else None, created=identity.created if identity else None)

    def _look_whether_ready(self) -> None:
        if self.service.is_ready():
            self._was_ready = True
            self._note("running")
        elif self.service.late():
            self.service.stop()
            self._has_ended(f"not ready after {self.service.spec.start_seconds:.0f} s")

    def _has_ended(self, reason: str) -> None:
        if not self._was_ready:
            raise self.service.failure(reason)
        now, policy = time.monotonic(), self._policy
        self._exits.append(now)
        while self._exits and now - self._exits[0] > policy.window_seconds:
            self._exits.popleft()
        log.warning("service ended", service=self.service.spec.name, recent_exits=len(self._exits))
        if len(self._exits) > policy.attempts:
            given_up = f"given up after {policy.attempts} restarts in {policy.window_seconds / 60:.0f} minutes"
            self._note("failed", last_exit=reason, gave_up=f"{given_up}; its log is {self.service.log}")
        else:
            self._start_at = now + policy.pause(len(self._exits))
            self._note("restarting", last_exit=reason, restarts=self.state.restarts + 1)

    def stopped(self) -> None:
        """Note that the process was ended in order."""
        self._note("stopped")

    def _note(self, condition: Condition, **changes: object) -> None:
        ended: dict[str, object] = {} if condition in ("starting", "running") else {"pid": None, "created": None}
        self.state = self.state.model_copy(update={"condition": condition} | ended | changes)


class Supervisor:
    """Runs a list of services until it is asked to stop.

    Parameters
    ----------
    home
        Folder of the stack, absolute; the caller holds its lock.
    specs
        The services. Each names in `after` what has to be ready first.
    addresses
        What other processes need to know; kept in the state file.
    policy
        When to start a dead service again.
    report
        Called whenever something has changed.
    """

    def __init__(
        self,
        home: Path,
        specs: Sequence[ServiceSpec],
        addresses: dict[str, str | int],
        *,
        policy: RestartPolicy | None = None,
        report: Callable[[StackState], None] = lambda state: None,
    ) -> None:
        self._home = home
        self._members = {
            spec.name: Supervised(
                Service(
                    replace(spec, environment={**spec.environment, MARK: str(home)}), home / "logs" / f"{spec.name}.log"
                ),
                policy or RestartPolicy(),
            )
            for spec in specs
        }
        own = ProcessIdentity.current()
        self._state = StackState(pid=own.pid, created=own.created, addresses=addresses)
        self._written: StackState | None = None
        self._write_failed = False
        self._report = report
        self._stop_signals = 0
        self._rotate_at = time.monotonic() + _ROTATE_SECONDS

    def run(self) -> None:
        """Start all services, keep them running, and end them when a signal asks for it.

        Raises
        ------
        StartError
            A service has not become ready at the first start; all were ended again.
        """
        with self._listening_to_signals():
            try:
                self._note("starting")
                while not self._stop_signals:
                    self._step()
                    time.sleep(_POLL_SECONDS)
                self._note("stopping")
            except StartError as error:
                self._state.reason = str(error)
                raise
            finally:
                self._end_all()
                self._note("failed" if self._state.reason else "stopped")

    @contextmanager
    def _listening_to_signals(self) -> Iterator[None]:
        def count(_number: int, _frame: FrameType | None) -> None:
            self._stop_signals += 1

        numbers = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)
        before = {number: signal.signal(number, count) for number in numbers}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    def _step(self) -> None:
        for member in self._members.values():
            if member.condition != "waiting" or self._has_what_it_needs(member):
                member.step()
        everything_runs = all(member.condition == "running" for member in self._members.values())
        self._note("running" if everything_runs or self._state.phase == "running" else "starting")
        if time.monotonic() > self._rotate_at:
            self._rotate_at = time.monotonic() + _ROTATE_SECONDS
            for member in self._members.values():
                rotate(member.service.log)

    def _has_what_it_needs(self, member: Supervised) -> bool:
        return all(self._members[name].condition == "running" for name in member.service.spec.after)

    def _end_all(self) -> None:
        """End the services, those that need others before the others; a second signal means: at once."""
        left = dict(self._members)
        while left:
            needed = {name for member in left.values() for name in member.service.spec.after}
            now = {name: member for name, member in left.items() if name not in needed} or dict(left)
            for member in now.values():
                member.service.ask_to_stop()
            began = time.monotonic()
            for name, member in now.items():
                while self._stop_signals < 2 and member.service.exit_reason() is None:
                    if time.monotonic() - began > member.service.spec.stop_seconds:
                        break
                    time.sleep(0.05)
                member.service.kill()
                member.stopped()
                del left[name]
            self._note(self._state.phase)

    def _note(self, phase: str) -> None:
        """Write what has changed; a full disk must not end the supervisor."""
        services = {name: member.state for name, member in self._members.items()}
        state = self._state.model_copy(update={"phase": phase, "services": services})
        self._state = state
        if state == self._written:
            return
        try:
            write_state(self._home, state)
        except OSError as error:
            if not self._write_failed:
                log.warning("state file not written", reason=error.strerror)
            self._write_failed = True
            return
        self._write_failed = False
        self._written = state
        self._report(state)
