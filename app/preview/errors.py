"""Why there is no picture, in words that a user can act on and that quote nothing from the header."""

from typing import Any


class PreviewError(Exception):
    """There is no picture; the message says why.

    Attributes
    ----------
    kind
        Names the sort of problem for programs.
    title
        The problem in a few words.
    status
        The HTTP status that says the same.
    """

    kind = "preview"
    title = "There is no picture"
    status = 422

    def document(self) -> dict[str, Any]:
        """As the members of a problem document (RFC 9457) that say what has happened."""
        return {"kind": self.kind, "title": self.title, "status": self.status, "detail": str(self)}


class FileGoneError(PreviewError):
    """The file that was indexed is not there any more."""

    kind = "file-gone"
    title = "The file has gone"
    status = 410


class FileRefusedError(PreviewError):
    """The file must not be read: no permission, or something else than a regular file."""

    kind = "file-refused"
    title = "The file cannot be read"
    status = 403


class FileChangedError(PreviewError):
    """Under the path stands another image now."""

    kind = "file-changed"
    title = "The file has changed"
    status = 409


class NoPixelsError(PreviewError):
    """The object has no picture: a report, a plan, a waveform, a document."""

    kind = "no-pixels"
    title = "This is not a picture"


class UnsupportedError(PreviewError):
    """The pixels are encoded in a way that is not supported."""

    kind = "pixels-unsupported"


class DamagedError(PreviewError):
    """The pixels, or what describes them, cannot be understood."""

    kind = "pixels-damaged"
    title = "The picture cannot be decoded"


class TooLargeError(PreviewError):
    """The picture needs more memory than one may have."""

    kind = "picture-too-large"
    title = "The picture is too large"


class FrameNotFoundError(PreviewError):
    """The image does not have so many frames."""

    kind = "frame-not-found"
    title = "There is no such frame"
    status = 404


class TooSlowError(PreviewError):
    """The picture was not ready in time."""

    kind = "preview-too-slow"
    title = "The picture takes too long"
    status = 503


class BusyError(PreviewError):
    """Too many pictures are being made."""

    kind = "preview-busy"
    title = "Too many pictures are being made"
    status = 503


ERRORS: dict[str, type[PreviewError]] = {
    error.kind: error
    for error in (
        PreviewError,
        FileGoneError,
        FileRefusedError,
        FileChangedError,
        NoPixelsError,
        UnsupportedError,
        DamagedError,
        TooLargeError,
        FrameNotFoundError,
        TooSlowError,
        BusyError,
    )
}
"""By kind, for errors that come from another process."""
