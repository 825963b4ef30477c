"""The small batch job of a master that is submitted itself: what is wanted, and the script."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from phsx.clusters.checks import amount, lines, whole, word
from phsx.clusters.job_template import memory_in_bytes, python_path
from phsx.clusters.walltime import seconds_of, walltime_of
from phsx.exceptions import ConfigurationError
from phsx.execution.remaining import STARTED, WALLTIME

#: What the table [master] of a search's file may say, and `phsx submit`.
KEYS = (
    "walltime",
    "memory",
    "cores",
    "queue",
    "account",
    "python",
    "job_extra_directives",
    "job_script_prologue",
)
#: Memory of a master whose trials run elsewhere.
MEMORY = "2GB"


@dataclass(frozen=True)
class MasterJob:
    """What the master's own job is to get of Slurm.

    Attributes
    ----------
    walltime, memory : str or None
        None: what the partition gives by itself.
    cores : int
    queue, account : str or None
    python : str or None
        The interpreter; by default the one that runs now.
    directives, prologue : tuple of str
        More for ``sbatch``, and commands before the master starts.
    """

    walltime: str | None = None
    memory: str | None = MEMORY
    cores: int = 1
    queue: str | None = None
    account: str | None = None
    python: str | None = None
    directives: tuple[str, ...] = ()
    prologue: tuple[str, ...] = ()

    @classmethod
    def of(cls, table: Mapping[str, Any]) -> MasterJob:
        """Check what was given, by the names of `KEYS`; None is nothing.

        Raises
        ------
        ConfigurationError
            Something is wrong.
        """
        given = {name: value for name, value in table.items() if value is not None}
        for name in given:
            if name not in KEYS:
                close = get_close_matches(name, KEYS, n=1)
                cure = f"did you mean {close[0]}?" if close else f"known are {', '.join(KEYS)}"
                raise ConfigurationError(f"{name!r} is nothing that a master's job has; {cure}")
        memory = given.get("memory")
        return cls(
            walltime=walltime_of(given.get("walltime")),
            memory=None if memory is None else amount("memory", memory),
            cores=whole("cores", given.get("cores", 1)),
            queue=word("queue", given.get("queue")),
            account=word("account", given.get("account")),
            python=word("python", given.get("python")),
            directives=lines("job_extra_directives", given.get("job_extra_directives")),
            prologue=lines("job_script_prologue", given.get("job_script_prologue")),
        )

    def script(
        self, name: str, log: Path, arguments: Sequence[str], after: str | None = None
    ) -> Script:
        """Return the job's script.

        Parameters
        ----------
        name : str
            Of the job, in the queue.
        log : Path
            Where it writes; ``%j`` in its name is the job's id.
        arguments : sequence of str
            What Python is to run.
        after : str, optional
            The id of a job that has to have ended before.
        """
        python = self.python or sys.executable
        text = ["#!/usr/bin/env bash", *(f"#SBATCH {line}" for line in self._header(name, log))]
        if after is not None:
            text.append(f"#SBATCH --dependency=afterany:{after}")
        text += [f"#SBATCH {line}" for line in self.directives]
        seconds = None if self.walltime is None else seconds_of(self.walltime)
        if seconds is not None:
            text.append(f"export {STARTED}=$(date +%s) {WALLTIME}={seconds:g}")
        path = python_path()
        if path is not None:
            text.append(f"export PYTHONPATH={shlex.quote(path)}${{PYTHONPATH:+:$PYTHONPATH}}")
        # In place of the shell, so that it gets the signals that the job is sent.
        text += [*self.prologue, f"exec {shlex.join([python, *arguments])}"]
        return Script("\n".join(text) + "\n")

    def _header(self, name: str, log: Path) -> list[str]:
        directory = str(log.parent).replace("%", "%%")
        # Slurm puts it back into the queue by itself where its node fails.
        header = [f"-J {name}", f'-o "{directory}/{log.name}"', "--open-mode=append", "--requeue"]
        header += ["-n 1", f"--cpus-per-task={self.cores}"]
        if self.memory is not None:
            header.append(f"--mem={-(-memory_in_bytes(self.memory) // 2**20)}M")
        for option, value in (("-t", self.walltime), ("-p", self.queue), ("-A", self.account)):
            if value is not None:
                header.append(f"{option} {value}")
        return header


@dataclass(frozen=True)
class Script:
    """A job as `SlurmQueue.submit` takes it."""

    text: str
    submit_command: str = "sbatch"

    def job_script(self) -> str:
        """Return the script."""
        return self.text
