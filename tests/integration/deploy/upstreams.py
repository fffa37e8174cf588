"""Small servers that stand behind nginx in tests, where it does not matter what the real ones would answer."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import ClassVar

NOWHERE = "127.0.0.1:1"


class _Mirror(BaseHTTPRequestHandler):
    """Answers with what it was asked: a line for the request, and one for each header."""

    protocol_version = "HTTP/1.1"
    more: ClassVar[dict[str, str]] = {}

    def do_GET(self) -> None:
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        lines = [f"{self.command} {self.path}", *(f"{name}: {value}" for name, value in self.headers.items())]
        self.say(200, "\n".join(lines).encode())

    def do_POST(self) -> None:
        self.do_GET()

    def do_PUT(self) -> None:
        self.do_GET()

    def say(self, status: int, body: bytes, **headers: str) -> None:
        """Send an answer."""
        self.send_response(status)
        for name, value in {"Content-Type": "text/plain", **self.more, **headers}.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_request(self, *_: object) -> None:
        """Write nothing."""


class Application(_Mirror):
    """Answers as the application does when it is asked who may use Kibana and Flower; else a mirror.

    The cookie `session=alice` is allowed everything, `session=bob` nothing, everybody else has not signed in.
    """

    asked: ClassVar[list[str]] = []

    def do_GET(self) -> None:
        if not self.path.startswith("/-/auth"):
            return super().do_GET()
        self.asked.append(self.path)
        cookie = self.headers.get("Cookie", "")
        if "session=alice" in cookie:
            self.send_response(204)
            self.send_header("X-Dicomsearch-User", "alice")
            self.end_headers()
            return None
        return self.say(403 if "session=bob" in cookie else 401, b"no")


class Verbose(_Mirror):
    """A mirror whose answers are long enough to be compressed, and may be kept."""

    more: ClassVar[dict[str, str]] = {"Cache-Control": "public, max-age=31536000"}
    answers: ClassVar[list[str]] = []

    def say(self, status: int, body: bytes, **headers: str) -> None:
        """Send an answer, and remember that."""
        self.answers.append(self.path)
        super().say(status, body + b"x" * 5000, **headers)


@contextmanager
def serving(kind: type[BaseHTTPRequestHandler] = _Mirror) -> Iterator[str]:
    """Run a server; its address."""
    with ThreadingHTTPServer(("127.0.0.1", 0), kind) as server:
        server.daemon_threads = True
        threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield f"127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()


@contextmanager
def silent() -> Iterator[str]:
    """Listen and never answer; the address."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield f"127.0.0.1:{server.getsockname()[1]}"
