"""Bounds of a process that does something risky for another one."""

import resource
from contextlib import suppress


def bound_memory(megabytes: int) -> None:
    """Bound the memory of this process, and let it leave nothing behind when it crashes.

    Not every system can bound memory in this way; there the limits of what the process does are the bound.
    """
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    with suppress(ValueError, OSError):
        resource.setrlimit(resource.RLIMIT_AS, (megabytes * 2**20, megabytes * 2**20))
