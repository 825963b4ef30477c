"""A search whose master runs by itself: as a batch job of Slurm, or in the background of a host."""

from __future__ import annotations

import json
import os
import re
import secrets
import socket
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from phsx.clusters.connect import pools_of
from phsx.clusters.job_template import job_name, python_path
from phsx.clusters.master_job import MEMORY, MasterJob, Script
from phsx.clusters.queue import Entry, SlurmQueue, tail
from phsx.exceptions import (
    ClusterError,
    ConfigurationError,
    DirectoryError,
    ExperimentError,
    LeaseError,
)
from phsx.experiment.experiment import Experiment, open_experiment
from phsx.experiment.order import POOL, Order
from phsx.journal import Vigil, holder
from phsx.journal.files import publish, read_small
from phsx.journal.owner import process_lives

FILE = "submission.json"
MAX_LENGTH = 2**20
#: Starts a process that is nobody's child, in a session of its own, and says its number.
LAUNCH = """
import subprocess, sys
with open(sys.argv[1], "ab") as log:
    process = subprocess.Popen(
        sys.argv[2:],
        stdin=subprocess.DEVNULL,
        stdout=log,
        stderr=subprocess.STDOUT,
        start_new_session=True,
    )
print(process.pid)
"""
#: Seconds that a master in the background may take to begin.
BEGINNING = 120.0


@dataclass(frozen=True)
class Submission:
    """What was submitted, and where to.

    Attributes
    ----------
    directory : Path
        The experiment's.
    order : Order
        What is to be run.
    master : mapping
        What was said of the master's job.
    here : bool
        Whether it runs in the background of a host, and not as a job.
    host : str
        From where it was submitted.
    since : float
        When, in seconds since 1970.
    job : str or None
        The job's id; after a walltime that of the job which goes on.
    log : str or None
        Where the master writes, below the directory.
    """

    directory: Path
    order: Order
    master: Mapping[str, Any] = field(default_factory=dict)
    here: bool = False
    host: str = field(default_factory=socket.gethostname)
    since: float = field(default_factory=time.time)
    job: str | None = None
    log: str | None = None

    # ------------------------------------------------------------ kept in the directory

    def save(self) -> None:
        """Write it down.

        Raises
        ------
        DirectoryError
            The directory cannot be written.
        """
        path = self.directory / FILE
        content = {name: getattr(self, name) for name in ("here", "host", "since", "job", "log")}
        content |= {"order": self.order.to_dict(), "master": dict(self.master)}
        try:
            data = json.dumps(content, indent=2).encode()
        except TypeError as error:
            raise ConfigurationError(f"an option cannot be kept in a file: {error}") from error
        try:
            os.close(publish(path, data, secrets.token_hex(8), replace=True))
        except OSError as error:
            raise DirectoryError(
                f"{path} cannot be written ({error.strerror or error}); make the directory writable"
            ) from error

    @classmethod
    def load(cls, directory: Path) -> Submission | None:
        """Read what was submitted last; None where nothing was, or it cannot be understood."""
        try:
            content = json.loads(read_small(directory / FILE, MAX_LENGTH))
            job, log = content["job"], content["log"]
            return cls(
                directory,
                Order.from_dict(content["order"]),
                dict(content["master"]),
                bool(content["here"]),
                str(content["host"]),
                float(content["since"]),
                None if job is None else str(job),
                None if log is None else _log(log),
            )
        except (OSError, ValueError, TypeError, KeyError, RecursionError):
            return None

    # ------------------------------------------------------------ where it is

    @property
    def name(self) -> str:
        """What the master's jobs are called."""
        return f"{job_name(self.directory)}-master"

    @property
    def output(self) -> Path | None:
        """Where the master writes."""
        return None if self.log is None else self.directory / self.log

    def entry(self) -> Entry | None:
        """Return the job as the queue shows it; None where it is not there, or cannot be asked."""
        if self.job is None or not self.job.isdigit():
            return None
        look = SlurmQueue().look(time.monotonic())
        if look is None or not look.there(self.job):
            return None
        entry = look.entries[self.job]
        return entry if entry.name == self.name else None

    def cancel(self) -> bool:
        """Take the job out of the queue; tell whether it was there."""
        if self.job is None or self.entry() is None:
            return False
        SlurmQueue().cancel([self.job])
        return True

    def said(self, lines: int = 3) -> str:
        """Return the end of what the master has written, indented."""
        return tail(self.output, lines)

    # ------------------------------------------------------------ begin

    def script(self, after: str | None = None) -> Script:
        """Return the script of the master's job."""
        log = self.directory / "logs" / "master-%j.txt"
        return MasterJob.of(self.master).script(self.name, log, self._command, after)

    @property
    def _command(self) -> list[str]:
        return ["-m", "phsx", "master", str(self.directory)]

    def queue(self, after: str | None = None) -> Submission:
        """Submit the job, which begins when another one has ended; return this with its id.

        Raises
        ------
        ClusterError
            It is refused, in Slurm's words.
        """
        job = SlurmQueue().submit(self.script(after))
        now = replace(self, job=job, since=time.time(), log=f"logs/master-{job}.txt")
        now.save()
        return now

    def start(self) -> Submission:
        """Start the master in the background of this host, and wait until it has begun.

        Raises
        ------
        ClusterError
            It has ended before, with what it has said.
        """
        now = replace(self, since=time.time(), log=f"logs/master-{socket.gethostname()}.txt")
        now.save()
        done = subprocess.run(
            [sys.executable, "-c", LAUNCH, str(now.output), sys.executable, *self._command],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            env=_environment(),
            check=True,
        )
        pid, deadline = int(done.stdout), time.monotonic() + BEGINNING
        while time.monotonic() < deadline:
            lives, owner = process_lives(pid), holder(self.directory)
            if owner is not None and owner.pid == pid:
                return now
            if not lives:
                if _is_complete(open_experiment(self.directory)):
                    return now
                raise ClusterError(f"the master has ended at once; it said\n{now.said(12)}")
            time.sleep(0.1)
        return now


