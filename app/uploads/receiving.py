"""Taking one file: written beside the upload as its bytes come, and moved into it when it is whole."""

import os
from contextlib import suppress
from dataclasses import replace

from app.uploads.disk import Amount, amount, place, remove, writing
from app.uploads.errors import DiskFullError, IncompleteFileError, TooMuchError, UploadNotFoundError
from app.uploads.names import relative_path
from app.uploads.state import States
from app.uploads.zips import unpack

# Room for what comes in unknown length is taken in pieces like this, since each is a change of the state on disk.
_PIECE = 8_000_000


class Meter:
    """Takes room for one file, and gives back what was not needed."""

    def __init__(self, states: States, id_: str) -> None:
        self._states = states
        self._id = id_
        self._taken = Amount()
        self._used = 0

    def files(self, count: int) -> None:
        """Take so many files."""
        self._take(count, 0)

    def exactly(self, size: int) -> None:
        """Take so many bytes at once."""
        self._take(0, size)

    def grows(self, size: int) -> None:
        """Use some bytes, taking more where there are not enough."""
        self._used += size
        missing = self._used - self._taken.bytes
        if missing <= 0:
            return
        try:
            self._take(0, max(missing, _PIECE))
        except (TooMuchError, DiskFullError):
            self._take(0, missing)

    def settle(self) -> Amount:
        """What was taken, which is now somebody else's to count."""
        taken, self._taken = self._taken, Amount()
        return taken

    def close(self) -> None:
        """Give back what was not settled."""
        taken = self.settle()
        if taken == Amount():
            return
        try:
            self._states.take(self._id, -taken.files, -taken.bytes)
        except (UploadNotFoundError, DiskFullError):
            return  # its count has gone with the upload; where the disk is full, it stays too high

    def _take(self, files: int, size: int) -> None:
        self._states.take(self._id, files, size)
        self._taken = Amount(self._taken.files + files, self._taken.bytes + size)


class Receiver:
    """Takes one file as it is written; `finish` makes it part of the upload, `close` throws away what was not finished.

    Parameters
    ----------
    path
        As it was sent.
    length
        Bytes that have to come; None where that is not known.
    unique
        Whether the name is changed where it is taken. Otherwise what stands there is replaced.

    Raises
    ------
    UploadError
        By every method, one of them: the file is not taken.
    """

    def __init__(self, states: States, id_: str, path: str, length: int | None = None, *, unique: bool = False) -> None:
        self._states, self._id = states, id_
        self._path = relative_path(path)
        self._length, self._unique = length, unique
        self._is_zip = self._path.lower().endswith(".zip")
        self._written = 0
        self._meter = Meter(states, id_)
        if not self._is_zip:
            self._meter.files(1)
        try:
            if length is not None:
                self._meter.exactly(length)
            self._part = states.new_part(id_)
            with writing(states.incoming):
                self._file = self._part.open("xb")
        except BaseException:
            self._meter.close()
            raise

    def write(self, data: bytes) -> int:
        """Take some bytes."""
        self._written += len(data)
        if self._length is None:
            self._meter.grows(len(data))
        elif self._written > self._length:
            raise IncompleteFileError(f"{self._length:,} bytes were announced, but more came.")
        with writing(self._states.incoming):
            return self._file.write(data)

    def finish(self) -> tuple[str, Amount]:
        """Make it part of the upload: answer its path, and how much that is; of a zip file what was unpacked."""
        if self._length is not None and self._written != self._length:
            raise IncompleteFileError(
                f"{self._length:,} bytes were announced, but {self._written:,} came: send the file again."
            )
        try:
            with writing(self._states.incoming):
                self._file.close()
                return self._unpack() if self._is_zip else self._place(self._part.name, self._meter)
        except FileNotFoundError as error:
            raise UploadNotFoundError from error  # discarded meanwhile

    def close(self) -> None:
        """Throw away what was not finished."""
        with suppress(OSError):  # what could not be written is thrown away anyway
            self._file.close()
        remove(self._part)
        self._meter.close()

    def _unpack(self) -> tuple[str, Amount]:
        folder = self._part.with_name(self._part.name + ".d")
        meter = Meter(self._states, self._id)
        try:
            unpack(self._part, folder, entries=self._states.bounds.files, begins=meter.files, grows=meter.grows)
            return self._place(folder.name, meter)
        finally:
            remove(folder)
            meter.close()

    def _place(self, part: str, meter: Meter) -> tuple[str, Amount]:
        source = self._part.with_name(part)
        found = amount(source)
        with self._states.locked(self._id) as upload:
            root = self._states.files(self._id)
            path = _free_path(root, self._path) if self._unique else self._path
            before = place(source, root, path)
            had = amount(before) if before else Amount()
            taken = meter.settle()
            files = upload.amount.files + found.files - taken.files - had.files
            size = upload.amount.bytes + found.bytes - taken.bytes - had.bytes
            self._states.write(replace(upload, amount=Amount(files, size)))
        if before:
            remove(before)
        return path, found


def _free_path(root: os.PathLike[str], path: str) -> str:
    """The path, or where it is taken one with a number."""
    folder, slash, name = path.rpartition("/")
    stem, dot, extension = name.rpartition(".")
    if not stem:
        stem, dot, extension = name, "", ""
    number, free = 1, path
    while os.path.lexists(os.path.join(root, free)):  # noqa: PTH118  a link counts as well
        number += 1
        free = f"{folder}{slash}{stem} ({number}){dot}{extension}"
    return free
