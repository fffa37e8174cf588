"""Files as they are in the world: every kind of pydicom's test files, and odd wrappings of a small image."""

import gzip
import hashlib
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pydicom import dcmread
from pydicom.data import get_palette_files, get_testdata_files
from pydicom.uid import DeflatedExplicitVRLittleEndian, ImplicitVRLittleEndian

import app.preview.source
from app.preview.errors import DamagedError, FileRefusedError, PreviewError, TooLargeError, UnsupportedError
from app.preview.picture import Painter
from app.preview.wish import Wish
from tests.unit.app.preview.conftest import Draw, Write

IMAGE = np.uint8([[0, 100, 255]])
WINDOW = {"WindowCenter": 127.5, "WindowWidth": 255, "VOILUTFunction": "LINEAR_EXACT"}
# Read by a person: what pydicom's files are encoded in. Of each kind, one picture at least.
KINDS = {
    ("1.2.840.10008.1.2", "MONOCHROME2"),
    ("1.2.840.10008.1.2.1", "MONOCHROME1"),
    ("1.2.840.10008.1.2.1", "MONOCHROME2"),
    ("1.2.840.10008.1.2.1", "PALETTE COLOR"),
    ("1.2.840.10008.1.2.1", "RGB"),
    ("1.2.840.10008.1.2.1", "YBR_FULL_422"),
    ("1.2.840.10008.1.2.1.99", "MONOCHROME2"),
    ("1.2.840.10008.1.2.2", "MONOCHROME2"),
    ("1.2.840.10008.1.2.2", "RGB"),
    ("1.2.840.10008.1.2.4.50", "RGB"),
    ("1.2.840.10008.1.2.4.50", "YBR_FULL"),
    ("1.2.840.10008.1.2.4.50", "YBR_FULL_422"),
    ("1.2.840.10008.1.2.4.57", "MONOCHROME2"),
    ("1.2.840.10008.1.2.4.70", "MONOCHROME2"),
    ("1.2.840.10008.1.2.4.80", "MONOCHROME2"),
    ("1.2.840.10008.1.2.4.81", "MONOCHROME2"),
    ("1.2.840.10008.1.2.4.90", "MONOCHROME2"),
    ("1.2.840.10008.1.2.4.90", "YBR_RCT"),
    ("1.2.840.10008.1.2.4.91", "MONOCHROME2"),
    ("1.2.840.10008.1.2.4.91", "YBR_ICT"),
    ("1.2.840.10008.1.2.4.201", "RGB"),
    ("1.2.840.10008.1.2.4.203", "RGB"),
    ("1.2.840.10008.1.2.5", "MONOCHROME2"),
    ("1.2.840.10008.1.2.5", "PALETTE COLOR"),
    ("1.2.840.10008.1.2.5", "RGB"),
}


def _described() -> Iterator[tuple[str, str, tuple[str, str]]]:
    """Tell name, id, and kind of each of pydicom's files that has pixels."""
    tags = ["SOPInstanceUID", "PhotometricInterpretation", "Rows"]
    # Without a pattern: with one, pydicom looks for more files on the network.
    for name in sorted(get_testdata_files()):
        if not name.endswith(".dcm"):
            continue
        dataset = dcmread(name, stop_before_pixels=True, force=True, specific_tags=tags)
        if "Rows" in dataset and "SOPInstanceUID" in dataset:
            syntax = dataset.file_meta.get("TransferSyntaxUID")
            yield name, str(dataset.SOPInstanceUID), (str(syntax), str(dataset.get("PhotometricInterpretation")))


@pytest.mark.filterwarnings("ignore")
def test_every_kind_of_encoding_is_drawn() -> None:
    there, drawn, painter = set(), set(), Painter(64)
    for name, image, kind in _described():
        there.add(kind)
        # One of each kind is enough; of those that are damaged on purpose the next one is tried.
        if kind not in drawn:
            with suppress(PreviewError):
                assert painter.draw(Wish(name, image, size=64)).startswith(b"\x89PNG")
                drawn.add(kind)
    # Some of pydicom's files come with a package of their own, pydicom-data.
    assert KINDS & there == KINDS & drawn
    assert len(KINDS & drawn) > 15


@pytest.mark.parametrize("syntax", [DeflatedExplicitVRLittleEndian, ImplicitVRLittleEndian])
def test_a_file_is_drawn_in_any_encoding_of_its_elements(write: Write, draw: Draw, syntax: str) -> None:
    assert draw(write(IMAGE, syntax=syntax, **WINDOW)).tolist() == [[0, 100, 255]]


