"""Queue systems, each by a function that describes the jobs that are wanted of it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from phsx.clusters.batch import Batch, batch


def slurm(
    jobs: int | tuple[int, int] = 1,
    *,
    cores: int | None = None,
    memory: str | None = None,
    walltime: str | timedelta | None = None,
    queue: str | None = None,
    account: str | None = None,
    gpus: int | str | None = None,
    slots: int | None = None,
    tls: bool = True,
    replacements: int | None = None,
    poll: float = 10.0,
    resources: Mapping[str, float] | None = None,
    **options: Any,
) -> Batch:
    """Describe workers that are jobs of Slurm, for ``run(cluster=...)``.

    Nothing is started here. A run submits the jobs, replaces those that are lost or reach their
    walltime while trials are left, and cancels them at the end.

    Parameters
    ----------
    jobs : int or (int, int)
        How many jobs at a time; or the fewest and the most, according to the trials left.
    cores : int, optional
        Cores of each job, shared among its slots; by default what dask's ``jobqueue.yaml`` says,
        or one per slot.
    memory : str, optional
        Memory of each job, such as ``"8GB"``; by default what ``jobqueue.yaml`` says, or what the
        partition gives to those that ask for nothing.
    walltime : str or timedelta, optional
        How long a job may take, such as ``"02:00:00"``; by default what ``jobqueue.yaml`` says,
        or 30 minutes.
    queue : str, optional
        The partition.
    account : str, optional
        What the jobs are charged to.
    gpus : int or str, optional
        GPUs of each job, such as ``1`` or ``"a100:2"`` (``--gres=gpu:...``), divided among its
        slots. Trials may ask for them, by ``run(resources={"GPU": 1})``.
    slots : int, optional
        Trials that run in a job at once, each in a process of its own; by default one.
    tls : bool
        Whether connections are encrypted and closed to everybody else, by credentials made for
        this run. They are kept in the experiment's directory, which the nodes have to see.
    replacements : int, optional
        How many jobs that are lost before their time are replaced, besides those that worked for
        10 minutes; by default 16, and 4 for each job.
    poll : float
        Seconds between two looks at the queue (dask-jobqueue's ``squeue``).
    resources : mapping, optional
        What else each slot has that trials may ask for, such as ``{"licence": 1}``.
    **options
        Further keywords of `dask_jobqueue.SLURMCluster`, such as `interface`,
        `job_script_prologue`, `job_extra_directives`, `local_directory`, `python`.

    Returns
    -------
    Batch

    Raises
    ------
    ConfigurationError
        Something given is wrong.

    Examples
    --------
    >>> import phsx
    >>> print(phsx.slurm(jobs=8, cores=4, memory="8GB", walltime="02:00:00"))
    8 jobs of slurm with 4 cores
    """
    given: dict[str, Any] = {"cores": cores, "memory": memory, "walltime": walltime, "queue": queue}
    given |= {"account": account, "gpus": gpus, "slots": slots, "tls": tls}
    given |= {"replacements": replacements, "poll": poll, "resources": resources}
    return batch("slurm", jobs, given | options)


def pbs(jobs: int | tuple[int, int] = 1, **options: Any) -> Batch:
    """Describe workers that are jobs of PBS, as `slurm` does (by `PBSCluster`).

    Lost jobs are recognized by their workers alone, since only Slurm's queue is looked at.
    """
    return batch("pbs", jobs, options)


def lsf(jobs: int | tuple[int, int] = 1, **options: Any) -> Batch:
    """Describe workers that are jobs of LSF, as `slurm` does (by `LSFCluster`).

    Lost jobs are recognized by their workers alone, since only Slurm's queue is looked at.
    `account` is LSF's project.
    """
    return batch("lsf", jobs, options)


def sge(jobs: int | tuple[int, int] = 1, **options: Any) -> Batch:
    """Describe workers that are jobs of Grid Engine, as `slurm` does (by `SGECluster`).

    Lost jobs are recognized by their workers alone, since only Slurm's queue is looked at.
    `account` is its project. How it is asked for cores and memory depends on the site:
    ``job_extra_directives=["-pe smp 4"]``, ``resource_spec="h_vmem=8G"``.
    """
    return batch("sge", jobs, options)


def oar(jobs: int | tuple[int, int] = 1, **options: Any) -> Batch:
    """Describe workers that are jobs of OAR, as `slurm` does (by `OARCluster`).

    Lost jobs are recognized by their workers alone, since only Slurm's queue is looked at.
    `account` is OAR's project; memory is asked for with `memory_per_core_property_name=`.
    """
    return batch("oar", jobs, options)


def htcondor(jobs: int | tuple[int, int] = 1, **options: Any) -> Batch:
    """Describe workers that are jobs of HTCondor, as `slurm` does (by `HTCondorCluster`).

    Lost jobs are recognized by their workers alone, since only Slurm's queue is looked at.
    It has no queues and no walltimes, and needs ``disk="1GB"``.
    """
    return batch("htcondor", jobs, options)
