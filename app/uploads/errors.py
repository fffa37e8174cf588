"""Why an upload, or a file of it, was not taken; each message says what to do."""


class UploadError(Exception):
    """An upload, or a file of it, was not taken.

    Attributes
    ----------
    status
        The HTTP status that fits.
    title, kind
        Of its problem document.
    """

    status = 400
    title = "The upload was not taken"
    kind = "upload"


class UploadsOffError(UploadError):
    """Uploading is switched off."""

    status, title, kind = 403, "Uploading is switched off", "uploads-off"

    def __init__(self) -> None:
        super().__init__(
            "Uploading is switched off here (DICOMSEARCH_UPLOADS): put the folder into the watched folder instead."
        )


class UploadNotFoundError(UploadError):
    """There is no upload of this id."""

    status, title, kind = 404, "Upload not found", "upload-not-found"

    def __init__(self) -> None:
        super().__init__("There is no open upload with this id: it was completed, cancelled or left for too long.")


class UnusablePathError(UploadError):
    """A file cannot be called so."""

    status, title, kind = 400, "The file cannot be called so", "upload-path"


class UnusableBatchNameError(UploadError):
    """A batch cannot be called so."""

    status, title, kind = 400, "The batch cannot be called so", "batch-name"


class BatchNameTakenError(UploadError):
    """There is a folder of this name."""

    status, title, kind = 409, "The name is taken", "batch-name-taken"

    def __init__(self, name: str) -> None:
        super().__init__(f"The watched folder has a folder “{name}” already: choose another name.")


class PathTakenError(UploadError):
    """A file stands where a folder is needed, or the other way round."""

    status, title, kind = 409, "The place is taken", "upload-path-taken"


class EmptyUploadError(UploadError):
    """An upload without files cannot be completed."""

    status, title, kind = 409, "The upload is empty", "upload-empty"

    def __init__(self) -> None:
        super().__init__("The upload has no file yet.")


class IncompleteFileError(UploadError):
    """A file did not arrive as long as it was announced."""

    status, title, kind = 400, "The file did not arrive whole", "upload-incomplete"


class TooMuchError(UploadError):
    """An upload exceeds one of its bounds."""

    status, title, kind = 413, "The upload is too large", "upload-too-large"


class RefusedZipError(UploadError):
    """A zip file is damaged, or has something in it that is not unpacked; nothing of it was kept."""

    status, title, kind = 422, "The zip file was not unpacked", "zip-refused"


class DiskFullError(UploadError):
    """There is no room for it."""

    status, title, kind = 507, "The disk is full", "disk-full"

    def __init__(self) -> None:
        super().__init__("The disk of the watched folder has no room for this: free some space, then try again.")


class FolderNotWritableError(UploadError):
    """The web application may not write to the watched folder."""

    status, title, kind = 503, "Nothing can be uploaded now", "folder-not-writable"