def test_a_file_without_preamble_and_meta_header_is_drawn(write: Write, draw: Draw) -> None:
    wish = write(IMAGE, **WINDOW)
    path = Path(wish.path)
    length = int(dcmread(path).file_meta.FileMetaInformationGroupLength)
    path.write_bytes(path.read_bytes()[128 + 4 + 12 + length :])
    assert draw(wish).tolist() == [[0, 100, 255]]


def test_an_image_without_an_id_of_its_own_is_known_by_its_content(write: Write, draw: Draw) -> None:
    wish = write(IMAGE, **WINDOW)
    path = Path(wish.path)
    path.write_bytes(path.read_bytes().replace(b"1.2.3.4", b"x.y.z.q"))
    found = hashlib.sha256(path.read_bytes()).hexdigest()
    assert draw(replace(wish, image=f"sha256-{found}")).tolist() == [[0, 100, 255]]


def test_a_damaged_compressed_file_is_damaged(write: Write, draw: Draw) -> None:
    wish = write(IMAGE)
    path = Path(wish.path)
    path.write_bytes(gzip.compress(path.read_bytes())[:-20])
    with pytest.raises(DamagedError):
        draw(wish)


def test_a_file_that_unpacks_to_too_much_is_given_up(write: Write, draw: Draw, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(app.preview.source, "_MOST_UNPACKED", 1_000)
    wish = write(np.zeros((100, 100), np.uint8))
    path = Path(wish.path)
    path.write_bytes(gzip.compress(path.read_bytes()))
    with pytest.raises(TooLargeError):
        draw(wish)


def test_a_file_that_may_not_be_read_is_told_so(write: Write, draw: Draw, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: Any, **__: Any) -> None:
        raise PermissionError

    wish = write(IMAGE)
    monkeypatch.setattr(app.preview.source.os, "open", refuse)
    with pytest.raises(FileRefusedError):
        draw(wish)


def test_a_video_is_said_to_be_one(write: Write, draw: Draw) -> None:
    wish = write(IMAGE)
    path = Path(wish.path)
    path.write_bytes(path.read_bytes().replace(b"\x14\x001.2.840.10008.1.2.1\0", b"\x18\x001.2.840.10008.1.2.4.102\0"))
    with pytest.raises(UnsupportedError, match="video"):
        draw(wish)


def test_lossy_jpeg_of_twelve_bits_is_said_to_be_unsupported(draw: Draw) -> None:
    name = next(name for name in get_testdata_files() if name.endswith("JPEG-lossy.dcm"))
    with pytest.raises(UnsupportedError, match="more than 8 bits"):
        draw(Wish(name, str(dcmread(name, stop_before_pixels=True).SOPInstanceUID)))


def test_a_palette_in_segments_is_expanded(write: Write, draw: Draw) -> None:
    # PS3.3 §C.7.9.2: discrete, 1 entry: 0; linear, 2 entries up to 255: 127 or 128, and 255
    segments = np.array([0, 1, 0, 1, 2, 255], np.uint8).tobytes()
    elements: dict[str, Any] = {"PhotometricInterpretation": "PALETTE COLOR"}
    for colour in ("Red", "Green", "Blue"):
        elements[f"{colour}PaletteColorLookupTableDescriptor"] = [3, 0, 8]
        elements[f"Segmented{colour}PaletteColorLookupTableData"] = segments
    found = draw(write(np.uint8([[0, 1, 2]]), **elements)).astype(int)
    assert np.abs(found - [[[0] * 3, [128] * 3, [255] * 3]]).max() <= 1


@pytest.mark.parametrize("missing", ["RedPaletteColorLookupTableDescriptor", "BluePaletteColorLookupTableData"])
def test_an_incomplete_palette_is_damage(write: Write, draw: Draw, missing: str) -> None:
    palette = dcmread(next(name for name in get_palette_files() if name.endswith("hotiron.dcm")))
    names = [
        f"{colour}PaletteColorLookupTable{part}"
        for colour in ("Red", "Green", "Blue")
        for part in ("Descriptor", "Data")
    ]
    elements = {name: palette[name].value for name in names if name != missing}
    with pytest.raises(DamagedError, match="palette"):
        draw(write(IMAGE, PhotometricInterpretation="PALETTE COLOR", **elements))
