"""Everything that `/metrics` tells, made when it is asked for; what cannot be found out in time is left out."""

from collections.abc import Iterable, Iterator
from importlib.metadata import version

import redis
from prometheus_client import Metric
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector as PrometheusCollector

from app.archive.elastic import both
from app.metrics.counted import families
from app.metrics.disks import Disks
from app.metrics.elasticsearch import ElasticsearchState
from app.metrics.meter import Meter
from app.metrics.status import status_families
from indexer.metrics.catalogue import PREFIX
from indexer.metrics.tally import read_amounts
from indexer.settings import Settings
from indexer.status import StatusUnavailableError


class Collector(PrometheusCollector):
    """Answers a scrape.

    Parameters
    ----------
    settings
        What is looked at.
    meter
        Whose connection to Redis is used, since it does not wait long.
    """

    def __init__(self, settings: Settings, meter: Meter) -> None:
        self._redis = meter.redis
        self._elasticsearch = ElasticsearchState(settings)
        self._disks = Disks(settings)
        self._version = version("dicomsearch")  # which is read from a file

    def collect(self) -> Iterable[Metric]:
        """Give all families; Redis and Elasticsearch are asked at the same time."""
        found, elsewhere = both(lambda: list(self._from_redis()), lambda: list(self._elasticsearch.families()))
        yield from found
        yield from elsewhere
        yield from self._disks.families()
        build = GaugeMetricFamily(f"{PREFIX}build_info", "Which version runs.", labels=["version"])
        build.add_metric([self._version], 1)
        yield build

    def describe(self) -> Iterable[Metric]:
        """Give nothing: names are not asked for in advance, so that a start needs no service."""
        return ()

    def _from_redis(self) -> Iterator[Metric]:
        found: list[Metric] = []
        try:
            found += families(read_amounts(self._redis))
            found += status_families(self._redis)
        except (redis.RedisError, StatusUnavailableError):
            up = 0
        else:
            up = 1
        yield GaugeMetricFamily(f"{PREFIX}redis_up", "Whether Redis answers (1) or not (0).", value=up)
        yield from found
