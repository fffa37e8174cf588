"""Pictures made in processes of their own: what they bring back, and what they must not be able to do."""

import os
import signal
import threading
import time
from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pytest

from app.preview.errors import BusyError, DamagedError, FileGoneError, FrameNotFoundError, TooLargeError, TooSlowError
from app.preview.picture import Painter
from app.preview.processes import Bounds, Previews
from app.preview.wish import Wish
from indexer.settings import Settings
from tests.unit.app.preview.conftest import Write

BOUNDS = Bounds(megapixels=64, processes=1, seconds=30, memory_mb=1_024)
IMAGE = np.arange(16, dtype=np.uint8).reshape(4, 4)


@pytest.fixture(scope="module")
def previews() -> Iterator[Previews]:
    """Processes for all tests of this module: each takes a second to start."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DICOMSEARCH_REDIS_URL", "redis://:secret@127.0.0.1")
        made = Previews(BOUNDS)
        yield made
        made.close()


def _process(previews: Previews) -> int:
    """Find the one process that waits."""
    return previews._idle[0]._popen.pid


def _memory_mb(process: int) -> int:
    """Tell the most memory that a process has ever had."""
    with open(f"/proc/{process}/status", encoding="ascii") as status:  # noqa: PTH123
        return next(int(line.split()[1]) for line in status if line.startswith("VmHWM")) // 1024


def test_a_picture_is_the_same_as_without_a_process(previews: Previews, write: Write) -> None:
    wish = write(IMAGE)
    assert previews.draw(wish) == Painter(64).draw(wish)


def test_facts_are_the_same_as_without_a_process(previews: Previews, write: Write) -> None:
    wish = write(IMAGE, WindowCenter=8, WindowWidth=16)
    for decoding in (True, False):
        expected = Painter(64).describe(wish, decoding=decoding).document()
        assert previews.describe(wish, decoding=decoding) == expected


def test_errors_come_back_as_they_were(previews: Previews, write: Write) -> None:
    wish = write(IMAGE)
    with pytest.raises(FrameNotFoundError, match="The image has 1 frame"):
        previews.draw(replace(wish, frame=5))
    with pytest.raises(FileGoneError):
        previews.draw(replace(wish, path=wish.path + ".moved"))


def test_one_process_makes_many_pictures(previews: Previews, write: Write) -> None:
    wish = write(IMAGE)
    previews.draw(wish)
    before = _process(previews)
    previews.draw(wish)
    assert _process(previews) == before


def test_a_file_that_is_replaced_is_not_drawn_from_memory(previews: Previews, write: Write) -> None:
    dark = previews.draw(write(IMAGE, WindowCenter=100, WindowWidth=10))
    assert previews.draw(write(IMAGE, WindowCenter=-100, WindowWidth=10)) != dark


def test_a_process_that_died_while_it_waited_is_replaced(previews: Previews, write: Write) -> None:
    wish = write(IMAGE)
    previews.draw(wish)
    os.kill(_process(previews), signal.SIGKILL)
    while previews._idle[0].alive:
        time.sleep(0.01)
    assert previews.draw(wish)


def test_a_process_that_dies_at_work_is_an_error_of_this_picture_alone(previews: Previews, write: Write) -> None:
    wish = write(IMAGE)
    previews.draw(wish)
    process = _process(previews)
    os.kill(process, signal.SIGSTOP)
    threading.Timer(0.2, os.kill, (process, signal.SIGKILL)).start()
    with pytest.raises(DamagedError, match="crashed"):
        previews.draw(wish)
    assert previews.draw(wish)


def test_a_picture_that_takes_too_long_is_given_up_and_the_next_one_is_drawn(
    previews: Previews, write: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    wish = write(IMAGE)
    previews.draw(wish)
    os.kill(_process(previews), signal.SIGSTOP)
    with monkeypatch.context() as patch:
        patch.setattr(previews, "_bounds", replace(BOUNDS, seconds=0.3))
        with pytest.raises(TooSlowError, match=r"after 0\.3 seconds"):
            previews.draw(wish)
    assert previews.draw(wish)


def test_requests_beyond_those_that_may_wait_are_refused_at_once(previews: Previews, write: Write) -> None:
    wish = write(IMAGE)
    previews.draw(wish)
    process = _process(previews)
    os.kill(process, signal.SIGSTOP)
    waiting = [threading.Thread(target=previews.draw, args=[wish]) for _ in range(4)]
    for thread in waiting:
        thread.start()
    while previews._places._value:
        time.sleep(0.01)
    with pytest.raises(BusyError):
        previews.draw(wish)
    os.kill(process, signal.SIGCONT)
    for thread in waiting:
        thread.join()


def test_memory_is_bounded_whatever_a_file_claims(write: Write) -> None:
    # 60 million pixels of three 16-bit samples, which have to be computed into other colours: more than a gigabyte.
    previews = Previews(replace(BOUNDS, memory_mb=768))
    wish = write(
        np.zeros((1, 1, 3), np.uint16),
        SamplesPerPixel=3,
        PlanarConfiguration=0,
        PhotometricInterpretation="YBR_FULL",
        Rows=6_000,
        Columns=10_000,
    )
    os.truncate(wish.path, 361_000_000)
    with pytest.raises((TooLargeError, DamagedError)):
        previews.draw(wish)
    assert previews.draw(write(IMAGE))
    previews.close()


def test_the_largest_gray_frame_is_drawn_in_a_fraction_of_the_memory(previews: Previews, write: Write) -> None:
    wish = write(np.zeros((1, 1), np.uint16), Rows=8_000, Columns=8_000, RescaleSlope=0.5, RescaleIntercept=-1)
    os.truncate(wish.path, 8_000 * 8_000 * 2 + 2_000)
    assert previews.draw(wish)
    assert _memory_mb(_process(previews)) < 600


def test_processes_do_not_know_our_settings(previews: Previews, write: Write) -> None:
    previews.draw(write(IMAGE))
    with open(f"/proc/{_process(previews)}/environ", "rb") as environment:  # noqa: PTH123
        assert b"secret" not in environment.read()


def test_processes_end_with_whoever_used_them(write: Write) -> None:
    previews = Previews(BOUNDS)
    previews.draw(write(IMAGE))
    process = previews._idle[0]
    del previews
    assert not process.alive


def test_bounds_come_from_the_settings() -> None:
    settings = Settings(preview_megapixels=3, preview_processes=2, preview_seconds=4, preview_memory_mb=600)
    assert Bounds.of(settings) == Bounds(3, 2, 4, 600)


def test_a_wish_is_asked_for_in_json(previews: Previews) -> None:
    with pytest.raises(FileGoneError):
        previews.draw(Wish('/no\nsuch"file', "1.2"))
