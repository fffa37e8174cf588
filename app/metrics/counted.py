"""The hash of amounts in Redis, as counters and histograms."""

from collections.abc import Iterator, Mapping
from itertools import accumulate

from prometheus_client import Metric
from prometheus_client.core import CounterMetricFamily, HistogramMetricFamily

from indexer.metrics import Counter, Histogram
from indexer.metrics.catalogue import COUNTERS, HISTOGRAMS, PREFIX, SEPARATOR

_Labels = tuple[str, ...]


def families(amounts: Mapping[str, float]) -> Iterator[Metric]:
    """Give all that the catalogue has, also what was never counted; what it does not have is left out.

    Parameters
    ----------
    amounts
        By the fields of the hash.
    """
    by_name: dict[str, dict[_Labels, float]] = {}
    for field, amount in amounts.items():
        name, *values = field.split(SEPARATOR)
        by_name.setdefault(PREFIX + name, {})[tuple(values)] = amount
    for counter in COUNTERS:
        yield _counter(counter, by_name.get(counter.name, {}))
    for histogram in HISTOGRAMS:
        yield _histogram(histogram, by_name.get(histogram.name, {}))


def _counter(counter: Counter, found: Mapping[_Labels, float]) -> CounterMetricFamily:
    family = CounterMetricFamily(counter.name, counter.help, labels=counter.labels)
    for labels in dict.fromkeys((*counter.known, *sorted(found))):
        if len(labels) == len(counter.labels):
            family.add_metric(labels, found.get(labels, 0))
    return family


def _histogram(histogram: Histogram, found: Mapping[_Labels, float]) -> HistogramMetricFamily:
    family = HistogramMetricFamily(histogram.name, histogram.help, labels=histogram.labels)
    names = [*(f"{bound:g}" for bound in histogram.bounds), "inf"]
    for labels in dict.fromkeys((*histogram.known, *sorted(values[:-1] for values in found))):
        if len(labels) == len(histogram.labels):
            counts = accumulate(found.get((*labels, name), 0) for name in names)
            buckets = [
                (bound, count)
                for bound, count in zip([*(f"{bound:g}" for bound in histogram.bounds), "+Inf"], counts, strict=True)
            ]
            family.add_metric(labels, buckets, found.get((*labels, "sum"), 0))
    return family
