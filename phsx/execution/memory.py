"""Memory: nameless files that a worker and its children share, and whether it ran out."""

from __future__ import annotations

import os
from typing import BinaryIO


def memory_file(name: str) -> BinaryIO:
    """Open a new file in memory; on systems that have none, a temporary one.

    Parameters
    ----------
    name : str
        Seen in listings of open files only.
    """
    if hasattr(os, "memfd_create"):
        return open(os.memfd_create(name), "w+b", buffering=0)  # noqa: PTH123
    import tempfile  # heavy, and a child has no use for it

    return tempfile.TemporaryFile("w+b", buffering=0)


def out_of_memory_kills() -> int:
    """Return how many processes this host has ended for lack of memory; 0 where it does not say.

    Those that went beyond the limit of a container or a batch job count too, on Linux.
    """
    try:
        with open("/proc/vmstat", "rb") as file:  # noqa: PTH123
            fields = dict(line.split() for line in file)
    except (OSError, ValueError):
        return 0
    return int(fields.get(b"oom_kill", 0))
