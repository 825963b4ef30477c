"""A search in one line."""

from __future__ import annotations

import os
import weakref
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from phsx.exceptions import ConfigurationError
from phsx.experiment import arguments
from phsx.experiment.experiment import Experiment
from phsx.scratch import Scratch
from phsx.space import Space


def minimize(
    target: Callable[..., Any],
    space: Space | Mapping[str, Any],
    trials: int = 50,
    workers: int | None = None,
    seed: int | None = None,
    *,
    directory: str | os.PathLike[str] | None = None,
    maximize: bool = False,
    fixed: Mapping[str, Any] | None = None,
    objective: str | None = None,
    **run: Any,
) -> Experiment:
    """Search for the minimum of a function, in one line.

    Parameters
    ----------
    target, space, seed, maximize, fixed, objective
        As of `phsx.Experiment`.
    trials : int
        Evaluations in all.
    workers : int, optional
        Local worker processes; by default one per core.
    directory : str or Path, optional
        Where to keep the experiment. By default it is kept in a temporary directory that is
        deleted with the returned object.
    **run
        Further arguments of `Experiment.run`, such as ``cluster=``; not ``background=True``,
        which needs an experiment whose handle can be kept.

    Returns
    -------
    Experiment
        With `best`, `trials` and `to_dataframe()`.

    Raises
    ------
    ConfigurationError
        An argument is wrong.
    PhsxError
        As `Experiment` and `Experiment.run` do.

    Examples
    --------
    >>> import phsx
    >>> space = {"x": phsx.Float(-5, 5)}
    >>> found = phsx.minimize(
    ...     lambda x: (x - 1) ** 2, space, trials=15, seed=0, cluster="inline", progress=False
    ... )
    >>> abs(found.best.params["x"] - 1) < 0.1
    True
    """
    from phsx.strategies import Bayesian

    if run.get("background"):
        raise ConfigurationError(
            "background=True: minimize returns what it has found, so it waits for the end; for a "
            "handle on a run in the background use phsx.Experiment(directory, target, space, "
            "phsx.Bayesian(trials)).run(background=True)"
        )
    trials = arguments.whole("trials", trials, 1)
    temporary = None
    if directory is None:
        temporary = Scratch()
        name = getattr(target, "__name__", None)
        directory = Path(temporary.path) / (name.strip("<>") if isinstance(name, str) else "search")
    try:
        experiment = Experiment(
            directory,
            target=target,
            space=space,
            plan=Bayesian(trials),
            seed=seed,
            maximize=maximize,
            fixed=fixed,
            objective=objective,
        )
    except BaseException:
        if temporary is not None:
            temporary.remove()
        raise
    if temporary is not None:
        weakref.finalize(experiment, temporary.remove)
    experiment.run(workers, **run)
    return experiment
