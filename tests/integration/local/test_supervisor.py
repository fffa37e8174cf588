"""The life of a stack: starts, deaths, restarts and ends of real processes."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from redis import AuthenticationError, Redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from indexer.home import STATE_FILE, running_services
from indexer.settings import load_settings
from local import cli, control, supervisor
from local.processes import ProcessIdentity, marked_processes
from local.service import ServiceSpec
from local.state import HomeLock, StackState, read_state, write_state
from local.supervisor import MARK
from tests.processes import wait_for

SLEEPER = "echo ready; exec sleep 600"
SMALL_STACK = Path(__file__).with_name("small_stack.py")
SECONDS = 20.0
Start = Callable[..., subprocess.Popen[bytes]]


@pytest.fixture(autouse=True)
def _short_patience(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(control, "_ORPHAN_SECONDS", 1.0)


@pytest.fixture
def home(tmp_path: Path) -> Path:
    folder = tmp_path / "a home"
    folder.mkdir()
    return folder


@pytest.fixture
def start() -> Iterator[Start]:
    """Start a small stack and wait until it runs; whatever a test leaves of it is killed."""
    started: list[tuple[Path, subprocess.Popen[bytes]]] = []

    def begin(home: Path, *services: str, wait: bool = True) -> subprocess.Popen[bytes]:
        parent = subprocess.Popen([sys.executable, SMALL_STACK, home, *services])
        started.append((home, parent))
        if wait:
            wait_for(lambda: phase(home) == "running" and state_of(home).pid == parent.pid, SECONDS)
        return parent

    yield begin
    for home, parent in started:
        if parent.poll() is None:
            parent.kill()
        parent.wait()
        for identity in marked_processes(MARK, str(home)):
            os.kill(identity.pid, signal.SIGKILL)


def state_of(home: Path) -> StackState:
    state = read_state(home)
    assert state is not None
    return state


def phase(home: Path) -> str | None:
    state = read_state(home)
    return state.phase if state else None


def pid_of(home: Path, name: str) -> int:
    pid = state_of(home).services[name].pid
    assert pid is not None
    return pid


def run(command: str, home: Path) -> Result:
    return CliRunner().invoke(getattr(cli, command), ["--home", str(home)])


def left_of(home: Path) -> list[ProcessIdentity]:
    return [identity for identity in marked_processes(MARK, str(home)) if identity.alive]


def test_services_start_after_what_they_need_and_are_ended_by_sigterm(home: Path, start: Start) -> None:
    parent = start(home, "redis", f"one={SLEEPER}")
    state = state_of(home)
    assert state.identity == ProcessIdentity.of(parent.pid)
    assert {name: service.condition for name, service in state.services.items()} == {
        "redis": "running",
        "one": "running",
    }
    first, second = (state.services[name].created for name in ("redis", "one"))
    assert first is not None
    assert second is not None
    assert first <= second
    parent.terminate()
    assert parent.wait(10) == 0
    assert phase(home) == "stopped"
    assert left_of(home) == []


def test_commands_find_the_addresses_of_a_running_home(
    home: Path, start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    start(home, "redis")
    assert load_settings(home=home).redis_url == running_services(home)["redis_url"]
    monkeypatch.setenv("DICOMSEARCH_REDIS_URL", "redis://elsewhere:6379/0")
    assert load_settings(home=home).redis_url == "redis://elsewhere:6379/0"
    monkeypatch.delenv("DICOMSEARCH_REDIS_URL")
    assert run("down", home).exit_code == 0
    assert running_services(home) == {}


def test_the_password_of_redis_is_needed_and_kept_from_other_users(home: Path, start: Start) -> None:
    start(home, "redis")
    assert (home / STATE_FILE).stat().st_mode & 0o077 == 0
    assert (home / "data" / "redis").stat().st_mode & 0o077 == 0
    port = state_of(home).services["redis"].port or 0
    with Redis(port=port, retry=Retry(NoBackoff(), 0)) as stranger, pytest.raises(AuthenticationError):
        stranger.ping()


def test_a_killed_service_is_started_again_and_status_says_so(home: Path, start: Start) -> None:
    start(home, f"one={SLEEPER}", f"two={SLEEPER}")
    before = pid_of(home, "one")
    other = pid_of(home, "two")
    os.kill(before, signal.SIGKILL)
    wait_for(lambda: (one := state_of(home).services["one"]).restarts == 1 and one.condition == "running", SECONDS)
    assert pid_of(home, "one") != before
    service = state_of(home).services["one"]
    assert (service.restarts, service.last_exit) == (1, "killed by SIGKILL")
    assert pid_of(home, "two") == other
    shown = run("status", home)
    assert shown.exit_code == 0
    assert "killed by SIGKILL" in shown.output


def test_a_service_that_dies_again_and_again_is_given_up_while_the_others_go_on(home: Path, start: Start) -> None:
    start(home, "mayfly=echo ready; sleep 1; echo 'ValueError: no more'; exit 7", f"other={SLEEPER}")
    wait_for(lambda: state_of(home).services["mayfly"].condition == "failed", SECONDS)
    mayfly = state_of(home).services["mayfly"]
    assert (mayfly.restarts, mayfly.last_exit) == (2, "exit code 7: ValueError: no more")
    shown = run("status", home)
    assert shown.exit_code == 1
    assert "given up after 2 restarts in 1 minutes" in shown.output
    assert state_of(home).services["other"].condition == "running"


@pytest.mark.parametrize(
    ("command", "reason"),
    [
        ("echo 'KeyError: it is broken' >&2; exit 3", "bad did not start: exit code 3: KeyError: it is broken"),
        ("echo not yet; exec sleep 600", "bad did not start: not ready after 2 s"),
        ("kill -9 $$", "bad did not start: killed by SIGKILL"),
    ],
)
def test_a_service_that_never_gets_ready_ends_the_start_with_its_reason(
    home: Path, start: Start, command: str, reason: str
) -> None:
    parent = start(home, f"good={SLEEPER}", f"bad={command}", wait=False)
    assert parent.wait(15) == 2
    assert phase(home) == "failed"
    assert (state_of(home).reason or "").startswith(reason)
    assert left_of(home) == []
    shown = run("status", home)
    assert shown.exit_code == 3
    assert reason in shown.output


def test_children_of_a_service_that_does_not_listen_to_sigterm_are_killed_with_it(home: Path, start: Start) -> None:
    start(home, "stubborn=trap '' TERM; sleep 600 & echo ready; while true; do sleep 600; done")
    assert len(left_of(home)) >= 2
    assert run("down", home).exit_code == 0
    assert left_of(home) == []


def test_services_end_by_themselves_when_their_supervisor_is_killed(home: Path, start: Start) -> None:
    parent = start(home, "redis", f"one={SLEEPER}")
    parent.kill()
    parent.wait()
    wait_for(lambda: not left_of(home), SECONDS)


def test_down_ends_what_a_killed_supervisor_has_left(home: Path, start: Start) -> None:
    parent = start(home, "stubborn=trap '' TERM; echo ready; while true; do sleep 1; done", f"one={SLEEPER}")
    parent.kill()
    parent.wait()
    assert left_of(home) != []
    shown = run("status", home)
    assert shown.exit_code == 1
    assert "dicomsearch down" in shown.output
    ended = run("down", home)
    assert (ended.exit_code, ended.output) == (0, "dicomsearch has been stopped\n")
    assert left_of(home) == []
    assert run("status", home).exit_code == 3


@pytest.mark.parametrize(
    "content", ["", "{", "[]", '{"phase": "running", "services": {"one": {"pid": "x"}}}', "\udcff"]
)
def test_down_needs_no_state_file(home: Path, start: Start, content: str) -> None:
    parent = start(home, f"one={SLEEPER}")
    (home / STATE_FILE).write_bytes(os.fsencode(content))
    assert run("status", home).exit_code == 1
    assert run("down", home).exit_code == 0
    assert parent.wait(10) == 0
    assert left_of(home) == []


def test_a_damaged_state_file_of_a_killed_supervisor_hides_no_process(home: Path, start: Start) -> None:
    parent = start(home, "stubborn=trap '' TERM; echo ready; while true; do sleep 1; done")
    parent.kill()
    parent.wait()
    (home / STATE_FILE).unlink()
    assert run("down", home).exit_code == 0
    assert left_of(home) == []


def test_a_stale_state_file_gets_no_stranger_killed(home: Path) -> None:
    with subprocess.Popen(["sleep", "600"]) as stranger:
        identity = ProcessIdentity.of(stranger.pid)
        assert identity is not None
        # The same number as a process of a stack that ran long ago.
        state = StackState.model_validate(
            {
                "phase": "running",
                "pid": stranger.pid,
                "created": identity.created - 3600,
                "services": {"one": {"condition": "running", "pid": stranger.pid, "created": identity.created - 3600}},
            }
        )
        (home / STATE_FILE).write_text(state.model_dump_json())
        ended = run("down", home)
        assert (ended.exit_code, ended.output) == (0, "dicomsearch is not running\n")
        assert stranger.poll() is None
        stranger.kill()


def test_two_homes_run_side_by_side_and_down_ends_one(tmp_path: Path, start: Start) -> None:
    homes = [tmp_path / "one", tmp_path / "two"]
    for home in homes:
        home.mkdir()
        start(home, "redis", f"one={SLEEPER}")
    assert run("down", homes[0]).exit_code == 0
    assert left_of(homes[0]) == []
    assert run("status", homes[1]).exit_code == 0
    assert len(left_of(homes[1])) == 2


def test_a_home_has_one_supervisor(home: Path, start: Start) -> None:
    start(home, f"one={SLEEPER}")
    assert HomeLock(home).held()
    assert start(home, f"one={SLEEPER}", wait=False).wait(10) == 9
    assert run("status", home).exit_code == 0


def test_what_was_written_to_redis_is_there_after_down_and_up(home: Path, start: Start) -> None:
    start(home, "redis")
    with Redis.from_url(load_settings(home=home).redis_url) as client:
        client.hset("batch:1", "name", "CASE-17")
    assert run("down", home).exit_code == 0
    start(home, "redis")
    with Redis.from_url(load_settings(home=home).redis_url) as client:
        assert client.hget("batch:1", "name") == b"CASE-17"


def test_a_second_signal_ends_everything_at_once(home: Path, start: Start) -> None:
    parent = start(home, "redis", "stubborn=trap '' TERM; echo ready; while true; do sleep 1; done")
    parent.send_signal(signal.SIGINT)
    time.sleep(0.3)
    parent.send_signal(signal.SIGINT)
    assert parent.wait(5) == 0
    assert left_of(home) == []


def test_a_full_disk_does_not_end_the_supervisor(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tries: list[StackState] = []

    def full_for_a_while(folder: Path, state: StackState) -> None:
        tries.append(state)
        if len(tries) < 4:
            raise OSError(28, "No space left on device")
        write_state(folder, state)

    monkeypatch.setattr(supervisor, "write_state", full_for_a_while)
    spec = ServiceSpec("one", ("sleep", "600"), home, {"PATH": "/usr/bin:/bin"})
    seen: list[str] = []

    def report(state: StackState) -> None:
        seen.append(state.phase)
        if state.phase == "running":
            os.kill(os.getpid(), signal.SIGTERM)

    supervisor.Supervisor(home, [spec], {}, report=report).run()
    assert (seen[0], seen[-1]) == ("running", "stopped")
    assert state_of(home).services["one"].condition == "stopped"
    assert left_of(home) == []


@pytest.mark.parametrize("command", ["down", "status"])
def test_commands_on_a_home_that_never_was_leave_nothing_behind(tmp_path: Path, command: str) -> None:
    shown = run(command, tmp_path / "never")
    assert shown.exit_code == (3 if command == "status" else 0)
    assert shown.output == "dicomsearch is not running\n"
    assert list(tmp_path.iterdir()) == []
