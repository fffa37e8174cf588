"""What uploaded files and batches may be called: names from strangers become safe on disk, or are refused.

Pure: text in, text out.
"""

import re
import unicodedata
from datetime import datetime

from app.uploads.errors import UnusableBatchNameError, UnusablePathError

# Of file systems: bytes of one name; of a path, with room for the watched folder before it.
LONGEST_COMPONENT = 255
LONGEST_PATH = 3_000
DEEPEST_PATH = 100
LONGEST_NAME = 100

_DRIVE = re.compile(r"[A-Za-z]:")
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")
_UNFIT = re.compile(r"[\\/:*?\"<>|\x00-\x1f\x7f-\x9f\u2028\u2029\u200e\u200f\u202a-\u202e\u2066-\u2069\ufeff]+")


def relative_path(text: str) -> str:
    """Make the path of a file inside its batch safe.

    Backslashes separate as slashes do, as zip files from Windows have them; empty and `.` parts are dropped.

    Raises
    ------
    UnusablePathError
        With the reason: it leads elsewhere, or no file system would take it.
    """
    path = text.replace("\\", "/")
    if not _is_unicode(path):
        raise UnusablePathError("The name is not valid Unicode.")
    if _CONTROL.search(path):
        raise UnusablePathError(f"“{shown(path)}” has a control character in it.")
    if path.endswith("/"):
        raise UnusablePathError(f"“{shown(path)}” names a folder, not a file.")
    parts = [part for part in path.split("/") if part not in ("", ".")]
    if not parts:
        raise UnusablePathError("The file has no name.")
    if path.startswith("/") or _DRIVE.match(parts[0]):
        raise UnusablePathError(f"“{shown(path)}” is absolute: it has to lie inside the batch.")
    if ".." in parts:
        raise UnusablePathError(f"“{shown(path)}” has “..” in it: it has to lie inside the batch.")
    if any(len(part.encode()) > LONGEST_COMPONENT for part in parts):
        raise UnusablePathError(f"“{shown(path)}” has a name of more than {LONGEST_COMPONENT} bytes in it.")
    safe = "/".join(parts)
    if len(parts) > DEEPEST_PATH or len(safe.encode()) > LONGEST_PATH:
        raise UnusablePathError(f"“{shown(path)}” lies too deep, or its path is too long.")
    return safe


def folder_name(text: str) -> str:
    """Make the name of a batch fit for a folder of the watched folder that counts as finished.

    Raises
    ------
    UnusableBatchNameError
        Nothing of it is left, or it is too long.
    """
    if not _is_unicode(text):
        raise UnusableBatchNameError("The name is not valid Unicode.")
    name = _UNFIT.sub("-", unicodedata.normalize("NFC", " ".join(text.split())))
    # Hidden folders and those whose extension starts with .tmp never count as finished.
    name = name.strip(" .-")
    name = re.sub(r"\.(?=tmp[^.]*$)", "-", name)
    if not name:
        raise UnusableBatchNameError("Give the batch a name of letters and digits.")
    if len(name) > LONGEST_NAME or len(name.encode()) > LONGEST_COMPONENT:
        raise UnusableBatchNameError(f"The name is longer than {LONGEST_NAME} characters.")
    return name


def usual_name(at: datetime) -> str:
    """The name of a batch that nobody gave one."""
    return f"upload-{at:%Y-%m-%d-%H%M%S}"


def _is_unicode(text: str) -> bool:
    return not any("\ud800" <= character <= "\udfff" for character in text)


def shown(name: str) -> str:
    """A name for a message: short, and nothing in it that a terminal or a page would act on."""
    printable = "".join(c if c.isprintable() else "�" for c in name)
    return printable if len(printable) <= 120 else f"{printable[:60]}…{printable[-50:]}"
