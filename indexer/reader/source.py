"""Bytes of a file from front to back: a window that moves on, so that no value is read which is not wanted.

Files are up to gigabytes of pixel data behind kilobytes of header. The walker asks for what it needs and jumps over
the rest. The same window also unpacks: gzip files, and data sets of the deflated transfer syntax. Memory mapping is no
choice here: a file that shrinks while it is read (a copy in progress, a network mount) would kill the process.
"""

import io
import zlib
from collections.abc import Callable
from typing import BinaryIO

from indexer.reader.errors import TooLargeError, TruncatedError

BLOCK = 64 * 1024
# A prefix may cross the end of the item that holds it: reading then goes back to that end.
MARGIN = 16
RAW_DEFLATE = -zlib.MAX_WBITS
GZIP = zlib.MAX_WBITS | 16


class Source:
    """A moving window over a file.

    Parameters
    ----------
    file
        Its bytes, from the offset on.
    size
        See below.
    offset
        Where the file stands.
    first
        Bytes that the first reading takes at least, where there are so many; later ones take `BLOCK`.

    Attributes
    ----------
    buffer
        The bytes of the window.
    base
        The offset of the window's first byte.
    size
        Bytes of the whole file, None where it is known only at the end (compressed).
    is_short
        Whether a compressed file turned out to end before a position that was jumped to.
    """

    __slots__ = ("_ahead", "_file", "_read_to", "base", "buffer", "is_short", "size")

    def __init__(self, file: BinaryIO, size: int | None, offset: int = 0, first: int = BLOCK) -> None:
        self._file = file
        self._ahead = first
        self._read_to = offset
        self.size = size
        self.is_short = False
        self.base = offset
        self.buffer = b""

    def has(self, position: int, count: int) -> bool:
        """Move the window so that it holds `count` bytes from `position` on; False where the file ends before.

        Positions go back by the prefix of an element at most, which stays in the window.
        """
        missing = position + count - self._read_to
        if missing <= 0:
            return True
        if position >= self._read_to:
            self._skip_to(position)
            kept = b""
            self.base = position
        else:
            first = max(position - MARGIN, self.base)
            kept = self.buffer[first - self.base :]
            self.base = first
        wanted = max(position + count - self._read_to, self._ahead)
        self._ahead = BLOCK
        self.buffer = kept + self._file.read(wanted)
        self._read_to = self.base + len(self.buffer)
        return self._read_to >= position + count

    def take(self, position: int, count: int) -> bytes:
        """Read bytes.

        Raises
        ------
        TruncatedError
            Where the file ends before.
        """
        if not self.has(position, count):
            raise TruncatedError("the file ends inside its header")
        start = position - self.base
        return self.buffer[start : start + count]

    def reaches(self, position: int) -> bool:
        """Tell whether the file goes on to a position, or ends before it.

        Of a compressed file that is known only later: see `is_short`.
        """
        return self.size is None or position <= self.size

    def _skip_to(self, position: int) -> None:
        distance = position - self._read_to
        skipped = self._file.seek(distance, io.SEEK_CUR)
        if self.size is None and skipped < distance:
            self.is_short = True
        self._read_to = position


class Unpacked(io.RawIOBase):
    """The unpacked side of a zlib stream, forward only and bounded.

    Parameters
    ----------
    read
        Reads packed bytes.
    window_bits
        The form of the stream, as `zlib.decompressobj` takes it.
    limit
        Unpacked bytes after which a `TooLargeError` is raised.
    """

    def __init__(self, read: Callable[[int], bytes], window_bits: int, limit: int) -> None:
        super().__init__()
        self._packed = read
        self._unpack = zlib.decompressobj(window_bits)
        self._left = limit
        self._pending = b""

    def read(self, size: int = -1) -> bytes:
        """Unpack up to `size` bytes, fewer only at the end of the stream.

        Raises
        ------
        zlib.error
            Where the stream is damaged.
        """
        parts: list[bytes] = []
        missing = size
        while missing > 0:
            if self._unpack.eof:
                break
            packed = self._pending or self._packed(BLOCK)
            part = self._unpack.decompress(packed, missing)
            if not packed and not part:
                break
            self._pending = self._unpack.unconsumed_tail
            missing -= len(part)
            self._left -= len(part)
            if self._left < 0:
                raise TooLargeError("the compressed header unpacks to more than the limit")
            parts.append(part)
        return b"".join(parts)

    def seek(self, offset: int, whence: int = io.SEEK_CUR) -> int:
        """Move forward by unpacking and throwing away; answer how far that went."""
        moved = 0
        while moved < offset:
            thrown = len(self.read(min(offset - moved, 16 * BLOCK)))
            if not thrown:
                break
            moved += thrown
        return moved
