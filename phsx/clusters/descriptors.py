"""The limit of open files, which a scheduler of many workers soon reaches."""

from __future__ import annotations

import resource

from phsx.exceptions import ClusterError

#: Files that a process has open besides, and connections that a scheduler has with each worker:
#: 3 were counted, and may be more for a moment.
BASE, PER_WORKER = 200, 6


def files_needed(workers: int) -> int:
    """Return how many open files a scheduler of so many workers needs.

    Examples
    --------
    >>> files_needed(500)
    3200
    """
    return BASE + PER_WORKER * workers


def allow_files(needed: int, workers: int, *, here: bool = True) -> None:
    """Raise this process's soft limit of open files as far as is needed.

    Parameters
    ----------
    needed : int
    workers : int
        For which they are needed.
    here : bool
        False: a child process is to raise its own, and it is only told whether that is possible.

    Raises
    ------
    ClusterError
        The hard limit is below that.
    """
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard != resource.RLIM_INFINITY and hard < needed:
        raise ClusterError(
            f"{workers} workers need about {needed} open files in the scheduler's process, and the "
            f"hard limit is {hard}: ask for fewer workers (jobs= or slots=), or have the limit "
            f"raised (`ulimit -Hn`)"
        )
    raise_limit(needed if here else BASE + workers)


def raise_limit(needed: int) -> None:
    """Raise the soft limit of open files, if it is lower, as far as the hard one allows."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft == resource.RLIM_INFINITY or soft >= needed:
        return
    if hard != resource.RLIM_INFINITY:
        needed = min(needed, hard)
    resource.setrlimit(resource.RLIMIT_NOFILE, (needed, hard))
