"""A search whose table can be foretold: the trials of a seed, on a paraboloid."""

from __future__ import annotations

import csv
import time
from pathlib import Path
from typing import Any

import phsx
from phsx.experiment.experiment import Experiment
from phsx.state import SearchState
from phsx.testing.faults.exact import check_exact

SPACE = {"x": phsx.Float(-5, 5), "y": phsx.Int(0, 9)}


def paraboloid(x: float, y: int, seconds: float = 0.0, go: str | None = None) -> float:
    """Return (x - 1)² + y after some seconds, and when somebody has made the file `go`.

    Examples
    --------
    >>> paraboloid(x=3.0, y=5)
    9.0
    """
    time.sleep(seconds)
    while go is not None and not Path(go).exists():
        time.sleep(0.01)
    return (x - 1) ** 2 + y


def search(directory: Path, trials: int, seconds: float = 0.0, **options: Any) -> Experiment:
    """Make a search of random trials, which are the same wherever they run.

    Parameters
    ----------
    directory : Path
    trials : int
    seconds : float
        That each of them takes.
    **options
        Of `Experiment`, to be others than they are here.
    """
    given: dict[str, Any] = {"target": paraboloid, "fixed": {"seconds": seconds}}
    return Experiment(
        directory, space=SPACE, plan=[phsx.Random(trials)], seed=1, **(given | options)
    )


def check_table(directory: Path, trials: int) -> SearchState:
    """Fail unless the search is exact, and ``results.csv`` has every trial, completed, its value.

    Returns
    -------
    SearchState
        What the journal adds up to, for further checks.
    """
    with (directory / "results.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert sorted(int(row["trial"]) for row in rows) == list(range(trials))
    assert {row["state"] for row in rows} == {"completed"}
    for row in rows:
        assert float(row["value"]) == paraboloid(float(row["x"]), int(row["y"]))
    return check_exact(directory, trials)


def repeated(experiment: Experiment) -> int:
    """Return how many attempts there were, beyond one for each trial."""
    return sum(trial.attempt - 1 for trial in experiment.trials)
