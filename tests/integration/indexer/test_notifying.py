"""Who wants to know is told: by a real webhook and a real command, once, also after a time of being away."""

import hashlib
import hmac
import json
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest
from redis import Redis

from indexer.notifying import NotDeliveredError, Notifier, Outbox, channels_of, outbox_keys
from indexer.notifying.channels import Command, Webhook
from indexer.notifying.incidents import Change
from indexer.notifying.notifier import Guard, Teller
from indexer.settings import Settings
from indexer.status import ErrorCode, ImageStatus, Ledger, Outcome, Presence, connect
from indexer.status.ledger import FoundFile
from local.ports import free_port
from tests.processes import wait_for


class Receiver:
    """A program that wants to know."""

    def __init__(self) -> None:
        self.answers: list[int] = []
        self.received: list[tuple[dict[str, Any], dict[str, str]]] = []
        self.url = ""

    @property
    def events(self) -> list[str]:
        return [body["event"] for body, _ in self.received]


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    receiver = Receiver()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            status = receiver.answers.pop(0) if receiver.answers else 204
            if status < 300:
                receiver.received.append((json.loads(body), {**self.headers, "body": body.decode()}))
            self.send_response(status)
            if status == 302:
                self.send_header("Location", "/elsewhere")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            return

    server = HTTPServer(("127.0.0.1", 0), Handler)
    receiver.url = f"http://127.0.0.1:{server.server_address[1]}/hook"
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield receiver
    server.shutdown()
    server.server_close()
    thread.join()


def finish_a_batch(client: Redis, settings: Settings, name: str, *, error: bool) -> None:
    ledger = Ledger(client)
    file = FoundFile("a.dcm", 1, "1.0")
    ledger.add(name, name, f"/incoming/{name}", "watcher", "1")
    ledger.register(name, [file])
    ledger.registered(name)
    status, code = (ImageStatus.ERROR, ErrorCode.EMPTY) if error else (ImageStatus.DONE, None)
    ledger.settle(name, [Outcome(file, status, uid="1.2", code=code, reason="x")])
    for _ in range(2):
        ledger.finish(name, outbox_keys(settings))


def test_a_batch_that_is_done_is_told_once_with_its_counts_and_a_signature(
    settings: Settings, redis_client: Redis, receiver: Receiver
) -> None:
    wanted = Settings(**settings.model_dump() | {"notify_webhook": receiver.url, "notify_webhook_secret": "s3cret"})
    notifier = Notifier(wanted)
    notifier.start()
    try:
        finish_a_batch(redis_client, wanted, "GOOD", error=False)
        finish_a_batch(redis_client, wanted, "BAD", error=True)
        wait_for(lambda: len(receiver.received) == 2, 30)
    finally:
        notifier.stop()
    (good, headers), (bad, _) = receiver.received
    counts = {"total": 1, "done": 1, "error": 0, "ignored": 0, "duplicates": 0}
    assert good["event"] == "batch.done"
    assert good["batch"] == {"id": "GOOD", "name": "GOOD", "has_error": False, "counts": counts}
    assert good["at"].endswith("+00:00")
    assert (bad["batch"]["id"], bad["batch"]["has_error"], bad["batch"]["counts"]["error"]) == ("BAD", True, 1)
    expected = hmac.new(b"s3cret", headers["body"].encode(), hashlib.sha256).hexdigest()
    assert headers["X-Dicomsearch-Signature"] == f"sha256={expected}"
    assert redis_client.keys("outbox*") == []


def test_what_does_not_get_through_is_told_again_in_order_with_growing_pauses(
    settings: Settings, redis_client: Redis, receiver: Receiver
) -> None:
    teller = Teller(settings, Webhook(receiver.url), threading.Event())
    outbox = Outbox(redis_client, "webhook")
    for number in (1, 2):
        outbox.add({"event": f"batch.{number}", "at": 4_000_000_000.0})
    receiver.answers += [500, 302, 503]
    pauses = []
    for _ in range(6):
        teller._pause = teller.tell_next()
        pauses.append(teller._pause)
    assert pauses == [1.0, 2.0, 4.0, 0.0, 0.0, float(settings.heartbeat_seconds)]
    assert receiver.events == ["batch.1", "batch.2"]


