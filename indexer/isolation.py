"""A file that workers have died of, read in a process of its own with bounds on time and memory.

    worker ──the file, as JSON──▶ python -m indexer.isolation ──a line of JSON, the document──▶ worker

Whatever happens in there, the worker lives and knows how it ended.
"""

import json
import signal
import subprocess
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Any

from indexer.bounds import bound_memory
from indexer.preparing import Ready, failed, prepare
from indexer.settings import Limits, Settings
from indexer.status import ErrorCode, ImageStatus, Outcome, Place
from indexer.status.ledger import FoundFile


def prepare_alone(batch: str, folder: Path, root: Path, file: FoundFile, settings: Settings) -> Ready | Outcome:
    """Read and flatten one image as `prepare` does, in a process of its own."""
    request = {
        "batch": batch,
        "folder": str(folder),
        "root": str(root),
        "file": asdict(file),
        "limits": settings.limits.model_dump(),
        "memory_mb": settings.isolated_memory_mb,
    }
    try:
        done = subprocess.run(
            [sys.executable, "-P", "-m", "indexer.isolation"],
            input=json.dumps(request).encode(),
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            timeout=settings.isolated_seconds,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return failed(file, ErrorCode.TIMEOUT, f"reading it takes longer than {settings.isolated_seconds:g} s")
    if done.returncode < 0:
        return failed(file, ErrorCode.CRASHED, f"reading it ends with {signal.Signals(-done.returncode).name}")
    if done.returncode:
        return failed(file, ErrorCode.CRASHED, f"reading it ends with exit code {done.returncode}")
    line, _, body = done.stdout.partition(b"\n")
    answer = json.loads(line)
    if "id" in answer:
        return Ready(file, answer["id"], body, Place(*answer["place"]))
    code = answer["code"] and ErrorCode(answer["code"])
    return Outcome(file, ImageStatus(answer["status"]), code=code, reason=answer["reason"])


def main() -> None:
    """Answer one request."""
    request = json.load(sys.stdin)
    bound_memory(request["memory_mb"])
    file = FoundFile(**request["file"])
    made = prepare(request["batch"], Path(request["folder"]), Path(request["root"]), file, Limits(**request["limits"]))
    answer: dict[str, Any] = {}
    body = b""
    if isinstance(made, Ready):
        answer, body = {"id": made.id, "place": [made.place.batch, made.place.path, made.place.digest]}, made.body
    else:
        answer = {"status": made.status, "code": made.code, "reason": made.reason}
    sys.stdout.buffer.write(json.dumps(answer).encode() + b"\n" + body)


if __name__ == "__main__":
    main()
