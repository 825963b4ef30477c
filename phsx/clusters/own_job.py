"""The batch job that this very process runs in, if it does."""

from __future__ import annotations

import os
from collections.abc import Mapping

from phsx.execution.remaining import STARTED, WALLTIME

#: Where Slurm tells a process in which job it runs.
JOB = "SLURM_JOB_ID"
#: What is not about that job, among the variables that Slurm sets or reads.
KEPT = frozenset({"SLURM_CONF", "SLURM_CLUSTERS", "SLURM_TIME_FORMAT", "SLURM_DEBUG_FLAGS"})


def job_here() -> str | None:
    """Return the id of the job, or None."""
    return os.environ.get(JOB) or None


def outside(environment: Mapping[str, str]) -> dict[str, str]:
    """Return an environment without what it says of the job around it.

    A job that is submitted from within another one inherits it all, and would take the other one's
    CPUs, memory and end for its own.

    Examples
    --------
    >>> outside({"SLURM_JOB_ID": "7", "SLURM_MEM_PER_CPU": "500", "SLURM_CONF": "/etc/s", "A": "b"})
    {'SLURM_CONF': '/etc/s', 'A': 'b'}
    """
    if JOB not in environment:
        return dict(environment)
    return {
        name: value
        for name, value in environment.items()
        if name in KEPT or not (name.startswith("SLURM_") or name in {STARTED, WALLTIME})
    }
