"""Many images from one: real files of pydicom, each under a SOPInstanceUID of its own."""

from pathlib import Path

import pydicom
from pydicom.data import get_testdata_file


def make_images(folder: Path, number: int, template: str = "MR_small.dcm") -> list[str]:
    """Write copies of one of pydicom's test files into a folder.

    Returns
    -------
    list of str
        Their SOPInstanceUIDs, in the order of the files' names.
    """
    source = Path(get_testdata_file(template))
    uid = str(pydicom.dcmread(source, stop_before_pixels=True).SOPInstanceUID)
    content = source.read_bytes()
    folder.mkdir(parents=True, exist_ok=True)
    uids = []
    for at in range(number):
        # Of the same length, since the lengths before the values stay as they are.
        new = f"{uid[:-10]}.1{at:08d}".replace("..", ".1")
        (folder / f"{at:07d}.dcm").write_bytes(content.replace(uid.encode(), new.encode()))
        uids.append(new)
    return uids