def submit(
    what: str | os.PathLike[str],
    *,
    here: bool = False,
    master: Mapping[str, Any] | None = None,
    **options: Any,
) -> Submission:
    """Let a search be run by a batch job of its own, or in the background of this host.

    Everything is checked before, and the experiment is made. Where a master's walltime ends while
    trials are left, it submits itself again. A directory goes on as it was submitted before,
    unless something else is said.

    Parameters
    ----------
    what : str or Path
        A search's file, or the directory of an experiment.
    here : bool
        Not as a job, but as a process of this host, in a session of its own.
    master : mapping, optional
        Of the job: ``walltime``, ``memory``, ``cores``, ``queue``, ``account``, ``python``,
        ``job_extra_directives``, ``job_script_prologue``.
    **options
        Of `Experiment.run`, as far as they can be kept in a file; and ``slurm``, what the workers'
        jobs are, as `phsx.slurm` takes it: a mapping, or text such as ``"jobs=8,memory=8GB"``; or
        a list of them, for several kinds of jobs.

    Returns
    -------
    Submission
        With the `job`'s id.

    Raises
    ------
    DefinitionError
        Something given is wrong.
    LeaseError
        Somebody runs the experiment, or is about to.
    ClusterError
        The job is refused, or the process does not begin.
    """
    submission = plan_submission(what, here=here, master=master, **options)
    experiment = submission.order.make()
    _refuse_second(experiment)
    if _is_complete(experiment):
        raise ExperimentError(
            f"all {len(experiment.state.finished)} trials of {experiment.name} have ended; "
            f"`phsx add {experiment.directory} 20` gives it more"
        )
    (experiment.directory / "logs").mkdir(exist_ok=True)
    submission.save()
    return submission.start() if here else submission.queue()


def plan_submission(
    what: str | os.PathLike[str],
    *,
    here: bool = False,
    master: Mapping[str, Any] | None = None,
    **options: Any,
) -> Submission:
    """Return what `submit` would submit; nothing is made or started."""
    order, table = _ordered(Path(what), options, dict(master or {}))
    settings = order.settings()
    if not here:
        table, order = _job(table, settings, order)
        MasterJob.of(table)
    return Submission(order.directory, order, table, here)


def _ordered(
    what: Path, options: Mapping[str, Any], master: dict[str, Any]
) -> tuple[Order, dict[str, Any]]:
    """Return the order, and what is said of the master's job; a directory goes on as before."""
    order = Order.of(what, options)
    given = {name: value for name, value in master.items() if value is not None}
    if order.search is not None:
        return order, order.search.master | given
    earlier = Submission.load(order.what)
    if earlier is None:
        return order, given
    kept = dict(earlier.order.options)
    if any(name in order.options for name in POOL):
        kept = {name: value for name, value in kept.items() if name not in POOL}
    return replace(earlier.order, options=kept | dict(order.options)), dict(earlier.master) | given


def _job(
    table: dict[str, Any], settings: Mapping[str, Any], order: Order
) -> tuple[dict[str, Any], Order]:
    """Fill in what follows from where the trials run: elsewhere, or in the master's own job."""
    workers, cluster = settings.get("workers"), settings.get("cluster")
    if cluster is not None and cluster != "inline":
        account = next((batch.account for batch in pools_of(cluster)), None)
        return {"memory": MEMORY, "account": account} | table, order
    if cluster == "inline":
        return table, order
    cores = table.get("cores", workers)
    if cores is None:
        raise ConfigurationError(
            "submit: the trials would run in the master's own job. Say how many at once, by "
            "--workers; or where else they are to run, as by --slurm jobs=8,memory=8GB"
        )
    if workers is None:
        order = replace(order, options={**order.options, "workers": cores})
    return {"cores": cores} | table, order


def _refuse_second(experiment: Experiment) -> None:
    """Refuse to submit what runs, or is about to."""
    directory = experiment.directory
    vigil = Vigil(directory)
    if vigil.wait() is not False:
        raise LeaseError(
            f"{experiment.name} is being run already, by {vigil.owner}; `phsx attach {directory}` "
            f"follows it, `phsx add` gives it more trials, and `phsx stop` ends it"
        )
    earlier = Submission.load(directory)
    entry = None if earlier is None else earlier.entry()
    if earlier is not None and entry is not None:
        raise LeaseError(
            f"{experiment.name} is in the queue already: job {earlier.job} is {entry}; "
            f"`phsx stop {directory}` cancels it"
        )


def _is_complete(experiment: Experiment) -> bool:
    return experiment.state.complete(experiment.plan.sizes(experiment.space))


def _log(name: Any) -> str:
    """Return the name of a log; ValueError where it may be elsewhere."""
    if not isinstance(name, str) or not re.fullmatch(r"logs/master-[\w.-]+\.txt", name):
        raise ValueError(name)
    return name


def _environment() -> dict[str, str]:
    """Return the environment of a master that is to find the phsx that runs here."""
    path = python_path()
    if path is None:
        return dict(os.environ)
    both = os.pathsep.join(filter(None, [path, os.environ.get("PYTHONPATH")]))
    return os.environ | {"PYTHONPATH": both}
