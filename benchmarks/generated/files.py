"""Planned images as DICOM files: what a reader is measured with.

Headers are as those of `headers`; the pixels, and whatever else the stored header has no bytes of, are zeros.
"""

import warnings
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any

import pydicom
from pydicom.dataset import Dataset, FileDataset, FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian

from indexer.reader.header import DicomJson

from .headers import Image, images_of
from .plan import plan

# Nobody measures how fast zeros are passed over.
_MOST_PIXELS = 100_000
# Of a plan that is large enough for as many studies as are asked for.
_IMAGES_OF_A_STUDY = 60


def series_in_order(images: int, seed: int) -> Iterator[Image]:
    """Images as they come in a batch: all of a series, one series after the other."""
    return islice((image for study in plan(images, seed) for image in images_of(study, seed)), images)


def one_of_each_study(images: int, seed: int) -> Iterator[Image]:
    """Images that have as little in common as an archive allows: each of another study, most of another patient."""
    studies = plan(images * _IMAGES_OF_A_STUDY, seed)
    return islice((image for study in studies for image in islice(images_of(study, seed), 1)), images)


def write_files(images: Iterator[Image], folder: Path) -> list[Path]:
    """Write images, one file each; their paths are returned in the same order."""
    paths = []
    for number, image in enumerate(images):
        path = folder / f"{number // 1_000:04d}" / f"{number:07d}.dcm"
        path.parent.mkdir(parents=True, exist_ok=True)
        _write(image.header.elements, path)
        paths.append(path)
    return paths


def _write(elements: DicomJson, path: Path) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # real headers have values that pydicom warns of
        meta = {tag: entry for tag, entry in elements.items() if tag.startswith("0002")}
        data = {tag: entry for tag, entry in elements.items() if not tag.startswith("0002")}
        dataset = FileDataset(path, _dataset(data), preamble=bytes(128))
        dataset.file_meta = FileMetaDataset(_dataset(meta))
        dataset.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
        dataset.save_as(path, enforce_file_format=True)


def _dataset(elements: DicomJson) -> Dataset:
    return Dataset.from_json(_plain(elements), bulk_data_uri_handler=_zeros)


def _plain(elements: DicomJson) -> DicomJson:
    """Leave out what DICOM JSON does not know, and lengths of groups, which a writer makes."""
    return {tag: _entry(entry) for tag, entry in elements.items() if not tag.endswith("0000")}


def _entry(entry: dict[str, Any]) -> dict[str, Any]:
    kept = {name: value for name, value in entry.items() if name in {"vr", "Value", "InlineBinary", "BulkDataURI"}}
    if entry["vr"] == "SQ":
        kept["Value"] = [_plain(item) for item in entry.get("Value", [])]
    return kept


def _zeros(_tag: str, vr: str, uri: str) -> bytes:
    told = uri.rpartition("=")[2]
    length = min(int(told) if told.isdigit() else _MOST_PIXELS, _MOST_PIXELS)
    return bytes(length - length % 8) if vr != "OB" else bytes(length + length % 2)


def real_files() -> list[Path]:
    """The files that pydicom brings, as far as pydicom itself can read them."""
    return sorted(path for path in Path(pydicom.__file__).parent.joinpath("data").rglob("*.dcm"))
