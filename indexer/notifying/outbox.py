"""What has to be told and has not been yet: one list in Redis for each channel, the oldest first."""

import json
from collections.abc import Mapping
from typing import Any

from indexer.settings import Settings
from indexer.status.connection import RedisClient

# A receiver that is away for so long that more piles up misses the oldest.
_MOST = 10_000


def outbox_keys(settings: Settings) -> list[str]:
    """The lists of the channels that are switched on."""
    wanted = {"webhook": settings.notify_webhook, "command": settings.notify_command}
    return [outbox_key(name) for name, value in wanted.items() if value]


def outbox_key(channel: str) -> str:
    """Key of the list of one channel."""
    return f"outbox:{channel}"


class Outbox:
    """The list of one channel.

    Parameters
    ----------
    client
        From `indexer.status.connect`.
    channel
        `webhook` or `command`.
    """

    def __init__(self, client: RedisClient, channel: str) -> None:
        self._redis = client
        self._key = outbox_key(channel)

    def add(self, notification: Mapping[str, Any]) -> None:
        """Have something told."""
        pipeline = self._redis.pipeline()
        pipeline.rpush(self._key, json.dumps(notification))
        pipeline.ltrim(self._key, -_MOST, -1)
        pipeline.execute()

    def first(self) -> tuple[str, dict[str, Any]] | None:
        """What is to be told next, as it is kept and as it is; None where there is nothing."""
        text = self._redis.lindex(self._key, 0)
        return (text, json.loads(text)) if text is not None else None

    def told(self, text: str) -> None:
        """Take out what has been told, or is given up."""
        self._redis.lrem(self._key, 1, text)
