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
RAW_DEFLATE = -zlib.MAX_WBITS
GZIP = zlib.MAX_WBITS | 16


class Source:
    """A moving window over a file.

    Attributes
    ----------
    buffer
        The bytes of the window.
    base
        The offset of the window's first byte.
    size
        Bytes of the whole file, None where it is known only at the end (compressed).
    """

    __slots__ = ("_file", "_read_to", "base", "buffer", "size")

    def __init__(self, file: BinaryIO, size: int | None, offset: int = 0) -> None:
        self._file = file
        self._read_to = offset
        self.size = size
        self.base = offset
        self.buffer = b""

    def has(self, position: int, count: int) -> bool:
        """Move the window so that it holds `count` bytes from `position` on; False where the file ends before.

        Positions never go back behind the window.
        """
        missing = position + count - self._read_to
        if missing <= 0:
            return True
        if position >= self._read_to:
            self._skip_to(position)
            kept = b""
        else:
            kept = self.buffer[position - self.base :]
        wanted = max(position + count - self._read_to, BLOCK)
        fresh = self._file.read(wanted)
        self.buffer = kept + fresh
        self.base = position
        self._read_to = position + len(self.buffer)
        return len(self.buffer) >= count

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
        """Tell whether the file goes on to a position, or ends before it."""
        if self.size is not None:
            return position <= self.size
        return self.has(position - 1, 1)

    def _skip_to(self, position: int) -> None:
        self._file.seek(position - self._read_to, io.SEEK_CUR)
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
        """Move forward by unpacking and throwing away."""
        while offset > 0:
            thrown = len(self.read(min(offset, 16 * BLOCK)))
            if not thrown:
                break
            offset -= thrown
        return 0
