"""Beginning, filling, completing and discarding uploads."""

import errno
import os
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Protocol

import structlog

from app.uploads.disk import Amount, amount, flush, flush_folder, remove, writing
from app.uploads.errors import (
    BatchNameTakenError,
    EmptyUploadError,
    IncompleteFileError,
    UploadNotFoundError,
    UploadsOffError,
)
from app.uploads.names import folder_name, usual_name
from app.uploads.receiving import Receiver
from app.uploads.state import Bounds, States, Upload

log = structlog.get_logger(__name__)

_BLOCK = 262_144
_THERE = (errno.EEXIST, errno.ENOTEMPTY, errno.ENOTDIR)


class Source(Protocol):
    """Anything that bytes can be read from."""

    def read(self, size: int, /) -> bytes:
        """Some bytes, at most `size`; none at the end."""
        ...


@dataclass(frozen=True, slots=True)
class Stored:
    """One file that arrived: where it is in its batch, and how much that is; of a zip file what was unpacked."""

    path: str
    amount: Amount


class Uploads:
    """Takes files and makes folders of them.

    Parameters
    ----------
    incoming
        The watched folder, absolute.
    """

    def __init__(self, incoming: Path, bounds: Bounds) -> None:
        self.bounds = bounds
        self._incoming = incoming
        self._states = States(incoming, bounds)

    def begin(self, name: str = "") -> Upload:
        """Begin an upload, and remove those that were left.

        Parameters
        ----------
        name
            Of the batch to be; blank makes one of the time.

        Raises
        ------
        UploadsOffError, UnusableBatchNameError, BatchNameTakenError, DiskFullError, FolderNotWritableError
            It cannot be begun.
        """
        if not self.bounds.allowed:
            raise UploadsOffError
        wanted = folder_name(name) if name.strip() else usual_name(datetime.now(UTC))
        if name.strip() and os.path.lexists(self._incoming / wanted):
            raise BatchNameTakenError(wanted)
        self.remove_stale()
        with writing(self._incoming):
            self._incoming.mkdir(parents=True, exist_ok=True)
            self._states.need_room(0)
            return self._states.new(wanted)

    def show(self, id_: str) -> Upload:
        """One upload, also when it is complete."""
        with self._states.locked(id_, completed=True) as upload:
            return upload

    def receive(self, id_: str, path: str, source: Source, length: int | None) -> Stored:
        """Take one file; a zip file is unpacked into a folder of its name. What stood under this path is replaced.

        Parameters
        ----------
        path
            As it was sent.
        source
            The bytes; never held in memory as a whole.
        length
            How many there have to be; None where that is not known.

        Raises
        ------
        UploadError
            One of them; nothing of the file is kept then.
        """
        with self.receiver(id_, path, length) as receiver:
            while data := _read(source):
                receiver.write(data)
            return Stored(*receiver.finish())

    @contextmanager
    def receiver(self, id_: str, path: str, length: int | None = None) -> Iterator[Receiver]:
        """Take one file as it is written; what was not finished is thrown away."""
        with closing(Receiver(self._states, id_, path, length)) as receiver:
            yield receiver

    def form_receiver(self, id_: str, path: str) -> Receiver:
        """Take one file of a form, which may have several of one name. The caller closes it."""
        return Receiver(self._states, id_, path, unique=True)

    def complete(self, id_: str, name: str = "", *, unique: bool = False) -> Path:
        """Make the upload a folder of the watched folder; doing it again answers the same.

        Parameters
        ----------
        name
            Another name than the upload began with.
        unique
            Whether a number is added where the name is taken.

        Raises
        ------
        UploadNotFoundError, EmptyUploadError, UnusableBatchNameError, BatchNameTakenError
            It cannot be completed.
        """
        with self._states.locked(id_, completed=True) as upload, writing(self._incoming):
            if upload.folder is not None:
                return self._incoming / upload.folder
            files = self._states.files(id_)
            found = amount(files)
            if not found.files:
                raise EmptyUploadError
            wanted = folder_name(name) if name.strip() else upload.name
            flush(files)
            folder = self._incoming / _renamed(files, wanted, unique=unique)
            flush_folder(self._incoming)
            self._states.write(replace(upload, folder=folder.name, amount=found))
            remove(self._states.state(id_) / "parts")
        log.info("upload complete", upload=id_, files=found.files, bytes=found.bytes)
        return folder

    def discard(self, id_: str) -> None:
        """Remove an upload that is not complete."""
        with self._states.locked(id_):
            remove(self._states.files(id_))
            remove(self._states.state(id_))

    def remove_stale(self) -> int:
        """Remove what nobody has added to for too long; answer how many uploads that were."""
        removed = 0
        for id_ in self._states.stale():
            try:
                self.discard(id_)
            except UploadNotFoundError:
                # Complete, or never quite begun: only what is known of it is left.
                remove(self._states.state(id_))
            removed += 1
        if removed:
            log.info("stale uploads removed", count=removed)
        return removed


def _renamed(files: Path, wanted: str, *, unique: bool) -> str:
    """Give the folder its final name. What has files in it is never replaced, whoever made it meanwhile."""
    name, number = wanted, 1
    while True:
        target = files.with_name(name)
        if not os.path.lexists(target):
            try:
                files.rename(target)
            except OSError as error:
                if error.errno not in _THERE:
                    raise
            else:
                return name
        if not unique:
            raise BatchNameTakenError(name)
        number += 1
        name = f"{wanted}-{number}"


def _read(source: Source) -> bytes:
    try:
        return source.read(_BLOCK)
    except OSError as error:
        raise IncompleteFileError("The connection ended before the file did: send it again.") from error
