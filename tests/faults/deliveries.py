"""Batches of real images and of files that are none, made so that the end of each file is known beforehand."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import pydicom
from pydicom.data import get_testdata_file

# What is delivered among the images, and the code of its error; None is ignored.
BAD: Mapping[str, str | None] = {
    "empty.dcm": "empty",
    "notes.txt": "not_dicom",
    "cut.dcm": "truncated",
    ".DS_Store": None,
    "Thumbs.db": None,
}
# Every so many images one is a copy of one of the batch before.
_COPIES = 25


@dataclass
class Delivered:
    """All that was delivered: what each file has to end as.

    Attributes
    ----------
    uids
        SOPInstanceUID → absolute paths of its files.
    ends
        Batch → relative path → `DONE`, `IGNORED`, or the code of its error.
    """

    uids: dict[str, set[str]] = field(default_factory=dict)
    ends: dict[str, dict[str, str]] = field(default_factory=dict)

    @property
    def files(self) -> int:
        """How many files there are."""
        return sum(map(len, self.ends.values()))


class Deliveries:
    """Delivers batches into a folder as a PACS export should: under another name until they are complete."""

    def __init__(self, incoming: Path) -> None:
        self._incoming = incoming
        self._incoming.mkdir(parents=True, exist_ok=True)
        source = Path(get_testdata_file("MR_small.dcm"))
        dataset = pydicom.dcmread(source)
        self._uid = str(dataset.SOPInstanceUID).encode()
        self._content = source.read_bytes()
        self._cut = Path(get_testdata_file("CT_small.dcm")).read_bytes()[:1_000]
        self._made = 0
        self._last: tuple[str, bytes] | None = None
        self.delivered = Delivered()

    def deliver(self, name: str, images: int) -> None:
        """Deliver a batch of images, some of which are copies, with one bad file of each kind."""
        growing = self._incoming / f"{name}.tmp-1"
        final = self._incoming / name
        ends = self.delivered.ends[name] = {}
        for at in range(images):
            path = f"{at % 7}/{at:06d}.dcm"
            uid, content = self._image(copy=at % _COPIES == _COPIES - 1)
            (growing / path).parent.mkdir(parents=True, exist_ok=True)
            (growing / path).write_bytes(content)
            self.delivered.uids.setdefault(uid, set()).add(str(final / path))
            ends[path] = "DONE"
        for path, end in BAD.items():
            content = {"empty": b"", "truncated": self._cut}.get(str(end), b"Dear colleague, " * 20)
            (growing / path).write_bytes(content)
            ends[path] = end or "IGNORED"
        growing.rename(final)

    def _image(self, *, copy: bool) -> tuple[str, bytes]:
        if copy and self._last:
            return self._last
        self._made += 1
        # Of the same length, since the lengths before the values stay as they are.
        uid = f"{self._uid[:-10].decode()}.1{self._made:08d}".replace("..", ".1")
        made = uid, self._content.replace(self._uid, uid.encode())
        # A copy is of an image that another batch, or another task, may be busy with.
        if self._made % 10 == 0:
            self._last = made
        return made
