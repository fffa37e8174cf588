"""Tells what is in the outbox, and watches over the services, from threads of the watcher's process."""

import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import redis
import structlog
from elasticsearch import ApiError, Elasticsearch, TransportError

from indexer.connecting import refusal
from indexer.notifying.channels import Channel, NotDeliveredError, channels_of
from indexer.notifying.incidents import Change, Incidents
from indexer.notifying.outbox import Outbox
from indexer.services import connect_elasticsearch
from indexer.settings import Settings
from indexer.status import StatusStore, StatusUnavailableError, connect
from indexer.status.connection import RedisClient, now

log = structlog.get_logger(__name__)

_FIRST_PAUSE = 1.0
_LONGEST_PAUSE = 300.0
# After so long a notification is no news any more.
_GIVE_UP_SECONDS = 86_400.0
_HEALTH_SECONDS = 3.0


class Notifier:
    """Runs one thread for each channel, and one that looks after the services, until it is stopped.

    Without a channel it does nothing.

    Parameters
    ----------
    settings
        With the channels.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._stop = threading.Event()
        self._threads: list[threading.Thread] = []

    def start(self) -> None:
        """Begin to tell."""
        channels = channels_of(self._settings)
        for channel in channels:
            self._begin(Teller(self._settings, channel, self._stop).run, f"notify-{channel.name}")
        if channels:
            self._begin(Guard(self._settings, channels, self._stop).run, "notify-guard")

    def stop(self) -> None:
        """End soon; what was not told stays in the outbox."""
        self._stop.set()
        for thread in self._threads:
            thread.join(timeout=2)

    def _begin(self, run: Callable[[], None], name: str) -> None:
        thread = threading.Thread(target=run, name=name, daemon=True)
        thread.start()
        self._threads.append(thread)


class Teller:
    """Tells through one channel what is in its outbox, in order; what does not get through is tried again for a day."""

    def __init__(self, settings: Settings, channel: Channel, stop: threading.Event) -> None:
        self._channel = channel
        self._outbox = Outbox(connect(settings.redis_url), channel.name)
        self._idle = settings.heartbeat_seconds
        self._stop = stop
        self._pause = 0.0

    def run(self) -> None:
        """Tell until stopped."""
        while not self._stop.wait(self._pause):
            try:
                self._pause = self.tell_next()
            except redis.RedisError as error:
                log.warning("notifications wait for Redis", error=type(error).__name__)
                self._pause = float(self._idle)

    def tell_next(self) -> float:
        """Tell what is to be told next; answer the seconds to wait before the one after."""
        found = self._outbox.first()
        if found is None:
            return float(self._idle)
        text, notification = found
        try:
            self._channel.send({**notification, "at": _iso(notification["at"])})
        except NotDeliveredError as error:
            if time.time() - notification["at"] < _GIVE_UP_SECONDS:
                log.warning("notification not delivered", channel=self._channel.name, reason=str(error))
                return min(max(2 * self._pause, _FIRST_PAUSE), _LONGEST_PAUSE)
            log.error("notification given up", channel=self._channel.name, reason=str(error))
        self._outbox.told(text)
        return 0.0


class Guard:
    """Looks whether each service does its work, and tells when one stops and when it does again.

    Redis keeps the outbox, so of Redis itself is told directly.
    """

    def __init__(self, settings: Settings, channels: list[Channel], stop: threading.Event) -> None:
        self._settings = settings
        self._channels = channels
        self._stop = stop
        self._redis: RedisClient = connect(settings.redis_url)
        self._store = StatusStore(self._redis)
        self._elasticsearch: Elasticsearch = connect_elasticsearch(settings).options(request_timeout=_HEALTH_SECONDS)
        self._incidents = Incidents(settings.notify_patience_seconds)

    def run(self) -> None:
        """Look until stopped."""
        while not self._stop.wait(self._settings.heartbeat_seconds):
            for change in self._incidents.look(self.troubles()):
                self.tell(change)

    def troubles(self) -> dict[str, str | None]:
        """What is wrong with each service: None where nothing is."""
        found: dict[str, str | None] = {"elasticsearch": self._elasticsearch_trouble()}
        try:
            waiting = self._store.waiting()
            workers = self._store.workers()
        except StatusUnavailableError:
            return found | {"redis": "Redis does not answer"}
        silent = bool(workers) and not any(worker.alive for worker in workers)
        return found | {
            "redis": None,
            "indexing": waiting.reason if waiting else None,
            "worker": "no worker is heard of" if silent else None,
        }

    def _elasticsearch_trouble(self) -> str | None:
        try:
            status = self._elasticsearch.cluster.health(timeout=f"{_HEALTH_SECONDS:.0f}s")["status"]
        except (TransportError, ApiError) as error:
            return refusal(error) or f"Elasticsearch does not answer ({type(error).__name__})"
        return "a part of the index is not there (health: red)" if status == "red" else None

    def tell(self, change: Change) -> None:
        """Put a change into all outboxes, or tell it directly where that cannot be done."""
        log.warning("service changed", service=change.service, reason=change.reason)
        notification = notification_of(change)
        for channel in self._channels:
            try:
                Outbox(self._redis, channel.name).add(notification)
            except redis.RedisError:
                try:
                    channel.send({**notification, "at": _iso(notification["at"])})
                except NotDeliveredError as error:
                    log.error("notification lost", channel=channel.name, reason=str(error))


def notification_of(change: Change) -> dict[str, Any]:
    """Write what happened to a service."""
    event = "service.recovered" if change.reason is None else "service.trouble"
    notification = {"event": event, "at": now(), "service": change.service}
    return notification if change.reason is None else {**notification, "reason": change.reason}


def _iso(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="seconds")
