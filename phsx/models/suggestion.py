"""The next point of Bayesian optimization, also where several are sought at once."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any

import numpy as np

from phsx.history import History
from phsx.models.encoding import Encoding
from phsx.models.optimize import Acquisition, Effort, maximize
from phsx.models.region import Points, Region
from phsx.models.surrogate import MODELS, Surrogate
from phsx.space import Space

Params = dict[str, Any]

#: Spaces of at most so many points are listed when nothing untried was found in them.
_LISTED = 20_000
_LEFT = 500

#: How hard to look for the first suggestions of one instant, and for later ones.
_FULL = Effort()
_LESS = Effort(spread=64, near=32, starts=1, iterations=8, rounds=2)
_FULL_RANKS = 8


@dataclass(frozen=True)
class Task:
    """What one suggestion works on."""

    space: Space
    region: Region
    encoding: Encoding
    surrogate: Surrogate
    taken: Callable[[Mapping[str, Any]], bool]


def suggest(
    space: Space,
    history: History,
    pending: History | None,
    fit: Mapping[str, Any],
    *,
    names: Sequence[str],
    fixed: Mapping[str, Any],
    taken: Callable[[Mapping[str, Any]], bool],
    trial: int,
    rank: int,
    shared_seed: int,
) -> Params | None:
    """Return values for `names`, or None where no untried point is left.

    Suggestions that are computed at the same instant do not know of each other. They all draw
    from `shared_seed`, so the one of rank r can derive what the r before it are, one after the
    other, each counted as pending for the next: the greedy batch of GP-BUCB (Desautels, Krause
    and Burdick, 2014) without any communication.

    Parameters
    ----------
    space, history, pending, fit
        See `Request`.
    names, fixed, taken, trial, rank
        See `Request`.
    shared_seed : int
        A seed that all trials of the block share.
    """
    encoding = Encoding(space)
    surrogate = Surrogate(encoding, history, pending, fit)
    task = Task(space, Region(space, names, fixed), encoding, surrogate, taken)
    rng = np.random.default_rng([shared_seed, len(history)])
    known: set[Hashable] = set()
    turns = list(MODELS)
    for step in range(rank + 1):
        model = turns[(trial - rank + step) % len(turns)]
        effort = _FULL if step < _FULL_RANKS else _LESS
        found = _next(task, model, rng, effort, known)
        if found is None:
            return None
        unit, params = found
        if step == rank:
            return {name: params[name] for name in names if name in params}
        known.add(space.key(params))
        surrogate.add(unit)
    return None


def _next(
    task: Task, model: str, rng: np.random.Generator, effort: Effort, known: set[Hashable]
) -> tuple[Points, Params] | None:
    """Find the best point that is not taken, for one model."""
    acquisition = task.surrogate.acquisition(model)
    points, _ = maximize(
        acquisition,
        task.region,
        task.encoding,
        task.surrogate.incumbents(model, 5),
        rng,
        effort,
    )

    def free(params: Params) -> bool:
        return not task.taken(params) and task.space.key(params) not in known

    for row in range(len(points)):
        params = task.region.params(points.unit[row])
        if params is not None and free(params):
            return points.select(slice(row, row + 1)), params
    return _listed(task, acquisition, free)


def _listed(
    task: Task, acquisition: Acquisition, free: Callable[[Params], bool]
) -> tuple[Points, Params] | None:
    """Find the best of the points that are left in a finite space (of the first ones, if many)."""
    if task.space.size > _LISTED:
        return None
    left = list(islice(filter(free, task.region.all_params()), _LEFT))
    if not left:
        return None
    points = task.region.located(left)
    best = int(acquisition(task.encoding.features(points.unit, points.active)).argmax())
    return points.select(slice(best, best + 1)), left[best]
