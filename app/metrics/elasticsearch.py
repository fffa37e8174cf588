"""How Elasticsearch and the index are at this moment."""

from collections.abc import Iterator

from elastic_transport import TransportError
from elasticsearch import ApiError
from prometheus_client import Metric
from prometheus_client.core import GaugeMetricFamily

from indexer.connecting import connect_elasticsearch
from indexer.metrics.catalogue import PREFIX
from indexer.settings import Settings

_SECONDS = 2.0
_HEALTH = ("green", "yellow", "red")


class ElasticsearchState:
    """Asks Elasticsearch how it is, and does not wait long.

    Parameters
    ----------
    settings
        Where it is, and the alias of the index.
    """

    def __init__(self, settings: Settings) -> None:
        self._client = connect_elasticsearch(
            settings, request_timeout=_SECONDS, max_retries=0, retry_on_timeout=False, dead_node_backoff_factor=0
        )
        self._index = settings.index

    def families(self) -> Iterator[Metric]:
        """Give what can be found out."""
        found = [*self._health()]
        up = f"{PREFIX}elasticsearch_up", "Whether Elasticsearch answers (1) or not (0)."
        yield GaugeMetricFamily(*up, value=bool(found))
        yield from found
        if found:
            yield from self._documents()

    def _health(self) -> Iterator[Metric]:
        try:
            status = self._client.cluster.health(timeout="1s").body["status"]
        except (TransportError, ApiError):
            return
        health = GaugeMetricFamily(
            f"{PREFIX}elasticsearch_health", "Which colour the cluster is (1; the others are 0).", labels=["status"]
        )
        for colour in _HEALTH:
            health.add_metric([colour], colour == status)
        yield health

    def _documents(self) -> Iterator[Metric]:
        try:
            stats = self._client.indices.stats(index=self._index, metric=["docs", "store"]).body["_all"]
        except (TransportError, ApiError):
            return  # it is gone again, or there is no index yet
        documents, size = stats["primaries"]["docs"]["count"], stats["total"]["store"]["size_in_bytes"]
        yield GaugeMetricFamily(f"{PREFIX}index_documents", "Images in the index.", value=documents)
        yield GaugeMetricFamily(f"{PREFIX}index_size_bytes", "Room that the index takes on disks.", value=size)
