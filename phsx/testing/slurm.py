"""What tests on a real Slurm ask of it: jobs for a search, the queue, and that nothing is left."""

from __future__ import annotations

import getpass
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import phsx
from phsx.clusters.batch import Batch

#: For a small Slurm on one host.
SMALL: dict[str, Any] = {
    "jobs": 4,
    "memory": "500MB",
    "walltime": "00:10:00",
    "interface": "lo",
    "poll": 1.0,
}


def jobs(**options: Any) -> Batch:
    """Return jobs of Slurm for `run(cluster=)`, small ones where `options` do not say otherwise.

    Examples
    --------
    >>> jobs(cores=2).jobs
    (4, 4)
    """
    return phsx.slurm(**(SMALL | options))


def call(*command: str) -> str:
    """Run a command, and return what it says, even if it fails: perhaps it came too late."""
    return subprocess.run(command, capture_output=True, text=True, timeout=60).stdout


def queued(states: str = "", columns: str = "%i") -> list[str]:
    """Return the jobs of this user that are in the queue, by default their numbers.

    Parameters
    ----------
    states : str
        Slurm's words for those that are wanted, such as ``"R"``; all where empty.
    columns : str
        What is told of each job, in Slurm's format.

    Raises
    ------
    subprocess.CalledProcessError
        The queue cannot be seen: that is not the same as an empty one.
    """
    command = ["squeue", "-h", "-u", getpass.getuser(), "-o", columns]
    command += ["-t", states] if states else []
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)
    return done.stdout.splitlines()


def check_nothing_left(directory: Path) -> None:
    """Fail if there are jobs in the queue, or credentials in an experiment's directory."""
    left = queued(columns="%i %j %T")
    assert not left, f"in the queue: {left}"
    assert not (directory / "cluster").exists(), "credentials are left"


def life(seconds: float) -> int:
    """Return how many seconds a job is to live that does something for `seconds`, once it can.

    Its start takes interpreters, one after the other: longer where others compute. But not for ever
    longer: a test of what happens at a job's end takes two or three lives.
    """
    began = time.monotonic()
    for _ in range(2):
        subprocess.run([sys.executable, "-c", "import distributed, phsx"], check=True)
    return round(seconds + min(4 * (time.monotonic() - began), 20.0))
