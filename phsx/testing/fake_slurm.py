"""Commands that answer as Slurm's do, from files: for what is asked of Slurm, without one."""

from __future__ import annotations

import os
import re
from pathlib import Path

SBATCH = """#!/bin/sh
cd {directory}
if [ -s refusal ]; then cat refusal >&2; exit 1; fi
number=$(cat next)
expr "$number" + 1 > next
for file; do :; done
cat "$file" > "script-$number"
env > "environment-$number"
name=$(sed -n 's/^#SBATCH -J //p' "$file")
echo "$number|PENDING|Priority|$name" >> queue
echo "Submitted batch job $number"
"""
SQUEUE = """#!/bin/sh
cd {directory}
if [ -e broken ]; then echo "squeue: error: nobody answers" >&2; exit 1; fi
case "$*" in *%L*) cat left;; *) cat queue;; esac
"""
SCANCEL = """#!/bin/sh
cd {directory}
echo "$@" >> cancelled
for number; do sed -i "/^$number|/d" queue; done
"""


class FakeSlurm:
    """``sbatch``, ``squeue`` and ``scancel`` in a directory, which is to come first in PATH.

    Jobs stay as they are submitted: nothing is run.

    Parameters
    ----------
    directory : Path

    Attributes
    ----------
    next, left : Path
        The number of the next job, and what is said of the time that a job has left.
    """

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.next, self.left, self._queue = (directory / n for n in ("next", "left", "queue"))
        self.next.write_text("1\n")
        self.left.write_text("INVALID\n")
        self._queue.write_text("")
        for name, text in (("sbatch", SBATCH), ("squeue", SQUEUE), ("scancel", SCANCEL)):
            path = directory / name
            path.write_text(text.format(directory=directory))
            path.chmod(0o755)

    @property
    def path(self) -> str:
        """A PATH in which these commands come first."""
        return os.pathsep.join([str(self.directory), os.environ.get("PATH", "")])

    def queued(self) -> list[str]:
        """Return the numbers of the jobs that are there."""
        return [line.partition("|")[0] for line in self._queue.read_text().splitlines()]

    def script(self, number: str) -> str:
        """Return the script of a job."""
        return (self.directory / f"script-{number}").read_text()

    def environment(self, number: str) -> str:
        """Return in what environment a job was submitted."""
        return (self.directory / f"environment-{number}").read_text()

    def becomes(self, number: str, state: str, reason: str = "None") -> None:
        """Let a job have a state."""
        text = self._queue.read_text()
        self._queue.write_text(
            re.sub(rf"^{number}\|\w+\|[^|]*", f"{number}|{state}|{reason}", text, flags=re.M)
        )

    def refuse(self, words: str) -> None:
        """Refuse what is submitted from now on."""
        (self.directory / "refusal").write_text(f"sbatch: error: {words}\n")

    def fail(self) -> None:
        """Let nobody look at the queue."""
        (self.directory / "broken").touch()
