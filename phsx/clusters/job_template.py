"""A job of a queue system, as dask-jobqueue writes it: its keywords, and the script."""

from __future__ import annotations

import logging
import os
import re
import shlex
import sys
import sysconfig
import warnings
from pathlib import Path
from typing import Any

from phsx.clusters.batch import SYSTEMS, Batch, configured
from phsx.clusters.jobqueue import jobqueue
from phsx.execution.devices import SLOTS
from phsx.execution.remaining import STARTED, WALLTIME

logger = logging.getLogger(__name__)

#: What dask-jobqueue is told where nobody says how much memory a job gets: it wants to know.
SOME_MEMORY = "1GB"
#: Keywords that concern the scheduler alone.
CLUSTER_ONLY = frozenset({"scheduler_options", "shared_temp_directory", "silence_logs"})


class JobTemplate:
    """What all jobs of a run have in common.

    Parameters
    ----------
    batch : Batch
    name : str
        Of the jobs, in the queue.
    logs : Path or None
        Where each job writes what it has to say.
    tls : mapping
        Files with the credentials of a worker: ``ca_file``, ``cert``, ``key``. Empty for a
        cluster in plain text.
    """

    def __init__(
        self, batch: Batch, name: str, logs: Path | None = None, tls: dict[str, str] | None = None
    ) -> None:
        self._batch = batch
        self._tls = tls or {}
        self.cluster_class: Any = getattr(jobqueue(), SYSTEMS[batch.system])
        self.job_class: Any = self.cluster_class.job_cls
        self.name = str(batch.options.get("job_name") or name)
        given = {key: value for key, value in batch.options.items() if key not in CLUSTER_ONLY}
        self._own_logs = self._places_logs(logs)
        self.logs = logs
        self.keywords: dict[str, Any] = given | self._resources() | self._worker()

    def _configured(self, key: str, default: Any) -> Any:
        return configured(self._batch.section, key) or default

    def _said(self, key: str) -> Any:
        """Return what the user has given, or configured."""
        given = self._batch.options.get(key)
        return given if given is not None else self._configured(key.replace("_", "-"), None)

    def _listed(self, key: str) -> list[Any]:
        """Return a list that the user may have given, or configured."""
        return list(self._said(key) or [])

    def _places_logs(self, logs: Path | None) -> bool:
        return logs is not None and not self._said("log_directory")

    def _resources(self) -> dict[str, Any]:
        """Return what the job asks the queue system for."""
        batch, system = self._batch, self._batch.system
        memory = batch.memory or self._configured("memory", None)
        keywords: dict[str, Any] = {
            # One worker process per slot, each with one thread.
            "cores": batch.slots,
            "processes": batch.slots,
            "memory": memory or SOME_MEMORY,
            "job_name": self.name,
        }
        if self._own_logs and system != "slurm" and not re.search(r"\s", str(self.logs)):
            keywords["log_directory"] = str(self.logs)
        if system != "htcondor":
            keywords |= {"queue": batch.queue, "walltime": batch.walltime}
            keywords["account" if system in {"slurm", "pbs"} else "project"] = batch.account
        match system:
            case "slurm":
                keywords["job_cpu"] = batch.cores
                keywords["job_extra_directives"] = self._directives()
                if memory is None and not self._said("job_mem"):  # what the partition gives
                    keywords["job_directives_skip"] = [
                        *self._listed("job_directives_skip"),
                        "--mem=",
                    ]
            case "lsf":
                keywords["ncpus"] = batch.cores
            case "htcondor":
                extra = dict(batch.options.get("job_extra_directives") or {})
                keywords["job_extra_directives"] = {"RequestCpus": batch.cores, **extra}
            case "pbs" if "resource_spec" not in batch.options:
                spec = self._configured("resource-spec", None)
                size = -(-memory_in_bytes(memory) // 2**20)
                keywords["resource_spec"] = spec or f"select=1:ncpus={batch.cores}:mem={size}MB"
            case "oar":
                spec = self._configured("resource-spec", f"/nodes=1/core={batch.cores}")
                keywords.setdefault("resource_spec", batch.options.get("resource_spec", spec))
                known = self._configured("memory-per-core-property-name", "not_applicable")
                keywords["memory_per_core_property_name"] = batch.options.get(
                    "memory_per_core_property_name", known
                )
        return keywords

    def _directives(self) -> list[str]:
        directives = self._listed("job_extra_directives")
        if self._batch.gpus is not None:
            directives.insert(0, f"--gres=gpu:{self._batch.gpus}")
        if self._own_logs and self.logs is not None:
            directives.append(f'-o "{self.logs}/{self.name}-%j.txt"')
        return directives

    def log(self, job: str) -> Path | None:
        """Return the file that a job writes, where phsx has said which."""
        if self.logs is None or not self._own_logs or self._batch.system != "slurm":
            return None
        return self.logs / f"{self.name}-{job}.txt"

    def _worker(self) -> dict[str, Any]:
        """Return how the worker is started."""
        extra = self._listed("worker_extra_args")
        # What takes memory is the target, in a process of its own.
        extra += ["--memory-limit", "0"]
        extra += ["--resources", ",".join(f"{n}={a:g}" for n, a in self._batch.offer.items())]
        extra += ["--no-dashboard", "--dashboard-address", "127.0.0.1:0"]
        for key, path in self._tls.items():
            extra += [f"--tls-{key.replace('_', '-')}", shlex.quote(path)]
        keywords: dict[str, Any] = {
            "worker_extra_args": extra,
            "job_script_prologue": [*self._prologue(), *self._listed("job_script_prologue")],
            "protocol": "tls://" if self._tls else None,
        }
        if not self._said("python"):
            keywords["python"] = shlex.quote(sys.executable)
        return keywords

    def _prologue(self) -> list[str]:
        lines = ["export OMP_NUM_THREADS=1"]
        seconds = self._batch.walltime_seconds
        if seconds is not None:
            lines.append(f"export {STARTED}=$(date +%s) {WALLTIME}={seconds:g}")
        if self._batch.slots > 1:
            lines.append(f"export {SLOTS}={self._batch.slots}")
        path = python_path()
        if path is not None:
            lines.append(f"export PYTHONPATH={shlex.quote(path)}${{PYTHONPATH:+:$PYTHONPATH}}")
        return lines

    def job(self, scheduler: str, name: str) -> Any:
        """Return a job of dask-jobqueue, which is not submitted yet.

        Parameters
        ----------
        scheduler : str
            Its address.
        name : str
            Of the job's worker; with several slots, ``-0``, ``-1``, ... are added.
        """
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", FutureWarning)  # old words in somebody's jobqueue.yaml
            return self.job_class(scheduler, name=name, **self.keywords)

    def script(self, scheduler: str = "tls://<scheduler>") -> str:
        """Return the script of a job."""
        return str(self.job(scheduler, f"{self.name}-0").job_script())

    @property
    def scheduler_options(self) -> dict[str, Any]:
        """What the scheduler is started with: on the workers' network."""
        options = dict(self._configured("scheduler-options", {}))
        options |= dict(self._batch.options.get("scheduler_options") or {})
        interface = self._batch.options.get("interface") or self._configured("interface", None)
        if interface is not None and "host" not in options:
            options.setdefault("interface", interface)
        return options


def job_name(directory: Path, kind: int = 0) -> str:
    """Return what the jobs of an experiment are called; those of a second kind end in ``.2``."""
    name = "phsx-" + re.sub(r"[^A-Za-z0-9_.]+", "_", directory.name)[:40]
    return f"{name}.{kind + 1}" if kind else name


def memory_in_bytes(memory: Any) -> int:
    """Return an amount of memory such as "2GB" in bytes."""
    from dask.utils import parse_bytes

    return int(parse_bytes(memory))


def python_path() -> str | None:
    """Return where workers find the phsx that runs here; None where it is installed."""
    here = Path(__file__).resolve().parents[2]
    installed = {Path(sysconfig.get_path(kind)).resolve() for kind in ("purelib", "platlib")}
    return None if here in installed else os.fspath(here)
