"""Processes by identity: a number that was given to another process is not the one that was meant."""

import os
import subprocess

import pytest

from local.processes import ProcessIdentity, end_processes, marked_processes


def test_this_process_lives() -> None:
    assert ProcessIdentity.current().alive
    assert ProcessIdentity.of(os.getpid()) == ProcessIdentity.current()


@pytest.mark.parametrize("shift", [-3600.0, -3.0, 3.0, 3600.0])
def test_the_same_number_at_another_time_is_another_process(shift: float) -> None:
    current = ProcessIdentity.current()
    assert not ProcessIdentity(current.pid, current.created + shift).alive


@pytest.mark.parametrize("pid", [-1, 2**22 + 1, 2**40, 2**80])
def test_numbers_that_no_process_has_are_not_alive(pid: int) -> None:
    assert not ProcessIdentity(pid, 0.0).alive
    end_processes([ProcessIdentity(pid, 0.0)], seconds=0)


def test_a_process_that_has_ended_but_was_not_waited_for_is_not_alive() -> None:
    process = subprocess.Popen(["true"])
    identity = ProcessIdentity.of(process.pid)
    os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
    assert identity is None or not identity.alive
    process.wait()


def test_processes_are_found_by_their_mark_and_ended() -> None:
    mark = f"value of {os.getpid()}"
    with subprocess.Popen(["sleep", "600"], env={"MARK": mark, "PATH": "/usr/bin:/bin"}) as process:
        found = marked_processes("MARK", mark)
        while not found:  # the environment appears when the child has become `sleep`
            found = marked_processes("MARK", mark)
        assert [identity.pid for identity in found] == [process.pid]
        end_processes(found, seconds=5)
        assert process.wait(5) == -15
