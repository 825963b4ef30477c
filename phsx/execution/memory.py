"""Memory: nameless files of a worker and its children, what they take, and whether it ran out."""

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


def used_by(pid: int, limit: int) -> int:
    """Return how many bytes of memory a process and its descendants take; 0 where nobody says.

    What is mapped from files does not count. Where that is more than `limit`, pages that several of
    the processes share are counted once, which takes longer.
    """
    family = _family(pid)
    used = sum(_fields(f"/proc/{one}/status", (b"RssAnon:", b"RssShmem:")) for one in family)
    if used > limit and len(family) > 1:
        parts = (b"Pss_Anon:", b"Pss_Shmem:")
        used = sum(_fields(f"/proc/{one}/smaps_rollup", parts) for one in family)
    return used


def _family(pid: int) -> list[int]:
    """Return a process and its descendants; on Linux alone."""
    found = [pid]
    for one in found:
        try:
            tasks = os.listdir(f"/proc/{one}/task")  # noqa: PTH208
        except OSError:
            continue
        for task in tasks:
            try:
                with open(f"/proc/{one}/task/{task}/children", "rb") as file:  # noqa: PTH123
                    found += [int(child) for child in file.read().split()]
            except OSError:
                continue
    return found


def _fields(path: str, names: tuple[bytes, ...]) -> int:
    """Return the sum of some fields, which are in kB, in bytes."""
    try:
        with open(path, "rb") as file:  # noqa: PTH123
            lines = file.read().splitlines()
    except OSError:
        return 0
    return sum(int(line.split()[1]) * 1024 for line in lines if line.startswith(names))


def spelled(size: int) -> str:
    """Return a number of bytes as people write it.

    Examples
    --------
    >>> spelled(2_000_000_000), spelled(1536)
    ('2GB', '1.54kB')
    """
    for unit, factor in (("GB", 1e9), ("MB", 1e6), ("kB", 1e3)):
        if size >= factor:
            return f"{size / factor:.3g}{unit}"
    return f"{size}B"
