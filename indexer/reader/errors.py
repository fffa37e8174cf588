"""Why a file gives no header: one class for each error code of an image's status.

The reason is shown to people and written to logs, so it never holds anything that stood in the file.
"""

from typing import ClassVar


class ReadError(Exception):
    """A file whose header cannot be read.

    Attributes
    ----------
    code
        The error code of the image's status.
    reason
        What is wrong, in words, without a value of the file.
    """

    code: ClassVar[str] = "unreadable"

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class NotDicomError(ReadError):
    """Neither the DICOM prefix nor a data set that starts like one."""

    code = "not_dicom"


class EmptyFileError(ReadError):
    """A file of 0 bytes."""

    code = "empty"


class TruncatedError(ReadError):
    """The file ends inside its header."""

    code = "truncated"


class UnreadableError(ReadError):
    """The operating system or the structure of the file denies it."""

    code = "unreadable"


class NoPermissionError(ReadError):
    """The file may not be opened."""

    code = "no_permission"


class TooLargeError(ReadError):
    """A compressed file that unpacks to more than is reasonable."""

    code = "too_large"


class NotAnImage(Exception):  # noqa: N818 - it is no error: such a file is passed over
    """A DICOM file that describes others (DICOMDIR): nothing to index."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason
