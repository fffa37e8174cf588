"""A process that makes pictures for a web process: `python -m app.preview.child MEGAPIXELS MEMORY_MB`.

Reads one request a line from standard input and answers each on standard output with a line of JSON, followed by as
many bytes of a picture as that says. Ends when its input does.
"""

import json
import os
import sys
from typing import Any, BinaryIO

from app.preview.errors import PreviewError
from app.preview.picture import Painter
from app.preview.wish import Wish
from indexer.bounds import bound_memory


def answer(painter: Painter, request: dict[str, Any]) -> tuple[dict[str, Any], bytes]:
    """Answer one request: `draw`, `describe`, or `glance`, which describes without decoding."""
    wish = Wish(**request["wish"])
    try:
        if request["what"] == "draw":
            picture = painter.draw(wish)
            return {"length": len(picture)}, picture
        return {"length": 0, "facts": painter.describe(wish, decoding=request["what"] == "describe").document()}, b""
    except PreviewError as error:
        cause = type(error.__cause__).__name__ if error.__cause__ else None
        return {"length": 0, "problem": error.document(), "cause": cause}, b""


def own_output() -> BinaryIO:
    """Take standard output for ourselves: native libraries write messages there."""
    output = os.fdopen(os.dup(1), "wb")
    nothing = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nothing, 1)
    os.close(nothing)
    return output


def main() -> None:
    """Answer requests until there are no more."""
    megapixels, memory_mb = float(sys.argv[1]), int(sys.argv[2])
    bound_memory(memory_mb)
    painter = Painter(megapixels)
    with own_output() as output:
        for line in sys.stdin.buffer:
            header, picture = answer(painter, json.loads(line))
            output.write(json.dumps(header).encode() + b"\n" + picture)
            output.flush()


if __name__ == "__main__":
    main()
