"""Unpacking zip files of strangers: whole or not at all, nowhere but into one folder, and never more than is allowed.

What the directory of a zip file says of sizes is not believed: bytes are counted as they come out. A file that unpacks
to far more than it is itself is refused early (overlapping entries, runs of zeros). Zip files inside are left alone.
"""

import io
import os
import stat
import struct
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from app.uploads.errors import RefusedZipError, TooMuchError, UnusablePathError
from app.uploads.names import relative_path, shown

# Black pictures deflate to a hundredth; archives of them hardly do. Small files may unpack to `FREE_BYTES` in any case.
LARGEST_RATIO = 200
FREE_BYTES = 50_000_000

_BLOCK = 65_536
_ENTRY = b"PK\x01\x02"
# Of the directory, per entry: fixed part, a long path, extra fields.
_DIRECTORY_BYTES = 500
_METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
_ENCRYPTED = 0x1
_UTF8 = 0x800


class _Source(io.BufferedReader):
    """A zip file whose directory, which the library reads and keeps in memory as a whole, has a bound."""

    def __init__(self, path: Path, entries: int) -> None:
        super().__init__(io.FileIO(path), _BLOCK)
        self._entries = entries

    def read(self, size: int | None = -1, /) -> bytes:
        largest = self._entries * _DIRECTORY_BYTES + _BLOCK
        data = super().read(largest + 1 if size is None or size < 0 else min(size, largest + 1))
        # Contents are never read in pieces as large as this.
        if len(data) > _BLOCK and (len(data) > largest or data.count(_ENTRY) > self._entries):
            raise TooMuchError(f"The zip file has more than {self._entries:,} entries.")
        return data


def unpack(
    source: Path, target: Path, *, entries: int, begins: Callable[[int], None], grows: Callable[[int], None]
) -> int:
    """Unpack a zip file into a new folder.

    Parameters
    ----------
    source
        The zip file.
    target
        A folder that does not exist; where this fails, what is in it has to be thrown away.
    entries
        Files that may be in it, at most.
    begins
        Told the number of files before any is written; raises what is wrong with that.
    grows
        Told the bytes before they are written; raises what is wrong with that.

    Returns
    -------
    int
        How many files there are.

    Raises
    ------
    RefusedZipError
        It is damaged or has something in it that is not unpacked.
    TooMuchError
        It unpacks to too many files, or to far more bytes than it has itself.
    OSError
        From writing.
    """
    target.mkdir()
    largest = source.stat().st_size * LARGEST_RATIO + FREE_BYTES
    total = 0
    with _reading(), _Source(source, entries) as file, zipfile.ZipFile(file) as opened:
        wanted = _checked(opened, entries)
        begins(len(wanted))
        for path, info in wanted.items():
            with opened.open(info) as packed, _created(target, path) as written:
                while data := packed.read(_BLOCK):
                    total += len(data)
                    if total > largest:
                        raise TooMuchError(f"The zip file unpacks to more than {LARGEST_RATIO} times its size.")
                    grows(len(data))
                    written.write(data)
    return len(wanted)


def _checked(opened: zipfile.ZipFile, entries: int) -> dict[str, zipfile.ZipInfo]:
    """All entries that are files, by their safe path, each checked before the first is written."""
    wanted: dict[str, zipfile.ZipInfo] = {}
    for info in opened.infolist():
        name = _name(info)
        kind = stat.S_IFMT(info.external_attr >> 16)
        if kind not in (0, stat.S_IFREG, stat.S_IFDIR):
            raise RefusedZipError(f"“{shown(name)}” is a link or a device, not a file.")
        if kind == stat.S_IFDIR or name.replace("\\", "/").endswith("/"):
            continue
        if info.flag_bits & _ENCRYPTED:
            raise RefusedZipError(f"“{shown(name)}” is encrypted: pack the files without a password.")
        if info.compress_type not in _METHODS:
            raise RefusedZipError(f"“{shown(name)}” is packed by a method other than deflate: pack the files again.")
        path = _path(name)
        if path in wanted:
            raise RefusedZipError(f"“{shown(name)}” is in it twice.")
        wanted[path] = info
        if len(wanted) > entries:
            raise TooMuchError(f"The zip file has more than {entries:,} files.")
    if not wanted:
        raise RefusedZipError("There is no file in it.")
    return wanted


def _path(name: str) -> str:
    try:
        return relative_path(name)
    except UnusablePathError as error:
        raise RefusedZipError(str(error)) from error


def _name(info: zipfile.ZipInfo) -> str:
    """The name as it was meant: many write UTF-8 without saying so, which the library reads as code page 437."""
    name = info.orig_filename  # the other one ends before the first NUL
    if info.flag_bits & _UTF8:
        return name
    try:
        return name.encode("cp437").decode("utf-8")
    except UnicodeError:
        return name


@contextmanager
def _created(target: Path, path: str) -> Iterator[io.BufferedWriter]:
    place = target / path
    try:
        place.parent.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(place, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o666)
    except (FileExistsError, NotADirectoryError, IsADirectoryError) as error:
        raise RefusedZipError(f"“{shown(path)}” is a file and a folder in it.") from error
    with os.fdopen(descriptor, "wb") as file:
        yield file


@contextmanager
def _reading() -> Iterator[None]:
    """Take all that the library raises for damaged files as that."""
    try:
        yield
    except zipfile.BadZipFile as error:
        raise RefusedZipError("It is damaged, or no zip file.") from error
    except (zlib.error, EOFError, ValueError, RuntimeError, OverflowError, LookupError, struct.error) as error:
        raise RefusedZipError("It is damaged.") from error
