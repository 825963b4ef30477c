"""The demo: a support vector machine for handwritten digits, searched on workers."""

from __future__ import annotations

import os
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from phsx.analysis import history, parallel_coordinates, parameters, worker_timeline
from phsx.experiment.experiment import Experiment
from phsx.space import Categorical, Float, Int, Space
from phsx.strategies import Bayesian, Random, Strategy
from phsx.trial import Trial

DIRECTORY = "phsx-demo"
MOST_WORKERS = 4

SPACE = Space(
    {
        "components": Int(5, 60, log=True),
        "kernel": Categorical(["poly", "rbf", "sigmoid"]),
        "C": Float(0.01, 100, log=True, digits=3),
        "gamma": Float(1e-5, 0.1, log=True, digits=3),
        "degree": Int(2, 5, when={"kernel": "poly"}),
    }
)

TRIALS = 40
#: How many of them are random, before the Bayesian ones.
RANDOM = 9


@cache
def _digits() -> tuple[Any, Any]:
    from sklearn.datasets import load_digits

    return load_digits(return_X_y=True)  # type: ignore[no-any-return]


def error(
    components: int, kernel: str, C: float, gamma: float, degree: int = 3
) -> dict[str, float]:
    """Return how often a support vector machine misreads one of scikit-learn's digits.

    Parameters
    ----------
    components : int
        How many principal components of the 64 pixels it sees.
    kernel : {"poly", "rbf", "sigmoid"}
    C : float
        Inverse strength of the regularisation.
    gamma : float
        Scale of the kernel.
    degree : int
        Degree of a polynomial kernel.

    Returns
    -------
    dict
        `error`, the share of digits that are misread in a five-fold cross-validation, and
        `worst_fold`, the same for the worst of the folds.
    """
    from sklearn.decomposition import PCA
    from sklearn.model_selection import StratifiedKFold, cross_val_score
    from sklearn.pipeline import make_pipeline
    from sklearn.svm import SVC

    # A kernel that overflows would otherwise run on for minutes.
    machine = SVC(kernel=kernel, C=C, gamma=gamma, degree=degree, max_iter=5000)
    model = make_pipeline(PCA(components, random_state=0), machine)
    folds = StratifiedKFold(5, shuffle=True, random_state=0)
    scores = cross_val_score(model, *_digits(), cv=folds)
    return {"error": float(1 - scores.mean()), "worst_fold": float(1 - scores.min())}


@dataclass(frozen=True)
class Summary:
    """What a demo did; `str()` of it is meant for people.

    Attributes
    ----------
    directory : Path
        The experiment's directory.
    evaluated : int
        Trials that this run evaluated; 0 where all were there already.
    trials : int
        Trials of the experiment in all.
    best : Trial
    plots : tuple of Path
        The pictures.
    """

    directory: Path
    evaluated: int
    trials: int
    best: Trial | None
    plots: tuple[Path, ...]

    def __str__(self) -> str:
        again = "" if self.evaluated else " (all by an earlier run; delete the directory for a new)"
        return "\n".join(
            [
                f"Tried {self.trials} settings of a classifier of handwritten digits{again}.",
                *self._best(),
                "Pictures:",
                *(f"    {path}" for path in self.plots),
                f"Everything about the search is in {self.directory}; look at it with",
                f"    phsx status {self.directory}",
                f"    phsx show {self.directory}",
            ]
        )

    def _best(self) -> list[str]:
        if self.best is None or self.best.params is None:
            return ["None of them gave a result."]
        width = max(map(len, SPACE.names))
        return [
            f"The best, trial {self.best.id}, misreads {self.best.value:.2%} of them:",
            *(f"    {name:<{width}}  {value}" for name, value in self.best.params.items()),
        ]


def search(directory: str | os.PathLike[str], trials: int = TRIALS) -> Experiment:
    """Make the demo's search, or go on with it."""
    plan: list[Strategy] = [Random(min(trials, RANDOM))]
    if trials > RANDOM:
        plan.append(Bayesian(trials - RANDOM))
    return Experiment(directory, target=error, space=SPACE, plan=plan, seed=1, objective="error")


def run(
    directory: str | os.PathLike[str] = DIRECTORY,
    *,
    trials: int = TRIALS,
    workers: int | None = None,
    cluster: Any = None,
    progress: bool = True,
) -> Summary:
    """Search the digits classifier's parameters, and draw the plots.

    Called again it goes on where an interrupted demo stopped, or where one with fewer trials
    ended. A complete one is drawn anew.

    Parameters
    ----------
    directory : path
        Where the experiment is, or is to be.
    trials : int
        How many settings are tried.
    workers : int, optional
        Local worker processes; by default one per core, between 2 and 4.
    cluster : optional
        Instead of them: jobs of a queue system, or a Dask cluster, as of `Experiment.run`.
    progress : bool
        Whether to show progress on standard error.

    Returns
    -------
    Summary
    """
    experiment = search(directory, trials)
    before = _ended(experiment)
    if cluster is None and workers is None:
        workers = min(max(len(os.sched_getaffinity(0)), 2), MOST_WORKERS)
    experiment.run(workers=workers, cluster=cluster, progress=progress)
    return Summary(
        directory=Path(directory),
        evaluated=_ended(experiment) - before,
        trials=len(experiment.trials),
        best=experiment.best,
        plots=_draw(experiment, Path(directory) / "plots"),
    )


def _ended(experiment: Experiment) -> int:
    return sum(trial.state.terminal for trial in experiment.trials)


def _draw(experiment: Experiment, folder: Path) -> tuple[Path, ...]:
    folder.mkdir(exist_ok=True)
    names = ("history", "parameters", "parallel_coordinates", "worker_timeline")
    paths = tuple(folder / f"{name}.png" for name in names)
    history(experiment, path=paths[0])
    parameters(experiment, "C", "gamma", path=paths[1])
    parallel_coordinates(experiment, path=paths[2])
    worker_timeline(experiment, path=paths[3])
    return paths
