"""The folders of an archive that become batches: those at one depth below it."""

import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from indexer.files import is_finished_name, is_folder, is_no_image, strerror

_EXAMPLES = 20


@dataclass
class LeftOut:
    """What lies in an archive above the folders that become batches, or beside them.

    Attributes
    ----------
    files
        Files and links above, but those that are no images by their name.
    unfinished
        Folders that are hidden or have an extension that starts with `.tmp`.
    refused
        Folders that could not be listed, and why: some of them.
    refused_count
        How many those are.
    """

    files: int = 0
    unfinished: int = 0
    refused: dict[Path, str] = field(default_factory=dict)
    refused_count: int = 0


def subfolders(archive: Path, depth: int, left_out: LeftOut) -> Iterator[Path]:
    """List the folders at a depth below an archive by name, without following links.

    Parameters
    ----------
    archive
        Its folder.
    depth
        1 for the folders in it, 2 for those in these, and so on.
    left_out
        Told what is not below any of the folders that are listed.

    Raises
    ------
    OSError
        The archive itself cannot be listed.
    """
    pending = [("", 1)]
    while pending:
        relative, level = pending.pop()
        names: list[str] = []
        try:
            with os.scandir(archive / relative) as listing:
                for entry in listing:
                    if not is_folder(entry):
                        left_out.files += not is_no_image(entry.name)
                    elif is_finished_name(entry.name):
                        names.append(f"{relative}/{entry.name}" if relative else entry.name)
                    else:
                        left_out.unfinished += 1
        except OSError as error:
            if not relative:
                raise
            left_out.refused_count += 1
            if len(left_out.refused) < _EXAMPLES:
                left_out.refused[archive / relative] = strerror(error)
        names.sort()
        if level == depth:
            yield from (archive / name for name in names)
        else:
            pending += ((name, level + 1) for name in reversed(names))
