"""Keep files inside the folders that may be read from, where such folders are set.

The paths come from the index. Whoever can write there could name any file of the server, so that a server whose index
others can write to should say where its images are.
"""

import os
from collections.abc import Iterable

from app.preview.errors import FileRefusedError


def refuse_outside(name: bytes, folders: Iterable[str]) -> None:
    """Make sure that a file is inside of one of the folders, links followed.

    Parameters
    ----------
    name
        Path of the file.
    folders
        None allow every place.

    Raises
    ------
    FileRefusedError
        Where it is outside.
    """
    allowed = [os.path.realpath(os.fsencode(folder)) for folder in folders]
    real = os.path.realpath(name)
    if allowed and not any(os.path.commonpath((real, folder)) == folder for folder in allowed):
        raise FileRefusedError("The file of this image is outside of the folders that may be read from.")
