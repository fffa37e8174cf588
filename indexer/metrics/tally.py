"""What one process has counted and not yet written, and how it is added to the hash in Redis."""

import threading
import time
from bisect import bisect_left
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from indexer.metrics.catalogue import Counter, Histogram
from indexer.status.connection import RedisClient
from indexer.status.keys import METRICS


class Tally:
    """Amounts to be added, by their fields in the hash; used by all threads of a process."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._amounts: dict[str, float] = {}

    def count(self, counter: Counter, *labels: str, amount: float = 1) -> None:
        """Count something."""
        self._add({counter.field(labels): amount})

    def observe(self, histogram: Histogram, value: float, *labels: str) -> None:
        """Count something by its size."""
        bucket = histogram.bucket(labels, bisect_left(histogram.bounds, value))
        self._add({bucket: 1, histogram.sum(labels): value})

    @contextmanager
    def timed(self, histogram: Histogram, *labels: str) -> Iterator[None]:
        """Count how many seconds the body takes, also where it fails."""
        begun = time.perf_counter()
        try:
            yield
        finally:
            self.observe(histogram, time.perf_counter() - begun, *labels)

    @contextmanager
    def taken(self) -> Iterator[dict[str, float]]:
        """Take all amounts out; they are put back where the body, which adds them to the hash, fails."""
        with self._lock:
            amounts, self._amounts = self._amounts, {}
        try:
            yield amounts
        except BaseException:
            self._add(amounts)
            raise

    def flush(self, client: RedisClient) -> None:
        """Add everything to the hash, in one round trip.

        Raises
        ------
        redis.RedisError
            Redis does not answer; the amounts are kept for the next time.
        """
        with self.taken() as amounts:
            if amounts:
                pipeline = client.pipeline()
                for field, amount in amounts.items():
                    pipeline.hincrbyfloat(METRICS, field, amount)
                pipeline.execute()

    def _add(self, amounts: Mapping[str, float]) -> None:
        with self._lock:
            for field, amount in amounts.items():
                self._amounts[field] = self._amounts.get(field, 0) + amount


def flattened(amounts: Mapping[str, float]) -> list[str]:
    """Write amounts as arguments of a script: field, amount and so on."""
    return [text for field, amount in amounts.items() for text in (field, repr(amount))]


def read_amounts(client: RedisClient) -> dict[str, float]:
    """Everything that was counted so far, by field."""
    return {field: float(amount) for field, amount in client.hgetall(METRICS).items()}
