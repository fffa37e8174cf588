"""Small images made for one test, drawn, and read back as numbers."""

import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import ExplicitVRBigEndian, ExplicitVRLittleEndian

from app.preview.picture import Painter
from app.preview.wish import Wish

UID = "1.2.3.4"
Write = Callable[..., Wish]
Draw = Callable[..., NDArray[np.uint8]]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Write an image of given stored values, and wish for its picture."""

    def make(stored: Any, **elements: Any) -> Wish:
        stored = np.asarray(stored)
        dataset = Dataset()
        dataset.file_meta = FileMetaDataset()
        dataset.file_meta.TransferSyntaxUID = elements.pop("syntax", ExplicitVRLittleEndian)
        dataset.SOPClassUID = "1.2.840.10008.5.1.4.1.1.7"
        dataset.SOPInstanceUID = UID
        samples = elements.get("SamplesPerPixel", 1)
        frames, shape = elements.get("NumberOfFrames"), stored.shape
        dataset.Rows, dataset.Columns = (shape[1:] if frames else shape)[:2]
        dataset.SamplesPerPixel = samples
        dataset.PhotometricInterpretation = "MONOCHROME2"
        if stored.dtype.kind in "iu":
            bits = stored.dtype.itemsize * 8
            dataset.BitsAllocated = dataset.BitsStored = bits
            dataset.HighBit = bits - 1
            dataset.PixelRepresentation = int(stored.dtype.kind == "i")
            big = dataset.file_meta.TransferSyntaxUID == ExplicitVRBigEndian
            data = stored.astype(stored.dtype.newbyteorder(">" if big else "<")).tobytes()
            dataset.PixelData = data + b"\0" * (len(data) % 2)
            dataset["PixelData"].VR = "OW" if bits > 8 else "OB"
        else:
            keyword = "FloatPixelData" if stored.dtype.itemsize == 4 else "DoubleFloatPixelData"
            dataset.BitsAllocated = stored.dtype.itemsize * 8
            setattr(dataset, keyword, stored.tobytes())
        for keyword, value in elements.items():
            setattr(dataset, keyword, value)
        path = tmp_path / "image.dcm"
        dataset.save_as(path, enforce_file_format=True)
        return Wish(str(path), UID)

    return make


@pytest.fixture
def draw() -> Draw:
    """Draw a picture and read its pixels."""
    painter = Painter(megapixels=1)

    def make(wish: Wish) -> NDArray[np.uint8]:
        return np.asarray(Image.open(io.BytesIO(painter.draw(wish))))

    return make
