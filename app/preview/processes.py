"""Pictures made in processes of their own, so that no file can harm the web process.

A decoder that crashes, runs wild or wants all memory takes only its process with it: the picture becomes an error, and
the next one gets a new process. A process that has done its work waits for more, with its libraries loaded.
"""

import json
import os
import subprocess
import sys
import threading
import weakref
from contextlib import suppress
from dataclasses import asdict, dataclass
from typing import Any, Self

import structlog

from app.preview.errors import ERRORS, BusyError, DamagedError, PreviewError, TooSlowError
from app.preview.folders import refuse_outside
from app.preview.source import existing
from app.preview.wish import Wish
from indexer.settings import Settings

_log = structlog.get_logger(__name__)
_WAITING = 3  # requests for each process; more would occupy the threads that serve everything else
_MOST_ANSWERS = 1_000  # of one process: native libraries leak


@dataclass(frozen=True, slots=True)
class Bounds:
    """What pictures may cost: a frame's size, processes at once, time and memory of each; and where files may be."""

    megapixels: float
    processes: int
    seconds: float
    memory_mb: int
    folders: tuple[str, ...] = ()

    @classmethod
    def of(cls, settings: Settings) -> Self:
        """Take them from the settings."""
        return cls(
            megapixels=settings.preview_megapixels,
            processes=settings.preview_processes,
            seconds=settings.preview_seconds,
            memory_mb=settings.preview_memory_mb,
            folders=settings.folders_of_files,
        )


class Previews:
    """Makes pictures; threads may share it. Processes are started when they are first needed."""

    def __init__(self, bounds: Bounds) -> None:
        self._bounds = bounds
        self._places = threading.BoundedSemaphore(bounds.processes * (1 + _WAITING))
        self._turns = threading.BoundedSemaphore(bounds.processes)
        self._idle: list[_Process] = []
        self.close = weakref.finalize(self, _stop, self._idle)

    def draw(self, wish: Wish) -> bytes:
        """Draw a frame as PNG.

        Raises
        ------
        PreviewError
            Where there is no picture.
        """
        return self._ask("draw", wish)[1]

    def describe(self, wish: Wish, *, decoding: bool = True) -> dict[str, Any]:
        """Tell what there is to draw: the document of `Facts`.

        Raises
        ------
        PreviewError
            Where the file cannot be read.
        """
        facts: dict[str, Any] = self._ask("describe" if decoding else "glance", wish)[0]["facts"]
        return facts

    def _ask(self, what: str, wish: Wish) -> tuple[dict[str, Any], bytes]:
        if self._bounds.folders:
            refuse_outside(existing(wish.path), self._bounds.folders)
        if not self._places.acquire(blocking=False):
            raise BusyError("Many pictures are being made at the moment: try again soon.")
        try:
            if not self._turns.acquire(timeout=self._bounds.seconds):
                raise BusyError("Other pictures take long at the moment: try again soon.")
            try:
                header, picture = self._run(json.dumps({"what": what, "wish": asdict(wish)}).encode() + b"\n")
            finally:
                self._turns.release()
        finally:
            self._places.release()
        if problem := header.get("problem"):
            if header["cause"]:
                _log.info("no_preview", kind=problem["kind"], cause=header["cause"])
            raise ERRORS.get(problem["kind"], PreviewError)(problem["detail"])
        return header, picture

    def _run(self, request: bytes) -> tuple[dict[str, Any], bytes]:
        process = self._waiting() or _Process(self._bounds)
        try:
            answer = process.ask(request, self._bounds.seconds)
        except BaseException:
            process.kill()
            raise
        if process.answers < _MOST_ANSWERS:
            self._idle.append(process)
        else:
            process.end()
        return answer

    def _waiting(self) -> "_Process | None":
        while self._idle:
            process = self._idle.pop()
            if process.alive:
                return process
            process.end()
        return None


class _Process:
    """One process that makes pictures, and the way to talk to it."""

    def __init__(self, bounds: Bounds) -> None:
        self._bounds = bounds
        self._popen = subprocess.Popen(  # noqa: S603 (nothing of a request is in the command)
            [sys.executable, "-P", "-m", "app.preview.child", str(bounds.megapixels), str(bounds.memory_mb)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            # Native libraries write there what they find wrong with a file.
            stderr=subprocess.DEVNULL,
            env=_environment(),
        )
        self.answers = 0

    @property
    def alive(self) -> bool:
        return self._popen.poll() is None

    def ask(self, request: bytes, seconds: float) -> tuple[dict[str, Any], bytes]:
        late = threading.Event()
        timer = threading.Timer(seconds, self._end_late, [late])
        timer.start()
        try:
            answer = self._exchange(request)
        finally:
            timer.cancel()
        self.answers += 1
        if answer is not None:
            return answer
        if late.is_set():
            _log.warning("preview_too_slow", seconds=seconds)
            raise TooSlowError(f"The picture was not ready after {seconds:g} seconds.")
        _log.warning("preview_crashed", exit_code=self._popen.wait())
        raise DamagedError(
            "The decoder crashed on this frame: it is damaged, or needs more than the "
            f"{self._bounds.memory_mb:,} MB of memory that there are for a picture."
        )

    def _exchange(self, request: bytes) -> tuple[dict[str, Any], bytes] | None:
        """Ask and read the answer; None where the process ended."""
        assert self._popen.stdin is not None  # noqa: S101 (for the type checker)
        assert self._popen.stdout is not None  # noqa: S101
        try:
            self._popen.stdin.write(request)
            self._popen.stdin.flush()
            header = json.loads(self._popen.stdout.readline())
            picture = self._popen.stdout.read(header["length"])
        except (OSError, ValueError):
            return None
        return (header, picture) if len(picture) == header["length"] else None

    def _end_late(self, late: threading.Event) -> None:
        late.set()
        self._popen.kill()

    def end(self) -> None:
        """Let the process end by itself: its input ends."""
        for pipe in (self._popen.stdin, self._popen.stdout):
            with suppress(OSError):
                pipe.close()  # type: ignore[union-attr]
        try:
            self._popen.wait(timeout=2)
        except subprocess.TimeoutExpired:
            self.kill()

    def kill(self) -> None:
        """End the process at once."""
        self._popen.kill()
        self.end()


def _stop(processes: list[_Process]) -> None:
    while processes:
        processes.pop().end()


def _environment() -> dict[str, str]:
    """Leave out our settings, which have passwords: a decoder that is taken over by a file shall not find them."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("DICOMSEARCH_")}
    return {**kept, "OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}
