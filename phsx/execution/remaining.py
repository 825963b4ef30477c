"""How long a batch job still has, from the variables by which it is told."""

from __future__ import annotations

from collections.abc import Mapping

#: When Slurm ends a job, in s since the epoch; newer versions say it to the job.
ENDS = "SLURM_JOB_END_TIME"
#: When a job has begun, in s since the epoch, and how many seconds it has: as phsx tells it.
STARTED, WALLTIME = "PHSX_JOB_STARTED", "PHSX_WALLTIME"


def remaining(environment: Mapping[str, str], now: float) -> float | None:
    """Return how many seconds a batch job has left, from what it is told in its environment.

    Parameters
    ----------
    environment : mapping
    now : float
        Seconds since the epoch, by the clock of the worker.

    Returns
    -------
    float or None
        None where the job has no known end.

    Examples
    --------
    >>> remaining({"SLURM_JOB_END_TIME": "1000"}, now=940.0)
    60.0
    >>> remaining({"PHSX_JOB_STARTED": "900", "PHSX_WALLTIME": "120"}, now=940.0)
    80.0
    """
    try:
        if ENDS in environment:
            return float(environment[ENDS]) - now
        return float(environment[STARTED]) + float(environment[WALLTIME]) - now
    except (KeyError, ValueError):
        return None
