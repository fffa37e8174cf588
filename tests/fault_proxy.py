"""A small proxy in front of the real Elasticsearch that fails on purpose, for what a healthy node will not show."""

import http.client
import threading
import time
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit

# What to do with a request: answer a status, "close" the connection instead, "lose" the answer of the real server after
# the request was carried out, or pass it on "slow"ly.
Fault = int | str
SLOW_SECONDS = 3.0


class FaultProxy:
    """Passes requests on; those to `_bulk` first meet the faults that are planned, one each.

    After `searches_left` searches, where that is set, none is answered any more.
    """

    def __init__(self, target: str) -> None:
        self.target = urlsplit(target).netloc
        self.faults: deque[Fault] = deque()
        self.bulk_sizes: list[int] = []
        self.largest_bulk: int | None = None
        self.away = False
        self.searches_left: int | None = None
        self.url = ""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    proxy: FaultProxy

    def handle_any(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        lost = False
        if self.proxy.away:
            self.close_connection = True
            return
        if self.path.partition("?")[0].endswith("/_search") and self.proxy.searches_left is not None:
            self.proxy.searches_left -= 1
            if self.proxy.searches_left < 0:
                self.close_connection = True
                return
        if "/_bulk" in self.path:
            self.proxy.bulk_sizes.append(body.count(b"\n") // 2)
            fault = self.proxy.faults.popleft() if self.proxy.faults else None
            if self.proxy.largest_bulk is not None and len(body) > self.proxy.largest_bulk:
                fault = 413
            if fault == "close":
                self.close_connection = True
                return
            if fault == "slow":
                time.sleep(SLOW_SECONDS)
            lost = fault == "lose"
            if isinstance(fault, int):
                self._answer(fault, b'{"error": {"type": "planned", "reason": "planned"}}', "application/json")
                return
        connection = http.client.HTTPConnection(self.proxy.target, timeout=30)
        headers = {name: value for name, value in self.headers.items() if name.lower() not in ("host", "connection")}
        connection.request(self.command, self.path, body, headers)
        answer = connection.getresponse()
        content = answer.read()
        connection.close()
        if lost:
            self.close_connection = True
            return
        self._answer(answer.status, content, answer.getheader("Content-Type", ""))

    def _answer(self, status: int, body: bytes, content_type: str) -> None:
        self.send_response(status)
        self.send_header("Content-Type", content_type)
        self.send_header("X-Elastic-Product", "Elasticsearch")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    do_GET = do_POST = do_PUT = do_HEAD = do_DELETE = handle_any  # noqa: N815 - names that http.server asks for

    def log_message(self, *_: object) -> None:
        return


class _Server(ThreadingHTTPServer):
    """Whoever asks may be killed in the middle: no reason to write of it."""

    def handle_error(self, *_: object) -> None:
        return


@contextmanager
def fault_proxy(target: str) -> Iterator[FaultProxy]:
    """Run a proxy in front of `target` (a URL) on a free port."""
    proxy = FaultProxy(target)
    handler = type("Handler", (_Handler,), {"proxy": proxy})
    server = _Server(("127.0.0.1", 0), handler)
    server.daemon_threads = True
    proxy.url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield proxy
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
