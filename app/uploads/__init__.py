"""Uploads: files of people and programs that become a folder of the watched folder, whole or not at all.

`names` decides what files may be called, `zips` unpacks, `disk` writes below a folder and nowhere else, `state` keeps
what is known, `receiving` takes one file, `store` puts them together. All of it is on disk, so that several web
processes can serve one upload and a restart loses none.
"""

from app.uploads.errors import (
    BatchNameTakenError,
    DiskFullError,
    EmptyUploadError,
    FolderNotWritableError,
    IncompleteFileError,
    PathTakenError,
    RefusedZipError,
    TooMuchError,
    UnusableBatchNameError,
    UnusablePathError,
    UploadError,
    UploadNotFoundError,
    UploadsOffError,
)
from app.uploads.names import folder_name, relative_path
from app.uploads.receiving import Receiver
from app.uploads.state import Bounds, Upload
from app.uploads.store import Stored, Uploads

__all__ = [
    "BatchNameTakenError",
    "Bounds",
    "DiskFullError",
    "EmptyUploadError",
    "FolderNotWritableError",
    "IncompleteFileError",
    "PathTakenError",
    "Receiver",
    "RefusedZipError",
    "Stored",
    "TooMuchError",
    "UnusableBatchNameError",
    "UnusablePathError",
    "Upload",
    "UploadError",
    "UploadNotFoundError",
    "Uploads",
    "UploadsOffError",
    "folder_name",
    "relative_path",
]
