"""One gate for all workers: where Elasticsearch tells one of them that it is overloaded (429), all of them pause.

Without it each worker would learn by itself, and those that have not learned yet would keep the node overloaded. Each
closing lasts longer than the one before, until none has been needed for a while.
"""

import random
import time

from indexer.status.connection import RedisClient, load_script

_FIRST_MILLISECONDS = 250
_LONGEST_MILLISECONDS = 10_000
_CALM_SECONDS = 30


class Gate:
    """The gate that bulk requests go through.

    Parameters
    ----------
    client
        From `indexer.status.connect`.
    """

    def __init__(self, client: RedisClient) -> None:
        self._redis = client
        self._close = load_script(client, "gate_close")

    def close(self) -> float:
        """Let nobody through for a moment; answer the seconds that it lasts."""
        arguments = [_FIRST_MILLISECONDS, _LONGEST_MILLISECONDS, _CALM_SECONDS]
        return int(self._close(keys=["gate", "gate:closings"], args=arguments)) / 1_000

    def closed_for(self) -> float:
        """How many seconds the gate stays closed; 0 where it is open."""
        return max(int(self._redis.pttl("gate")), 0) / 1_000

    def wait(self, deadline: float) -> None:
        """Wait until the gate is open, or until a time of the monotonic clock."""
        while (left := self.closed_for()) > 0 and time.monotonic() < deadline:
            # Not all at once when it opens.
            time.sleep(left + random.uniform(0, 0.1))  # noqa: S311 - jitter
