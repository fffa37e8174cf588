"""Whatever stands in place of an image: a picture, or an error that says why there is none and quotes nothing."""

import gzip
import os
import shutil
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import app.preview.source
from app.preview.errors import (
    DamagedError,
    FileChangedError,
    FileGoneError,
    FileRefusedError,
    FrameNotFoundError,
    NoPixelsError,
    PreviewError,
    TooLargeError,
    UnsupportedError,
)
from app.preview.picture import Painter
from app.preview.wish import Wish
from tests.unit.app.preview.conftest import Draw, Write

CORPUS = Path(os.environ.get("DICOMSEARCH_CORPUS", Path(__file__).parents[4].parent / "shared" / "corpus"))
IMAGE = np.zeros((4, 4), np.uint8)


def test_a_file_that_has_gone_is_said_to_have_gone(write: Write, draw: Draw) -> None:
    wish = write(IMAGE)
    Path(wish.path).unlink()
    with pytest.raises(FileGoneError):
        draw(wish)


def test_a_file_that_is_another_image_now_is_not_shown(write: Write, draw: Draw) -> None:
    with pytest.raises(FileChangedError):
        draw(replace(write(IMAGE), image="1.2.3.5"))


@pytest.mark.parametrize("kind", ["folder", "pipe"])
def test_only_regular_files_are_opened(tmp_path: Path, draw: Draw, kind: str) -> None:
    path = tmp_path / "odd"
    path.mkdir() if kind == "folder" else os.mkfifo(path)
    with pytest.raises(FileRefusedError):
        draw(Wish(str(path), "1.2.3.4"))


def test_a_name_that_is_not_utf_8_is_found_as_it_is_written(write: Write, draw: Draw, tmp_path: Path) -> None:
    wish = write(IMAGE)
    shutil.move(os.fsencode(wish.path), os.fsencode(tmp_path) + b"/m\xe4r.dcm")
    assert draw(replace(wish, path=f"{tmp_path}/m\\xe4r.dcm")).shape == (4, 4)


def test_a_file_compressed_as_a_whole_is_shown(write: Write, draw: Draw) -> None:
    wish = write(IMAGE)
    path = Path(wish.path)
    path.write_bytes(gzip.compress(path.read_bytes()))
    assert draw(wish).shape == (4, 4)


def test_a_frame_beyond_the_last_is_not_found(write: Write, draw: Draw) -> None:
    with pytest.raises(FrameNotFoundError, match="The image has 1 frame"):
        draw(replace(write(IMAGE), frame=2))


def test_facts_of_a_frame_beyond_the_last_are_not_told(write: Write) -> None:
    with pytest.raises(FrameNotFoundError):
        Painter(1).describe(replace(write(IMAGE), frame=2), decoding=False)


def test_a_frame_that_is_too_large_is_not_decoded(write: Write, draw: Draw) -> None:
    with pytest.raises(TooLargeError, match="up to 1 million"):
        draw(write(IMAGE, Rows=2000, Columns=2000))


def test_an_object_without_pixels_is_said_to_have_none(write: Write, draw: Draw) -> None:
    wish = write(IMAGE)
    path = Path(wish.path)
    path.write_bytes(path.read_bytes()[: -len(IMAGE.tobytes()) - 12])
    with pytest.raises(NoPixelsError):
        draw(wish)


def test_pixels_that_end_too_early_are_damaged(write: Write, draw: Draw) -> None:
    with pytest.raises(DamagedError, match="ends before the end"):
        draw(write(IMAGE, Rows=40))


def test_a_transfer_syntax_that_nobody_knows_is_unsupported(write: Write, draw: Draw) -> None:
    wish = write(IMAGE)
    path = Path(wish.path)
    path.write_bytes(path.read_bytes().replace(b"1.2.840.10008.1.2.1\0", b"1.2.840.10008.1.2.77"))
    with pytest.raises(UnsupportedError):
        draw(wish)


def test_an_error_quotes_nothing_of_the_header(write: Write, draw: Draw) -> None:
    wish = write(IMAGE, PhotometricInterpretation="SECRET", SamplesPerPixel=3)
    with pytest.raises(PreviewError) as caught:
        draw(wish)
    assert "SECRET" not in str(caught.value.document())


def test_facts_tell_without_decoding_why_there_is_no_picture(write: Write) -> None:
    facts = Painter(1).describe(write(IMAGE, Rows=2000, Columns=2000), decoding=False).document()
    assert facts["showable"] is False
    assert facts["problem"]["kind"] == "picture-too-large"


def test_facts_tell_the_windows_and_what_they_are_for(write: Write) -> None:
    wish = write(IMAGE, WindowCenter=[40, 600], WindowWidth=[400, 1500], WindowCenterWidthExplanation=["SOFT", "LUNG"])
    facts = Painter(1).describe(wish, decoding=False).document()
    assert facts["windows"] == [
        {"center": 40, "width": 400, "explanation": "SOFT"},
        {"center": 600, "width": 1500, "explanation": "LUNG"},
    ]
    assert (facts["window"]["center"], facts["window_from"], facts["showable"]) == (40, "file", True)
    assert (facts["rows"], facts["columns"], facts["frames"]) == (4, 4, 1)


def test_facts_tell_the_window_that_pixels_give(write: Write) -> None:
    facts = Painter(1).describe(write(np.uint8([[0, 100]])), decoding=True).document()
    assert facts["window_from"] == "pixels"
    assert facts["window"]["center"] == pytest.approx(50, abs=1)


def _corpus() -> Iterator[Path]:
    return (path for path in sorted(CORPUS.rglob("*")) if path.is_file())


def test_every_file_of_the_corpus_gives_a_picture_or_a_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    if not CORPUS.is_dir():
        pytest.skip(f"there are no images at {CORPUS}: set DICOMSEARCH_CORPUS")
    monkeypatch.setattr(app.preview.source, "_check", lambda *_: None)  # the ids are not the matter here
    painter, outcomes = Painter(64), Counter[str]()
    for path in _corpus():
        try:
            assert painter.draw(Wish(str(path), "any", size=128)).startswith(b"\x89PNG")
            outcomes["picture"] += 1
            assert painter.describe(Wish(str(path), "any"), decoding=False).rows > 0
        except PreviewError as error:
            outcomes[type(error).__name__] += 1
    assert outcomes["picture"] > 10 * outcomes["DamagedError"] > 0


def test_damage_anywhere_gives_a_picture_or_a_reason(write: Write) -> None:
    wish = write(np.arange(16, dtype=np.uint16).reshape(4, 4), WindowCenter=5, WindowWidth=10)
    path, painter = Path(wish.path), Painter(1)
    whole = path.read_bytes()
    for at in range(128, len(whole)):
        path.write_bytes(whole[:at] + bytes([whole[at] ^ 0xFF]) + whole[at + 1 :])
        with suppress(PreviewError):
            assert painter.draw(wish).startswith(b"\x89PNG")
    for length in range(0, len(whole), 7):
        path.write_bytes(whole[:length])
        with pytest.raises(PreviewError):
            painter.draw(wish)
