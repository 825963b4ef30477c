"""Workers as jobs of a queue system: what is wanted, said before anything is started."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import Any

from phsx.clusters.checks import amount, seconds, truth, whole, word
from phsx.clusters.jobqueue import jobqueue
from phsx.clusters.walltime import seconds_of, walltime_of
from phsx.exceptions import ConfigurationError, EvaluationError
from phsx.execution.resources import CORES, GPU, Resources, amounts

#: The queue systems, and how dask-jobqueue calls its classes for them.
SYSTEMS = {
    "slurm": "SLURMCluster",
    "pbs": "PBSCluster",
    "lsf": "LSFCluster",
    "sge": "SGECluster",
    "oar": "OARCluster",
    "htcondor": "HTCondorCluster",
}
#: Keywords of dask-jobqueue that are not passed on, and what is to be given instead.
REFUSED = {
    "n_workers": "give jobs=",
    "job_cpu": "give cores=, which is what a job gets",
    "ncpus": "give cores=, which is what a job gets",
    "mem": "give memory=",
    "project": "give account=",
    "security": "connections are closed to others by default; give tls=False for plain text",
    "protocol": "connections are closed to others by default; give tls=False for plain text",
    "job_cls": "it cannot be chosen",
    "worker_command": "it cannot be chosen",
    "scheduler_cls": "it cannot be chosen",
    "asynchronous": "a run blocks, or goes on in a thread of its own (background=True)",
    "loop": "it cannot be chosen",
    "name": "give job_name=",
}
#: Keywords of ours, and what they are where nothing is given.
OWN = {
    "cores": None,
    "memory": None,
    "walltime": None,
    "queue": None,
    "account": None,
    "gpus": None,
    "slots": None,
    "tls": True,
    "replacements": None,
    "poll": 10.0,
    "resources": None,
}
_RESOURCE = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]*")
_GPUS = re.compile(r"([A-Za-z][\w.-]*:)?[1-9]\d*")


@dataclass(frozen=True)
class Batch:
    """Jobs that are wanted of a queue system. Nothing is started before a run; made by `slurm`.

    Attributes
    ----------
    system : str
        One of `SYSTEMS`.
    jobs : (int, int)
        The fewest and the most jobs at a time.
    cores, slots : int
        Of each job; `slots` trials run in it at once.
    memory, walltime : str or None
        Of each job; None where dask's configuration says it, or, of Slurm's memory, the partition.
    queue, account, gpus : str or None
    tls : bool
        Whether all connections are encrypted, and closed to everybody else.
    replacements : int
        How many jobs may be lost before their time, and replaced.
    poll : float
        Seconds between two looks at the queue.
    resources : Resources
        What else each slot has, for trials that ask for it.
    options : mapping
        Further keywords of dask-jobqueue's class.
    """

    system: str
    jobs: tuple[int, int]
    cores: int
    slots: int
    memory: str | None = None
    walltime: str | None = None
    queue: str | None = None
    account: str | None = None
    gpus: str | None = None
    tls: bool = True
    replacements: int = 0
    poll: float = 10.0
    resources: Resources = field(default_factory=dict)
    options: Mapping[str, Any] = field(default_factory=dict)

    @property
    def cores_per_slot(self) -> int:
        """How many cores a trial may use."""
        return max(1, self.cores // self.slots)

    @property
    def gpu_count(self) -> int:
        """How many GPUs a job has."""
        return 0 if self.gpus is None else int(self.gpus.rpartition(":")[2])

    @property
    def offer(self) -> Resources:
        """What a trial may ask of a slot."""
        gpus = {GPU: self.gpu_count / self.slots} if self.gpus else {}
        return {CORES: float(self.cores_per_slot), **gpus, **self.resources}

    @property
    def section(self) -> str:
        """Which section of dask's configuration holds."""
        return str(self.options.get("config_name") or self.system)

    @property
    def walltime_seconds(self) -> float | None:
        """How long a job lives, in s; None where that is not known."""
        walltime = self.walltime or configured(self.section, "walltime")
        return None if walltime is None else seconds_of(str(walltime), self.system)

    def __str__(self) -> str:
        fewest, most = self.jobs
        jobs = f"{most}" if fewest == most else f"{fewest} to {most}"
        each = f"{self.cores} core{'s' * (self.cores > 1)}"
        if self.gpus is not None:
            each += f", {self.gpu_count} GPU{'s' * (self.gpu_count > 1)}"
        at_once = f" and {self.slots} trials at once" if self.slots > 1 else ""
        queue = f", in {self.queue}" if self.queue else ""
        return f"{jobs} job{'s' * (most > 1)} of {self.system} with {each}{at_once}{queue}"


def configured(section: str, key: str) -> Any:
    """Return what dask's configuration (``jobqueue.yaml``) says; None where it says nothing."""
    import dask

    jobqueue()  # which reads its configuration
    return dask.config.get(f"jobqueue.{section}.{key}", None)


