"""Maximize an acquisition function over the valid points of a space."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from scipy.optimize import minimize

from phsx.history import FloatArray
from phsx.models.encoding import Encoding
from phsx.models.region import Points, Region

#: A climb ends where a step gains a smaller share of the value than this: what is left is far less
#: than what the model does not know.
_FLAT = 1e-5


class Acquisition(Protocol):
    """What is maximized: a function of features.

    Attributes
    ----------
    smooth : bool
        Whether gradients lead anywhere; if not, random steps are taken.
    """

    @property
    def smooth(self) -> bool:
        """Whether gradients lead anywhere."""

    def __call__(self, features: FloatArray) -> FloatArray:
        """Values, shape (m,), at features (m, p)."""

    def gradient(self, features: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Values (m,) and gradients (m, p) by the features."""


@dataclass(frozen=True)
class Effort:
    """How hard to look for the maximum.

    Attributes
    ----------
    spread : int
        Points that fill the space (a power of two).
    near : int
        Points near the best observations.
    starts : int
        From how many of them to follow the gradient.
    iterations : int
        How many steps of L-BFGS to take.
    rounds : int
        How often to look at the neighbours in dimensions of few values.
    """

    spread: int = 128
    near: int = 48
    starts: int = 2
    iterations: int = 15
    rounds: int = 4


def maximize(
    acquisition: Acquisition,
    region: Region,
    encoding: Encoding,
    incumbents: Points,
    rng: np.random.Generator,
    effort: Effort,
) -> tuple[Points, FloatArray]:
    """Return valid points with their acquisition values, the best first.

    Sobol points and perturbations of the best observations are ranked; from the best of them
    L-BFGS follows the gradient in the dimensions that have one, jointly for all starts (batched
    evaluations), and a local search looks at all neighbours in the others, in turn. Where there
    are no gradients, random steps of many lengths take their place.
    """
    points = region.spread(effort.spread, rng) + region.perturb(incumbents, effort.near, rng)
    values = _evaluate(acquisition, encoding, points)
    if len(points) == 0:
        return points, values
    front = np.argsort(-values, kind="stable")[: effort.starts]
    current = points.select(front)
    for turn in range(effort.rounds):
        reached = float(values.max())
        if not acquisition.smooth:
            steps = region.perturb(current, effort.near, rng)
            points, values, current = _join(acquisition, encoding, points, values, steps)
        elif len(region.smooth):
            climbed = _climb(acquisition, region, encoding, current, effort.iterations)
            points, values, current = _join(acquisition, encoding, points, values, climbed)
            reached = float(values.max())
            if not len(region.rough) or turn == effort.rounds - 1:
                break
        around = region.neighbours(current.unit[0])
        points, values, current = _join(acquisition, encoding, points, values, around)
        if float(values.max()) <= reached:
            break
    order = np.argsort(-values, kind="stable")
    return points.select(order), values[order]


def refine(
    acquisition: Acquisition, region: Region, encoding: Encoding, points: Points, iterations: int
) -> Points:
    """Put before `points` what a climb from the first of them reaches, if it is better."""
    if not (len(points) and len(region.smooth) and acquisition.smooth):
        return points
    first = points.select(slice(0, 1))
    found = first + _climb(acquisition, region, encoding, first, iterations)
    best = int(_evaluate(acquisition, encoding, found).argmax())
    return points if best == 0 else found.select(slice(best, best + 1)) + points


def _evaluate(acquisition: Acquisition, encoding: Encoding, points: Points) -> FloatArray:
    if len(points) == 0:
        return np.empty(0)
    values = acquisition(encoding.features(points.unit, points.active))
    return np.where(np.isnan(values), -np.inf, values)


def _join(
    acquisition: Acquisition,
    encoding: Encoding,
    points: Points,
    values: FloatArray,
    more: Points,
) -> tuple[Points, FloatArray, Points]:
    """Add points with their values; also returns the best of all."""
    points = points + more
    values = np.concatenate([values, _evaluate(acquisition, encoding, more)])
    return points, values, points.select(np.array([int(values.argmax())]))


def _climb(
    acquisition: Acquisition, region: Region, encoding: Encoding, starts: Points, iterations: int
) -> Points:
    """Follow the gradient from every start at once; returns valid points on the way there."""
    smooth = region.smooth
    columns = np.array([encoding.columns[index].first for index in smooth.tolist()])
    features = encoding.features(starts.unit, starts.active)
    moving = starts.active[:, smooth]
    shape = moving.shape

    def objective(flat: FloatArray) -> tuple[float, FloatArray]:
        features[:, columns] = flat.reshape(shape)
        values, gradient = acquisition.gradient(features)
        return -float(values.sum()), -np.where(moving, gradient[:, columns], 0.0).ravel()

    result = minimize(
        objective,
        np.where(moving, starts.unit[:, smooth], 0.5).ravel(),
        jac=True,
        method="L-BFGS-B",
        bounds=[(0.0, 1.0)] * moving.size,
        options={"maxiter": iterations, "maxfun": 2 * iterations, "ftol": _FLAT},
    )
    ends = starts.unit.copy()
    ends[:, smooth] = result.x.reshape(shape)
    # Where constraints bite, the last valid point on the way is better than none.
    fractions = [1.0] if region.plain else [1.0, 0.9, 0.7, 0.4]
    steps = [starts.unit + fraction * (ends - starts.unit) for fraction in fractions]
    return region.valid(np.concatenate(steps)[:, region.free])
