"""Everything that is counted: name, meaning, labels, and the values that labels may have.

Labels are of closed sets, so that the hash in Redis stays small and nothing of a header can come into it. Names follow
https://prometheus.io/docs/practices/naming/
"""

from dataclasses import dataclass
from itertools import product

from indexer.status.model import ErrorCode

PREFIX = "dicomsearch_"
# Between the parts of a field of the hash: name, values of labels, upper bound of a bucket.
SEPARATOR = "|"

Labels = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Counter:
    """What only grows.

    Attributes
    ----------
    name
        As Prometheus has it.
    help
        One line for those who read it there.
    labels
        Names of the labels.
    known
        Values of the labels that are told from the start, so that a first increase is seen as one.
    """

    name: str
    help: str
    labels: Labels = ()
    known: tuple[Labels, ...] = ()

    def field(self, values: Labels) -> str:
        """Where it stands in the hash."""
        if len(values) != len(self.labels):
            raise ValueError(f"{self.name} has the labels {self.labels}")
        return SEPARATOR.join((self.name.removeprefix(PREFIX), *values))


@dataclass(frozen=True, slots=True)
class Histogram:
    """How often what was observed lay below each of some bounds.

    Attributes
    ----------
    name, help, labels, known
        As of `Counter`.
    bounds
        Upper bounds of the buckets, rising, without the last one, which is infinite.
    """

    name: str
    help: str
    bounds: tuple[float, ...]
    labels: Labels = ()
    known: tuple[Labels, ...] = ()

    def bucket(self, values: Labels, at: int) -> str:
        """Where the bucket of a number stands in the hash; the last one has no bound."""
        bound = f"{self.bounds[at]:g}" if at < len(self.bounds) else "inf"
        return SEPARATOR.join((self._start(values), bound))

    def sum(self, values: Labels) -> str:
        """Where the sum of all that was observed stands in the hash."""
        return SEPARATOR.join((self._start(values), "sum"))

    def _start(self, values: Labels) -> str:
        if len(values) != len(self.labels):
            raise ValueError(f"{self.name} has the labels {self.labels}")
        return SEPARATOR.join((self.name.removeprefix(PREFIX), *values))


def _each(*values: str) -> tuple[Labels, ...]:
    return tuple(product(values))


_QUICK = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)

# Written by the scripts of indexer/status/scripts, together with the change itself.
IMAGES = Counter(
    f"{PREFIX}images_total",
    "Images that were brought to an end; one that is tried again counts again.",
    ("outcome", "code"),
    (("done", ""), ("ignored", ""), *(("error", str(code)) for code in ErrorCode)),
)
DUPLICATES = Counter(
    f"{PREFIX}image_duplicates_total", "Done images whose SOPInstanceUID another file had, too.", (), ((),)
)
FILE_BYTES = Counter(f"{PREFIX}image_file_bytes_total", "Bytes of the files of images brought to an end.", (), ((),))
GATE_CLOSINGS = Counter(
    f"{PREFIX}gate_closings_total",
    "How often all workers had to pause, as Elasticsearch was overloaded.",
    (),
    ((),),
)

BULK_SECONDS = Histogram(f"{PREFIX}bulk_request_seconds", "Time of one bulk request.", _QUICK, (), ((),))
BULK_DOCUMENTS = Histogram(
    f"{PREFIX}bulk_request_documents", "Documents of one bulk request.", (1, 10, 50, 100, 200, 500, 1_000), (), ((),)
)
BULK_BYTES = Histogram(
    f"{PREFIX}bulk_request_bytes",
    "Bytes of one bulk request.",
    (10_000, 100_000, 500_000, 1_000_000, 2_500_000, 5_000_000, 10_000_000, 25_000_000),
    (),
    ((),),
)
BULK_RETRIES = Counter(f"{PREFIX}bulk_retries_total", "Bulk requests that had to be tried again.", (), ((),))
BULK_OVERLOADED = Counter(
    f"{PREFIX}bulk_overloaded_total", "Bulk requests that Elasticsearch refused, whole or in part, with 429.", (), ((),)
)
TASKS_DELAYED = Counter(
    f"{PREFIX}tasks_delayed_total", "Tasks that were put back because Elasticsearch took no documents.", (), ((),)
)
TASKS_LOST = Counter(
    f"{PREFIX}tasks_lost_total", "Tasks whose worker died, or was not heard of, and that were queued again.", (), ((),)
)
TASK_FAILURES = Counter(f"{PREFIX}task_failures_total", "Tasks that ended by an unexpected error.", ("task",))

REQUESTS = Counter(f"{PREFIX}http_requests_total", "Requests that were answered.", ("endpoint", "status"))
REQUEST_SECONDS = Histogram(
    f"{PREFIX}http_request_seconds",
    "Time of one request, to the last byte of its answer.",
    _QUICK,
    ("kind",),
    _each("page", "api"),
)
SEARCH_SECONDS = Histogram(
    f"{PREFIX}search_seconds",
    "Time of one search: of a page of results, of one for the API, of the facets, of a whole export, of a question "
    "to the query API.",
    _QUICK,
    ("kind",),
    _each("page", "api", "facets", "export", "query"),
)
SIGN_IN_FAILURES = Counter(
    f"{PREFIX}sign_in_failures_total",
    "Attempts to sign in that were refused.",
    ("way",),
    _each("password", "token", "proxy"),
)

COUNTERS = (
    IMAGES,
    DUPLICATES,
    FILE_BYTES,
    GATE_CLOSINGS,
    BULK_RETRIES,
    BULK_OVERLOADED,
    TASKS_DELAYED,
    TASKS_LOST,
    TASK_FAILURES,
    REQUESTS,
    SIGN_IN_FAILURES,
)
HISTOGRAMS = (BULK_SECONDS, BULK_DOCUMENTS, BULK_BYTES, REQUEST_SECONDS, SEARCH_SECONDS)
