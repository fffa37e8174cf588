"""What is counted, over all processes and for ever: `catalogue` says what, `tally` how it comes into Redis.

Processes collect what they have counted and add it to one hash now and then, so that counting costs no round trip of
its own. The scripts of `indexer.status` add to it, too, where a count must agree with a change. Prometheus reads it
through `app.metrics`.
"""

from indexer.metrics.catalogue import Counter, Histogram
from indexer.metrics.tally import Tally, read_amounts

__all__ = ["Counter", "Histogram", "Tally", "read_amounts"]