def batch(system: str, jobs: Any, given: Mapping[str, Any]) -> Batch:
    """Check what was given to `phsx.slurm` or one of its kin, and describe the jobs.

    Raises
    ------
    ConfigurationError
        Something given is wrong.
    """
    options = {name: value for name, value in given.items() if name not in OWN}
    own = OWN | {name: value for name, value in given.items() if name in OWN}
    if "processes" in options:  # dask-jobqueue's word
        if own["slots"] is not None:
            raise ConfigurationError("slots= and processes= are the same; give one of them")
        own["slots"] = options.pop("processes")
    _check_options(system, options)
    section = str(options.get("config_name") or system)
    slots = 1 if own["slots"] is None else whole("slots", own["slots"])
    cores = own["cores"] if own["cores"] is not None else configured(section, "cores")
    cores = slots if cores is None else whole("cores", cores)
    if cores < slots:
        raise ConfigurationError(
            f"slots={slots}: each slot needs a core, and a job has cores={cores}"
        )
    extra = _worker_arguments(section, options)
    _check_nanny(slots, extra, options)
    jobs = _jobs(jobs)
    lost = own["replacements"]
    return Batch(
        system,
        jobs,
        cores,
        slots,
        memory=_memory(system, section, own["memory"]),
        walltime=walltime_of(own["walltime"], system),
        queue=word("queue", own["queue"]),
        account=word("account", own["account"]),
        gpus=_gpus(system, own["gpus"], slots),
        tls=truth("tls", own["tls"]),
        replacements=16 + 4 * jobs[1] if lost is None else whole("replacements", lost, 0),
        poll=seconds("poll", own["poll"]),
        resources=_resources(system, extra, own["resources"]),
        options=options,
    )


def _jobs(value: Any) -> tuple[int, int]:
    if isinstance(value, (tuple, list)) and len(value) == 2:
        fewest, most = whole("jobs", value[0], 0), whole("jobs", value[1])
        if fewest <= most:
            return fewest, most
    elif not isinstance(value, (tuple, list)):
        return whole("jobs", value), int(value)
    raise ConfigurationError(
        f"jobs={value!r}: give a number of jobs, or the fewest and the most, such as (0, 64)"
    )


def _memory(system: str, section: str, value: Any) -> str | None:
    if value is None:
        if system != "slurm" and configured(section, "memory") is None:
            raise ConfigurationError(
                "memory=: say how much memory a job gets, such as memory='8GB' (or write it into "
                "dask's jobqueue.yaml)"
            )
        return None
    return amount("memory", value)


def _gpus(system: str, value: Any, slots: int) -> str | None:
    if value is None:
        return None
    text = str(value)
    if isinstance(value, bool) or not _GPUS.fullmatch(text):
        raise ConfigurationError(f"gpus={value!r}: give a number, or a kind too: 'a100:2'")
    if system != "slurm":
        raise ConfigurationError(
            f"gpus=: how {system} is asked for GPUs depends on the site; give resource_spec= or "
            f"job_extra_directives= as its manual says"
        )
    count = int(text.rpartition(":")[2])
    if count % slots and slots % count:
        raise ConfigurationError(
            f"gpus={value!r}: {count} GPUs cannot be divided among slots={slots}"
        )
    return text


def _worker_arguments(section: str, options: Mapping[str, Any]) -> list[str]:
    """Return what else the workers' command is told, word by word."""
    extra = options.get("worker_extra_args") or configured(section, "worker-extra-args") or ()
    return [part for argument in extra for part in str(argument).split()]


def _check_nanny(slots: int, extra: list[str], options: Mapping[str, Any]) -> None:
    """Check that several workers of a job can be started: Dask does that by nannies alone."""
    without = "nanny=False" if not options.get("nanny", True) else ""
    if "--no-nanny" in extra:
        without = "worker_extra_args=: --no-nanny"
    if without and slots > 1:
        raise ConfigurationError(
            f"{without} cannot be with slots={slots}: Dask starts several workers of a job by "
            f"nannies alone; leave it out, or give slots=1 and as many more jobs="
        )


def _resources(system: str, extra: list[str], value: Any) -> Resources:
    """Return what else a slot has."""
    if any(argument.startswith("--resources") for argument in extra):
        raise ConfigurationError(
            "worker_extra_args=: --resources is phsx's own business; give resources={...}, what "
            "each slot has"
        )
    if value is None:
        return {}
    if not isinstance(value, Mapping):
        raise ConfigurationError(f"resources={value!r}: give a mapping such as {{'licence': 1}}")
    try:
        found = amounts(value)
    except EvaluationError as error:
        raise ConfigurationError(f"resources={value!r}: {error}") from error
    for name, other in ((CORES, "cores="), (GPU, "gpus=")):
        if name in found and (name == CORES or system == "slurm"):
            raise ConfigurationError(f"resources={value!r}: give {name!r} by {other}")
    wrong = next((name for name in found if not _RESOURCE.fullmatch(name)), None)
    if wrong is not None:
        raise ConfigurationError(
            f"resources={value!r}: {wrong!r} can be no name of a resource: use letters, digits, "
            f"_ and -"
        )
    return found


def _check_options(system: str, options: Mapping[str, Any]) -> None:
    for name in options:
        if name in REFUSED:
            raise ConfigurationError(f"{name}= cannot be given: {REFUSED[name]}")
    unknown = [name for name in options if name not in _known(system)]
    if unknown:
        name = unknown[0]
        close = get_close_matches(name, {*_known(system), *OWN, "jobs"}, n=1)
        cure = f"did you mean {close[0]}=?" if close else "see dask-jobqueue's documentation"
        raise ConfigurationError(
            f"{name}= is no keyword of phsx.{system} or dask-jobqueue's {SYSTEMS[system]}; {cure}"
        )


def _known(system: str) -> set[str]:
    """Return the keywords that dask-jobqueue's class takes."""
    import inspect

    cluster = getattr(jobqueue(), SYSTEMS[system])
    classes = (*cluster.__mro__, *cluster.job_cls.__mro__)
    takes = [vars(kind).get("__init__") for kind in classes if "dask_jobqueue" in kind.__module__]
    names = {name for init in takes if init for name in inspect.signature(init).parameters}
    return names - {"self", "job_kwargs", "base_class_kwargs", "scheduler", "kwargs"}
