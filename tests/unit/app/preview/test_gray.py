"""Gray pictures of small images, against what a person computes from PS3.3 §C.11.2 and §C.7.6.3."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from pydicom.dataset import Dataset
from pydicom.uid import ExplicitVRBigEndian, ImplicitVRLittleEndian

from tests.unit.app.preview.conftest import Draw, Write


def _table(first: int, entries: list[int], bits: int = 8) -> list[Dataset]:
    item = Dataset()
    item.add_new("LUTDescriptor", "SS" if first < 0 else "US", [len(entries), first, bits])
    item.LUTExplanation = "BONE"
    item.add_new("LUTData", "OW", np.array(entries, "<u2").tobytes())
    return [item]


def _modality_table(first: int, entries: list[int], bits: int = 8) -> list[Dataset]:
    items = _table(first, entries, bits)
    items[0].ModalityLUTType = "US"
    return items


U8, U16, I16 = np.uint8, np.uint16, np.int16
CASES: list[tuple[str, Any, dict[str, Any], list[list[int]]]] = [
    # (x - 99.5) / 200 + 0.5 for center 100 and width 201: 0 at or below -0.5, 1 above 199.5
    ("a linear window", I16([[-5, 0, 100, 300]]), {"WindowCenter": 100, "WindowWidth": 201}, [[0, 1, 128, 255]]),
    ("a window of width 1", U8([[99, 100]]), {"WindowCenter": 100, "WindowWidth": 1}, [[0, 255]]),
    (
        "an exact linear window",
        U8([[0, 50, 100, 200]]),
        {"WindowCenter": 100, "WindowWidth": 200, "VOILUTFunction": "LINEAR_EXACT"},
        [[0, 64, 128, 255]],
    ),
    (
        # 1 / (1 + exp(-4 * 50 / 200)) = 0.7311
        "a sigmoid",
        U8([[100, 150]]),
        {"WindowCenter": 100, "WindowWidth": 200, "VOILUTFunction": "SIGMOID"},
        [[128, 186]],
    ),
    (
        "MONOCHROME1, where the lowest is white",
        U8([[0, 50, 200]]),
        {
            "WindowCenter": 100,
            "WindowWidth": 200,
            "VOILUTFunction": "LINEAR_EXACT",
            "PhotometricInterpretation": "MONOCHROME1",
        },
        [[255, 191, 0]],
    ),
    (
        "a window on rescaled values",
        U16([[0, 1024, 1124]]),
        {
            "RescaleSlope": 1,
            "RescaleIntercept": -1024,
            "WindowCenter": 50,
            "WindowWidth": 100,
            "VOILUTFunction": "LINEAR_EXACT",
        },
        [[0, 0, 255]],
    ),
    (
        "a modality table before a window; what lies outside takes its ends",
        U8([[0, 1, 2, 9]]),
        {
            "ModalityLUTSequence": _modality_table(1, [0, 100, 200]),
            "WindowCenter": 100,
            "WindowWidth": 200,
            "VOILUTFunction": "LINEAR_EXACT",
        },
        [[0, 0, 128, 255]],
    ),
    (
        "a VOI table goes before a window",
        U8([[10, 11, 12, 13]]),
        {"VOILUTSequence": _table(10, [255, 0, 51, 102]), "WindowCenter": 1, "WindowWidth": 1},
        [[255, 0, 51, 102]],
    ),
    ("a VOI table from below zero", I16([[-2, -1, 0]]), {"VOILUTSequence": _table(-2, [0, 51, 255])}, [[0, 51, 255]]),
    ("no window: from the lowest to the highest", U16([[1000, 1500, 2000]]), {}, [[0, 128, 255]]),
    ("a constant", U16([[7, 7]]), {}, [[128, 128]]),
    ("32-bit floating point", np.float32([[0, 0.005, 0.01]]), {}, [[0, 128, 255]]),
    ("64-bit floating point", np.float64([[-1, 0, 1]]), {}, [[0, 128, 255]]),
    ("no number among numbers is black", np.float32([[np.nan, 0, 1]]), {}, [[0, 0, 255]]),
    ("32 bits", np.uint32([[0, 2**31, 2**32 - 1]]), {}, [[0, 128, 255]]),
    (
        "padding does not widen the window",
        I16([[-2000, 0, 50, 100]]),
        {"PixelPaddingValue": -2000},
        [[0, 0, 128, 255]],
    ),
    (
        "big endian",
        U16([[0, 256]]),
        {"syntax": ExplicitVRBigEndian, "WindowCenter": 128, "WindowWidth": 256, "VOILUTFunction": "LINEAR_EXACT"},
        [[0, 255]],
    ),
    (
        "implicit VR",
        I16([[-100, 0]]),
        {"syntax": ImplicitVRLittleEndian, "WindowCenter": -50, "WindowWidth": 100, "VOILUTFunction": "LINEAR_EXACT"},
        [[0, 255]],
    ),
    ("an unusable window is left out", U8([[0, 10]]), {"WindowCenter": 5, "WindowWidth": 0}, [[0, 255]]),
]


@pytest.mark.parametrize(("stored", "elements", "expected"), [c[1:] for c in CASES], ids=[c[0] for c in CASES])
def test_gray_is_as_computed_by_hand(
    write: Write, draw: Draw, stored: Any, elements: dict[str, Any], expected: list[list[int]]
) -> None:
    found = draw(write(stored, **elements)).astype(int)
    assert np.abs(found - expected).max() <= 1


def test_a_wished_window_goes_before_that_of_the_file_and_before_a_table(write: Write, draw: Draw) -> None:
    for elements in ({"WindowCenter": 1, "WindowWidth": 1}, {"VOILUTSequence": _table(0, [7, 7, 7])}):
        wish = write(U8([[0, 100, 200]]), VOILUTFunction="SIGMOID", **elements)
        found = draw(replace(wish, center=100, width=1000))
        # A table's function is that of no window: LINEAR_EXACT; a sigmoid has nearly the same slope in the middle.
        assert found.tolist()[0][1] == 128
        assert np.abs(found.astype(int) - [[102, 128, 153]]).max() <= 1


def test_functional_groups_say_how_their_frame_is_shown(write: Write, draw: Draw) -> None:
    def group(center: float) -> Dataset:
        voi, item = Dataset(), Dataset()
        voi.WindowCenter, voi.WindowWidth, voi.VOILUTFunction = center, 100, "LINEAR_EXACT"
        item.FrameVOILUTSequence = [voi]
        return item

    wish = write(
        U8([[[0, 100]], [[100, 200]]]), NumberOfFrames=2, PerFrameFunctionalGroupsSequence=[group(50), group(150)]
    )
    assert draw(wish).tolist() == draw(replace(wish, frame=2)).tolist() == [[0, 255]]


def test_a_pixel_that_is_higher_than_wide_is_drawn_so(write: Write, draw: Draw) -> None:
    assert draw(write(np.zeros((4, 4), U8), PixelAspectRatio=[2, 1])).shape == (8, 4)


def test_a_picture_is_made_smaller_and_never_larger(write: Write, draw: Draw) -> None:
    wish = write(np.zeros((40, 20), U8))
    assert draw(replace(wish, size=10)).shape == (10, 5)
    assert draw(replace(wish, size=500)).shape == (40, 20)
