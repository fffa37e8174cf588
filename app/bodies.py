"""Bodies of requests that are files: of any size, read piece by piece."""

from contextlib import suppress
from typing import IO

from flask import request
from werkzeug.exceptions import HTTPException

_ENDLESS = 2**62
# What is still read of a body that is refused: a client that is cut off while it sends does not read why.
_DRAINED = 16_000_000
_BLOCK = 65_536


def endless_body() -> IO[bytes]:
    """The body of this request, without the bound that other bodies have: whoever reads it has to keep one."""
    request.max_content_length = _ENDLESS
    return request.stream


def drain() -> None:
    """Read some more of a body that is not wanted."""
    left = _DRAINED
    with suppress(OSError, HTTPException):
        while left > 0 and (data := request.stream.read(min(left, _BLOCK))):
            left -= len(data)
