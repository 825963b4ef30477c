"""What is asked of a queue system's commands: submit, look, cancel."""

from __future__ import annotations

import asyncio
import logging
import os
import re
import shlex
import subprocess
import tempfile
import time
from abc import ABC, abstractmethod
from collections.abc import Iterable
from pathlib import Path
from typing import Any, NamedTuple

from phsx.clusters.own_job import outside
from phsx.clusters.walltime import seconds_of
from phsx.exceptions import ClusterError

logger = logging.getLogger(__name__)

#: Seconds that a command may take. `sbatch` goes on for a minute where it finds no configuration.
PATIENCE = 45.0


class Entry(NamedTuple):
    """A job, as the queue shows it."""

    state: str
    reason: str = ""
    name: str = ""

    def __str__(self) -> str:
        return self.state if self.reason in ("", "None") else f"{self.state} ({self.reason})"


#: States of Slurm in which a job has ended, or is about to, whatever its workers say.
ENDED = frozenset(
    {
        "BOOT_FAIL",
        "CANCELLED",
        "COMPLETED",
        "COMPLETING",
        "DEADLINE",
        "FAILED",
        "NODE_FAIL",
        "OUT_OF_MEMORY",
        "PREEMPTED",
        "TIMEOUT",
    }
)
#: Those that no trial is to blame for.
ENDED_FROM_OUTSIDE = frozenset(
    {"BOOT_FAIL", "CANCELLED", "DEADLINE", "NODE_FAIL", "PREEMPTED", "TIMEOUT"}
)
RUNNING, PENDING, COMPLETING = "RUNNING", "PENDING", "COMPLETING"


class Look(NamedTuple):
    """What the queue showed.

    Attributes
    ----------
    asked : float
        When; a job that was submitted later may not be there.
    entries : dict
        Jobs by id.
    """

    asked: float
    entries: dict[str, Entry]

    def there(self, number: str) -> bool:
        """Tell whether a job is still in the queue, or is only just leaving it."""
        entry = self.entries.get(number)
        return entry is not None and (entry.state not in ENDED or entry.state == COMPLETING)

    def ended_from_outside(self, number: str) -> bool | None:
        """Tell whether a job was ended by somebody or something else; None while it is leaving."""
        entry = self.entries.get(number)
        if entry is None:
            return False
        return None if entry.state == COMPLETING else entry.state in ENDED_FROM_OUTSIDE


class Queue(ABC):
    """The commands of a queue system. All of them may block, for `PATIENCE` seconds at most."""

    @abstractmethod
    def submit(self, job: Any) -> str:
        """Submit a job of dask-jobqueue; return its id.

        Raises
        ------
        ClusterError
            It was refused, with the system's own words.
        """

    def test(self, job: Any) -> None:  # noqa: B027  (not every system can tell)
        """Have a job checked that is not submitted yet.

        Raises
        ------
        ClusterError
            It would be refused, with the system's own words.
        """

    @abstractmethod
    def look(self, now: float) -> Look | None:
        """Look at our jobs; None where that is not possible."""

    @abstractmethod
    def cancel(self, ids: Iterable[str]) -> None:
        """Cancel jobs; those that have ended already are no error."""


