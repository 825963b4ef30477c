"""The limit of open files, which a scheduler of many workers soon reaches."""

from __future__ import annotations

import resource

from phsx.exceptions import ClusterError

#: Files that a process has open besides, and connections that a scheduler has with each worker.
BASE, PER_WORKER = 200, 6


def allow_workers(workers: int) -> None:
    """Raise this process's soft limit of open files as far as so many workers need.

    Raises
    ------
    ClusterError
        The hard limit is below that.
    """
    needed = BASE + PER_WORKER * workers
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft == resource.RLIM_INFINITY or soft >= needed:
        return
    if hard != resource.RLIM_INFINITY and hard < needed:
        raise ClusterError(
            f"{workers} workers need about {needed} open files in this process, and its hard limit "
            f"is {hard}: ask for fewer jobs= or slots=, or have the limit raised (`ulimit -Hn`)"
        )
    resource.setrlimit(resource.RLIMIT_NOFILE, (needed, hard))
