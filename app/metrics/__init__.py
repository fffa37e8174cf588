"""Metrics for Prometheus: `/metrics` on a port of its own (`DICOMSEARCH_METRICS_PORT`), and what web counts for it.

`meter` counts, `requests` sees each request, `collector` puts together what is told: the counts of all processes from
Redis, and how batches, workers, Elasticsearch and disks are at that moment. `registering` brings it into the
application. No label has a value that a header could have: labels are names of routes, kinds and codes.
"""
