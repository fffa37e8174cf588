"""What a failed start of Elasticsearch says, in a line that a user can act on."""

import pytest

from local.elasticsearch import explain

# Each is a part of what Elasticsearch 9.2.0 and its Java have written.
LOGS = [
    (
        "fatal exception while booting Elasticsearch\n"
        "org.elasticsearch.http.BindHttpException: Failed to bind to 127.0.0.1:20001\n"
        "Caused by: java.net.BindException: Address already in use\n",
        "its port is taken by another program: run it again for another port",
    ),
    (
        "java.lang.IllegalStateException: failed to obtain node locks, tried [/data]; maybe these locations are not "
        "writable or multiple nodes were started on the same data path?\n",
        "another Elasticsearch is using the same data folder",
    ),
    ("Caused by: java.io.IOException: No space left on device\n\tat java.base/sun.nio\n", "no disk space is left"),
    (
        "# There is insufficient memory for the Java Runtime Environment to continue.\n",
        "there is not enough memory: free some, or lower DICOMSEARCH_ELASTICSEARCH_HEAP_MB",
    ),
    (
        "Error occurred during initialization of VM\nCould not reserve enough space for 31457280KB object heap\n",
        "there is not enough memory: free some, or lower DICOMSEARCH_ELASTICSEARCH_HEAP_MB",
    ),
    ("java.nio.file.AccessDeniedException: /home/data/nodes\n", "it may not use a file: /home/data/nodes"),
    (
        "uncaught exception\njava.lang.IllegalArgumentException: unknown setting [http.prot]\n\tat org",
        "unknown setting [http.prot]",
    ),
    ("something else happened\n\n", "something else happened"),
    ("", "it wrote nothing"),
]


@pytest.mark.parametrize(("log", "reason"), LOGS)
def test_the_reason_of_a_failed_start_is_found_in_the_log(log: str, reason: str) -> None:
    assert explain(log) == reason