def test_a_notification_is_given_up_after_a_day(settings: Settings, redis_client: Redis) -> None:
    teller = Teller(settings, Webhook(f"http://127.0.0.1:{free_port()}/"), threading.Event())
    Outbox(redis_client, "webhook").add({"event": "batch.done", "at": 1_000_000.0})
    assert teller.tell_next() == 0.0
    assert redis_client.keys("outbox*") == []


def test_a_command_gets_the_notification_on_its_standard_input(tmp_path: Path) -> None:
    program = tmp_path / "hook.py"
    program.write_text(
        "import os, sys, pathlib\n"
        "pathlib.Path(sys.argv[1]).write_text(os.environ['DICOMSEARCH_EVENT'] + ' ' + sys.stdin.read())\n"
    )
    out = tmp_path / "with space.txt"
    Command(f"{sys.executable} {program} '{out}'").send({"event": "service.trouble", "service": "redis"})
    name, _, body = out.read_text().partition(" ")
    assert (name, json.loads(body)) == ("service.trouble", {"event": "service.trouble", "service": "redis"})


@pytest.mark.parametrize(
    ("line", "reason"),
    [("/no/such/program", "cannot be run"), ("false", "exit code 1"), ("'unbalanced", "cannot be run")],
)
def test_a_command_that_fails_says_why(line: str, reason: str) -> None:
    with pytest.raises(NotDeliveredError, match=reason):
        Command(line).send({"event": "batch.done"})


def test_services_in_trouble_and_well_again_are_told(
    settings: Settings, redis_client: Redis, receiver: Receiver
) -> None:
    presence = Presence(redis_client, heartbeat_seconds=60)
    guard = Guard(settings, [Webhook(receiver.url)], threading.Event())
    assert guard.troubles() == {"elasticsearch": None, "redis": None, "indexing": None, "worker": None}
    presence.waits("Elasticsearch takes no documents (429: busy)")
    redis_client.hset("workers", "gone", "1000.0")
    assert guard.troubles() == {
        "elasticsearch": None,
        "redis": None,
        "indexing": "Elasticsearch takes no documents (429: busy)",
        "worker": "no worker is heard of",
    }
    guard.tell(Change("worker", "no worker is heard of"))
    guard.tell(Change("worker", None))
    teller = Teller(settings, Webhook(receiver.url), threading.Event())
    assert [teller.tell_next() for _ in range(2)] == [0.0, 0.0]
    assert [(body["event"], body["service"], body.get("reason")) for body, _ in receiver.received] == [
        ("service.trouble", "worker", "no worker is heard of"),
        ("service.recovered", "worker", None),
    ]


def test_of_services_that_are_away_it_is_told_directly(settings: Settings, receiver: Receiver) -> None:
    away = settings.model_copy(
        update={
            "elasticsearch_url": f"http://127.0.0.1:{free_port()}",
            "redis_url": f"redis://127.0.0.1:{free_port()}/0",
        }
    )
    guard = Guard(away, [Webhook(receiver.url)], threading.Event())
    troubles = guard.troubles()
    assert set(troubles) == {"elasticsearch", "redis"}
    assert "does not answer" in str(troubles["elasticsearch"])
    guard.tell(Change("redis", troubles["redis"]))
    assert receiver.events == ["service.trouble"]


def test_without_a_channel_nothing_is_kept(settings: Settings, redis_client: Redis) -> None:
    assert (channels_of(settings), outbox_keys(settings)) == ([], [])
    finish_a_batch(redis_client, settings, "CASE-1", error=False)
    assert connect(settings.redis_url).keys("outbox*") == []
    notifier = Notifier(settings)
    notifier.start()
    notifier.stop()
