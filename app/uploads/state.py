"""What is known of the uploads that are under way, on disk below the watched folder.

```
<watched folder>/.tmp-<id>           the files; renamed to the name of the batch when it is complete
<watched folder>/.uploads/<id>/      upload.json (name, files and bytes, what became of it), lock, parts/
```
Both are on the file system of the batch, so that each step is a rename: a file is in the folder whole or not at all,
and so is the folder in the watched one. Names that start with a dot never count as finished for the watcher.
"""

import fcntl
import json
import os
import re
import secrets
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from app.uploads.disk import Amount, free_bytes, writing
from app.uploads.errors import DiskFullError, TooMuchError, UploadNotFoundError

_ID = re.compile(r"[0-9a-f]{32}")


@dataclass(frozen=True, slots=True)
class Bounds:
    """What one upload may be.

    Attributes
    ----------
    allowed
        Whether anything can be uploaded.
    bytes, files
        Of one upload; a zip file counts beside what is unpacked of it, until it is unpacked.
    seconds
        How long an upload may rest before it is removed.
    free
        Bytes that have to remain free on the disk.
    """

    allowed: bool
    bytes: int
    files: int
    seconds: float
    free: int


@dataclass(frozen=True, slots=True)
class Upload:
    """One upload as it is at this moment.

    Attributes
    ----------
    amount
        What has come, and room that is taken for what is coming. After a process was killed it may be too much.
    folder
        Name of the folder that it has become, when it is complete.
    """

    id: str
    name: str
    amount: Amount
    folder: str | None = None


class States:
    """Keeps the state of uploads, changed by one at a time, of all threads and processes.

    Parameters
    ----------
    incoming
        The watched folder, absolute.
    """

    def __init__(self, incoming: Path, bounds: Bounds) -> None:
        self.incoming = incoming
        self.bounds = bounds
        self._folder = incoming / ".uploads"

    def new(self, name: str) -> Upload:
        """Make an upload, with its folders."""
        upload = Upload(secrets.token_hex(16), name, Amount())
        state = self.state(upload.id)
        (state / "parts").mkdir(parents=True)
        (state / "lock").touch()
        self.files(upload.id).mkdir()
        self.write(upload)
        return upload

    def state(self, id_: str) -> Path:
        """The folder of what is known of an upload."""
        return self._folder / id_

    def files(self, id_: str) -> Path:
        """The folder of an upload's files."""
        return self.incoming / f".tmp-{id_}"

    def new_part(self, id_: str) -> Path:
        """Where something may be written that is not whole yet."""
        return self.state(id_) / "parts" / secrets.token_hex(8)

    @contextmanager
    def locked(self, id_: str, *, completed: bool = False) -> Iterator[Upload]:
        """Hold an upload; one that is complete only where that is wanted.

        Raises
        ------
        UploadNotFoundError
            There is none of this id.
        """
        if not _ID.fullmatch(id_):
            raise UploadNotFoundError
        try:
            lock = os.open(self.state(id_) / "lock", os.O_RDWR | os.O_NOFOLLOW | os.O_CLOEXEC)
        except FileNotFoundError as error:
            raise UploadNotFoundError from error
        try:
            fcntl.flock(lock, fcntl.LOCK_EX)
            upload = self._read(id_)
            if upload.folder is not None and not completed:
                raise UploadNotFoundError
            yield upload
        finally:
            os.close(lock)

    def write(self, upload: Upload) -> None:
        """Keep what has changed; the caller holds the upload."""
        values = {
            "name": upload.name,
            "files": max(upload.amount.files, 0),
            "bytes": max(upload.amount.bytes, 0),
            "folder": upload.folder,
        }
        state = self.state(upload.id)
        fresh = state / "upload.json.new"
        with writing(self.incoming):
            fresh.write_text(json.dumps(values), "utf-8")
            fresh.replace(state / "upload.json")

    def take(self, id_: str, files: int, size: int) -> None:
        """Count files and bytes as used, if the bounds and the disk allow them; negative gives back."""
        with self.locked(id_) as upload:
            used = Amount(upload.amount.files + files, upload.amount.bytes + size)
            if files > 0 and used.files > self.bounds.files:
                raise TooMuchError(f"An upload may have {self.bounds.files:,} files, at most.")
            if size > 0:
                if used.bytes > self.bounds.bytes:
                    raise TooMuchError(f"An upload may have {self.bounds.bytes:,} bytes, at most.")
                self.need_room(size)
            self.write(replace(upload, amount=used))

    def need_room(self, size: int) -> None:
        """Make sure that the disk has room.

        Raises
        ------
        DiskFullError
            It has not.
        """
        if free_bytes(self.incoming) - size < self.bounds.free:
            raise DiskFullError

    def stale(self) -> Iterator[str]:
        """The ids of uploads to which nothing was added for too long, and of those that were completed long ago."""
        try:
            found = [entry for entry in self._folder.iterdir() if _ID.fullmatch(entry.name)]
        except OSError:
            return
        for state in found:
            if time.time() - _last_change(state) > self.bounds.seconds:
                yield state.name

    def _read(self, id_: str) -> Upload:
        try:
            values = json.loads((self.state(id_) / "upload.json").read_text("utf-8"))
        except FileNotFoundError as error:
            raise UploadNotFoundError from error  # discarded while this waited
        return Upload(id_, values["name"], Amount(values["files"], values["bytes"]), values["folder"])


def _last_change(state: Path) -> float:
    """When anything was last added to an upload."""
    newest = 0.0
    for entry in (state, state / "upload.json", *_listed(state / "parts")):
        try:
            newest = max(newest, entry.stat().st_mtime)
        except OSError:
            continue
    return newest


def _listed(folder: Path) -> list[Path]:
    try:
        return list(folder.iterdir())
    except OSError:
        return []
