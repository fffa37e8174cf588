"""From a file straight to its document, with what is remembered of other files: the fast way of a worker.

    file ──scan──▶ pieces: what each element comes to, most of them known from other files ──sum──▶ document

Use `flatten_file`. A file that is not quite as the standard has it is read by `indexer.reader` and flattened by
`indexer.flatten`; both ways come to the same document, byte for byte.
"""

from indexer.straight.memory import Memory
from indexer.straight.straight import flatten_file

__all__ = ["Memory", "flatten_file"]
