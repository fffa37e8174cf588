"""The words of a service that has ended, its restarts and its log."""

from pathlib import Path

import pytest

from local.service import last_words, rotate
from local.supervisor import RestartPolicy


@pytest.mark.parametrize(
    ("log", "words"),
    [
        ("", "it wrote nothing"),
        ("one\ntwo\n\n", "two"),
        (
            "Traceback:\n  File x\nModuleNotFoundError: No module named 'x'\nWorker exits\n",
            "ModuleNotFoundError: No module named 'x'",
        ),
        ("a.b.FirstError: one\nSecondException: two\n", "SecondException: two"),
    ],
)
def test_the_last_words_are_the_last_exception_or_line(log: str, words: str) -> None:
    assert last_words(log) == words


def test_pauses_between_restarts_grow_up_to_a_bound() -> None:
    policy = RestartPolicy(first_pause=1.0, longest_pause=30.0)
    assert [policy.pause(exits) for exits in (1, 2, 3, 4, 5, 6, 7)] == [1, 2, 4, 8, 16, 30, 30]


def test_a_log_beyond_its_limit_moves_while_its_writer_goes_on(tmp_path: Path) -> None:
    log = tmp_path / "worker.log"
    with log.open("ab", buffering=0) as writer:
        writer.write(b"1234567890")
        rotate(log, limit=10)
        assert log.read_bytes() == b"1234567890"
        writer.write(b"+")
        rotate(log, limit=10)
        assert (log.read_bytes(), (tmp_path / "worker.log.1").read_bytes()) == (b"", b"1234567890+")
        writer.write(b"new")
        assert log.read_bytes() == b"new"
    rotate(tmp_path / "absent.log")
