"""What a master is told: the search, and the limits of a run."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from phsx.master.needs import Needs
from phsx.space import Space
from phsx.strategies.plan import Plan


@dataclass(frozen=True)
class Search:
    """What is searched, and how: the part of an experiment that the master needs.

    `lag` is None, or how many trials before a trial it knows no results of, whatever the timing.
    """

    space: Space
    plan: Plan
    seed: int
    maximize: bool
    objective: str | None
    directory: Path
    lag: int | None = None

    def reached(self, value: float | None, goal: float | None) -> bool:
        """Tell whether there is a value, and a goal, and the value is at least as good."""
        if value is None or goal is None:
            return False
        return value >= goal if self.maximize else value <= goal

    def trial_directory(self, trial: int) -> Path:
        """Return where a trial's own files are."""
        return self.directory / "trials" / f"{trial:06d}"


@dataclass(frozen=True)
class Limits:
    """What a run may take.

    Attributes
    ----------
    timeout : float or None
        Seconds per evaluation.
    max_time : float or None
        Seconds for the run.
    stop_at : float or None
        The run ends when a trial is at least as good as this.
    grace : float
        Seconds that running trials are given when the run is stopped.
    max_deaths : int
        How often a trial's process or worker may die before the trial is given up.
    max_failed : float
        Share of failed trials above which the search is given up.
    memory : int or None
        Bytes that a trial and all that it starts may take.
    needs : Needs
        What an evaluation asks of its worker.
    expected : float or None
        Seconds that an evaluation takes at most, where the user has said it; it is not started on
        a worker that ends sooner.
    notice : float or None
        Seconds before its worker's end at which an evaluation is asked to save a checkpoint.
    """

    timeout: float | None = None
    max_time: float | None = None
    stop_at: float | None = None
    grace: float = 10.0
    max_deaths: int = 3
    max_failed: float = 0.5
    memory: int | None = None
    needs: Needs = field(default_factory=Needs)
    expected: float | None = None
    notice: float | None = None