class SlurmQueue(Queue):
    """Slurm: ``sbatch``, ``squeue``, ``scancel``."""

    def submit(self, job: Any) -> str:
        """Submit by ``sbatch``, which is ended where it takes too long."""
        said = self._sbatch(job)
        match = re.search(r"Submitted batch job (\d+)", said)
        if match is None:
            raise ClusterError(f"sbatch said something that is not understood: {said!r}")
        return match[1]

    def test(self, job: Any) -> None:
        """Ask ``sbatch`` whether it would take a job."""
        self._sbatch(job, "--test-only")

    def _sbatch(self, job: Any, *options: str) -> str:
        with tempfile.NamedTemporaryFile("w", suffix=".sh", encoding="utf-8") as file:
            file.write(job.job_script())
            file.flush()
            command = [*shlex.split(job.submit_command), *options, file.name]
            return _call(command, outside(os.environ)).stdout

    def look(self, now: float) -> Look | None:
        """Look by ``squeue``, whose exit code tells an empty queue from a failure."""
        try:
            # Those that have ended too, which Slurm knows for some minutes: their state tells why.
            form = ["-h", "-t", "all", "-o", "%i|%T|%r|%j"]
            done = _call(["squeue", "-u", str(os.getuid()), *form])
        except ClusterError as error:
            logger.warning("the queue cannot be looked at: %s", error)
            return None
        fields = (line.split("|", 3) for line in done.stdout.splitlines())
        return Look(now, {f[0].strip(): Entry(f[1], f[2], f[3]) for f in fields if len(f) == 4})

    def left(self, number: str) -> float | None:
        """Return how many seconds a job has left; None where nobody knows, or it has no end."""
        try:
            return seconds_of(_call(["squeue", "-h", "-j", number, "-o", "%L"]).stdout)
        except ClusterError as error:
            logger.warning("nobody says when job %s ends: %s", number, error)
            return None

    def cancel(self, ids: Iterable[str]) -> None:
        """Cancel by ``scancel``."""
        ids = list(ids)
        for first in range(0, len(ids), 100):
            try:
                _call(["scancel", "--quiet", *ids[first : first + 100]])
            except ClusterError as error:
                logger.warning("jobs could not be cancelled: %s", error)


class OtherQueue(Queue):
    """Any system that dask-jobqueue knows, by its commands; the queue is not looked at.

    Parameters
    ----------
    cancel_command : str
    loop : asyncio.AbstractEventLoop
        On which dask-jobqueue submits.
    """

    def __init__(self, cancel_command: str, loop: asyncio.AbstractEventLoop) -> None:
        self._cancel_command = cancel_command
        self._loop = loop

    def submit(self, job: Any) -> str:
        """Submit as dask-jobqueue does."""

        async def start() -> None:
            await job

        try:
            asyncio.run_coroutine_threadsafe(start(), self._loop).result(PATIENCE)
        except FileNotFoundError as error:
            raise _no_command(shlex.split(job.submit_command)[0]) from error
        except (OSError, RuntimeError, ValueError, TimeoutError) as error:
            raise ClusterError(f"{job.submit_command}: {error}") from error
        return str(job.job_id)

    def look(self, now: float) -> Look | None:
        """Look at nothing."""
        return None

    def cancel(self, ids: Iterable[str]) -> None:
        """Cancel one after the other."""
        for number in ids:
            try:
                _call([*shlex.split(self._cancel_command), number])
            except ClusterError as error:
                logger.info("job %s could not be cancelled: %s", number, error)


def _no_command(name: str) -> ClusterError:
    return ClusterError(
        f"there is no command {name} here; run on a login node of the cluster, or load the module "
        f"that has it"
    )


def _call(
    command: list[str], environment: dict[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    """Run a command, and raise what it said where it failed."""
    began = time.monotonic()
    try:
        done = subprocess.run(
            command,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=PATIENCE,
            env=environment,
            start_new_session=True,  # Ctrl-C is the master's business
        )
    except FileNotFoundError as error:
        raise _no_command(command[0]) from error
    except subprocess.TimeoutExpired as error:
        said = error.stderr.decode(errors="replace") if error.stderr else ""
        raise ClusterError(
            f"{command[0]} did not answer in {time.monotonic() - began:.0f} s\n{said}".rstrip()
        ) from error
    if done.returncode != 0:
        said = (done.stderr.strip() or done.stdout.strip()).replace("\n", "\n  ")
        raise ClusterError(f"{command[0]} failed with exit code {done.returncode}:\n  {said}")
    return done


def tail(path: Path | None, lines: int = 12) -> str:
    """Return the end of a job's log, indented; nothing where there is none."""
    if path is None:
        return ""
    try:
        text = path.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
    return "\n".join(f"  {line}" for line in text[-4000:].splitlines()[-lines:])
