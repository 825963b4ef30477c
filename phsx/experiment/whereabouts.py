"""Where the master of an experiment is: which process, on which host, in which job, or none."""

from __future__ import annotations

import shutil
import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from phsx.clusters.credentials import ClusterDirectory
from phsx.clusters.queue import PENDING, Entry, SlurmQueue
from phsx.experiment.submission import Submission
from phsx.journal import Owner, Vigil


@dataclass(frozen=True)
class Whereabouts:
    """Who runs an experiment, or is about to.

    Attributes
    ----------
    holder : Owner or None
        Who has the lease, alive or not.
    lives : bool
        Whether that one lives.
    submission : Submission or None
        What was submitted last.
    entry : Entry or None
        Its job, as long as it is in the queue.
    workers : mapping
        How many jobs of its workers are in Slurm's queue, by what that says of them.
    """

    holder: Owner | None
    lives: bool
    submission: Submission | None
    entry: Entry | None
    workers: Mapping[str, int] = field(default_factory=dict)

    @classmethod
    def of(cls, directory: Path) -> Whereabouts:
        """Find out, which takes some seconds where the master is on another host, or was there."""
        while True:
            vigil = Vigil(directory)
            if vigil.wait() is not None:
                break
        submission = Submission.load(directory)
        entry = None if submission is None else submission.entry()
        lives = vigil.alive is True
        return cls(vigil.owner, lives, submission, entry, _workers(directory) if lives else {})

    @property
    def owner(self) -> Owner | None:
        """Who runs it."""
        return self.holder if self.lives else None

    @property
    def waits(self) -> bool:
        """Whether a job that will run it is in the queue, and has not begun."""
        return self.entry is not None and self.entry.state == PENDING

    @property
    def job(self) -> str | None:
        """What is to be said of the job in the queue."""
        if self.entry is None or self.submission is None:
            return None
        return f"job {self.submission.job} is {self.entry}"

    def lines(self) -> list[str]:
        """Return some lines that say it all."""
        if self.lives:
            found = [f"running in {self.holder}"]
            if self.workers:
                said = ", ".join(f"{count} {entry}" for entry, count in self.workers.items())
                found.append(f"jobs of its workers: {said}")
            return [*found, f"{self.job}, and goes on then"] if self.waits else found
        if self.entry is not None:
            verb = "is waiting for its turn" if self.waits else "has begun, or is just ending"
            return [f"nobody runs it yet: {self.job}, and {verb}"]
        found = ["nobody runs it now"]
        if self.holder is not None:
            found = [f"nobody runs it now: {self.holder} has ended without a word"]
        output = None if self.submission is None else self.submission.output
        if output is not None:
            begun = f"; what was said is in {output}" if output.exists() else ", and did not begin"
            found.append(f"it was submitted{begun}")
        return found

    def to_dict(self) -> dict[str, Any]:
        """Return it as JSON values."""
        entry = None
        if self.entry is not None and self.submission is not None:
            entry = {"id": self.submission.job, **self.entry._asdict()}
        return {
            "running": self.lives,
            "owner": None if self.holder is None else self.holder.to_dict(),
            "job": entry,
            "workers": dict(self.workers),
        }


def _workers(directory: Path) -> dict[str, int]:
    """Return how many jobs of workers are in the queue, by what Slurm says of them."""
    jobs = ClusterDirectory(directory).stale_jobs()  # of a run that lives, those that there are
    if not jobs or shutil.which("squeue") is None:
        return {}
    look = SlurmQueue().look(time.monotonic())
    if look is None:
        return {}
    there = [(look.entries[number], name) for number, name in jobs.items() if look.there(number)]
    return dict(Counter(str(entry) for entry, name in there if entry.name == name).most_common())
