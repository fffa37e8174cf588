"""The part of an APM server that agents talk to: takes events and keeps them.

Nothing else can be put here: the real server is a program of its own, which has no package. Its protocol:
https://www.elastic.co/docs/solutions/observability/apm/elastic-apm-events-intake-api
"""

import json
import threading
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass
class Intake:
    """What was sent: the text of all requests, and their headers."""

    url: str
    texts: list[str] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)

    def events(self, kind: str) -> list[dict[str, Any]]:
        """The events of a kind: `metadata`, `transaction`, `span`, `error`."""
        lines = [json.loads(line) for text in self.texts for line in text.splitlines()]
        return [line[kind] for line in lines if kind in line]


@contextmanager
def intake() -> Iterator[Intake]:
    """Take events for the time of the body."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = b"".join(self._pieces())
            taken.headers.append(dict(self.headers))
            taken.texts.append(zlib.decompress(body, zlib.MAX_WBITS | 16).decode())
            self.send_response(202)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def do_GET(self) -> None:
            answer = b'{"version": "9.2.0"}'
            self.send_response(200)
            self.send_header("Content-Length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        def _pieces(self) -> Iterator[bytes]:
            if length := self.headers.get("Content-Length"):
                yield self.rfile.read(int(length))
                return
            while size := int(self.rfile.readline(), 16):
                yield self.rfile.read(size)
                self.rfile.readline()

        def log_message(self, *_: Any) -> None:
            return

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    taken = Intake(f"http://127.0.0.1:{server.server_port}")
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield taken
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
