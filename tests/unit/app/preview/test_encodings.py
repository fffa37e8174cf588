"""pydicom's test images in several transfer syntaxes: the same picture, whatever it is encoded in."""

import io
from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image
from pydicom import dcmread
from pydicom.data import get_testdata_file

from app.preview.picture import Painter
from app.preview.wish import Wish

PAIRS = [
    ("MR_small.dcm", "MR_small_RLE.dcm", 0),
    ("MR_small.dcm", "MR_small_bigendian.dcm", 0),
    ("MR_small.dcm", "MR_small_jp2klossless.dcm", 0),
    ("MR_small.dcm", "MR_small_jpeg_ls_lossless.dcm", 0),
    ("SC_rgb.dcm", "SC_rgb_rle.dcm", 0),
    ("SC_rgb.dcm", "SC_rgb_gdcm_KY.dcm", 0),
    ("SC_rgb.dcm", "SC_rgb_jpeg_gdcm.dcm", 2),
    ("SC_rgb.dcm", "SC_rgb_dcmtk_+eb+cr.dcm", 2),
    ("emri_small.dcm", "emri_small_RLE.dcm", 0),
    ("emri_small.dcm", "emri_small_big_endian.dcm", 0),
    ("emri_small.dcm", "emri_small_jpeg_2k_lossless.dcm", 0),
    ("emri_small.dcm", "emri_small_jpeg_ls_lossless.dcm", 0),
]


def _wish(name: str) -> Wish:
    path = get_testdata_file(name, download=False)
    if path is None:
        pytest.skip(f"pydicom's test data have no {name}")
    return Wish(str(path), str(dcmread(str(path), stop_before_pixels=True, force=True).SOPInstanceUID))


def _draw(wish: Wish) -> NDArray[np.int64]:
    return np.asarray(Image.open(io.BytesIO(Painter(1).draw(wish)))).astype(np.int64)


@pytest.mark.parametrize(("plain", "encoded", "most"), PAIRS, ids=[pair[1] for pair in PAIRS])
def test_an_encoded_image_looks_like_the_plain_one(plain: str, encoded: str, most: float) -> None:
    for frame in (1, 7) if plain.startswith("emri") else (1,):
        one, other = (_draw(replace(_wish(name), frame=frame)) for name in (plain, encoded))
        assert one.shape == other.shape
        assert np.abs(one - other).mean() <= most


def test_frames_of_one_image_differ() -> None:
    wish = _wish("emri_small_jpeg_2k_lossless.dcm")
    assert not np.array_equal(_draw(wish), _draw(replace(wish, frame=10)))
