"""Colour pictures of small images, against what a person computes."""

from typing import Any

import numpy as np
import pytest

from tests.unit.app.preview.conftest import Draw, Write

U8, U16 = np.uint8, np.uint16
RED, GREEN, BLUE = [255, 0, 0], [0, 255, 0], [0, 0, 255]


def _palette(bits: int, first: int = 0) -> dict[str, Any]:
    white = 2**bits - 1
    elements: dict[str, Any] = {"PhotometricInterpretation": "PALETTE COLOR"}
    kind = "<u2" if bits > 8 else "u1"
    for colour, entries in (("Red", [white, 0, 0, 0]), ("Green", [0, white, 0, 0]), ("Blue", [0, 0, white, 0])):
        elements[f"{colour}PaletteColorLookupTableDescriptor"] = [4, first, bits]
        elements[f"{colour}PaletteColorLookupTableData"] = np.array(entries, kind).tobytes()
    return elements


@pytest.mark.parametrize("bits", [8, 16])
def test_a_palette_gives_each_value_its_colour_and_its_ends_to_those_outside(
    write: Write, draw: Draw, bits: int
) -> None:
    assert draw(write(U8([[10, 11, 12, 0, 99]]), **_palette(bits, 10))).tolist() == [[RED, GREEN, BLUE, RED, [0, 0, 0]]]


def _colour(photometric: str, planar: int = 0) -> dict[str, Any]:
    return {"PhotometricInterpretation": photometric, "SamplesPerPixel": 3, "PlanarConfiguration": planar}


def test_red_green_and_blue_are_shown_as_they_are(write: Write, draw: Draw) -> None:
    assert draw(write(U8([[RED, GREEN]]), **_colour("RGB"))).tolist() == [[RED, GREEN]]


def test_planes_of_colour_are_joined(write: Write, draw: Draw) -> None:
    planes = U8([[255, 0], [0, 255], [0, 0]])  # red plane, green plane, blue plane of 1 × 2 pixels
    wish = write(planes, **_colour("RGB", 1), Rows=1, Columns=2)
    assert draw(wish).tolist() == [[RED, GREEN]]


def test_colours_of_sixteen_bits_are_shown_in_eight(write: Write, draw: Draw) -> None:
    assert draw(write(U16([[[65535, 32768, 0]]]), **_colour("RGB"))).tolist() == [[[255, 128, 0]]]


def test_luminance_and_chrominance_become_red_green_and_blue(write: Write, draw: Draw) -> None:
    # ITU-R BT.601: red has Y 76, Cb 85, Cr 255; gray has no chrominance (128).
    found = draw(write(U8([[[76, 85, 255], [100, 128, 128]]]), **_colour("YBR_FULL"))).astype(int)
    assert np.abs(found - [[[254, 0, 0], [100, 100, 100]]]).max() <= 1


def test_chrominance_that_two_pixels_share_is_given_to_both(write: Write, draw: Draw) -> None:
    # PS3.3 §C.7.6.3.1.2: Y1, Y2, Cb, Cr
    wish = write(U8([[76, 100, 128, 128]]), **_colour("YBR_FULL_422"), Rows=1, Columns=2)
    assert draw(wish).tolist() == [[[76] * 3, [100] * 3]]
