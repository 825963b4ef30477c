"""Maximize an acquisition function over the valid points of a space."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np

from phsx.history import FloatArray, IntArray
from phsx.models.ascent import climb
from phsx.models.encoding import Encoding
from phsx.models.region import Points, Region

#: Starts as close as this in every dimension most often lead to the same maximum.
_CLOSE = 0.1


class Acquisition(Protocol):
    """What is maximized: a function of features."""

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
    steps : int
        How many steps to take.
    rounds : int
        How often to look at the neighbours in dimensions of few values.
    """

    spread: int = 128
    near: int = 48
    starts: int = 4
    steps: int = 15
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

    Points that fill the space and perturbations of the best observations are ranked; from the best
    that are not close to each other, the gradient is followed in the dimensions that have one, and
    a local search looks at all neighbours in the others, in turn.
    """
    points = region.spread(effort.spread, rng) + region.perturb(incumbents, effort.near, rng)
    values = _evaluate(acquisition, encoding, points)
    if len(points) == 0:
        return points, values
    current = points.select(_apart(points, values, effort.starts))
    for turn in range(effort.rounds):
        if len(region.smooth):
            climbed = _climb(acquisition, region, encoding, current, effort.steps)
            points, values, current = _join(acquisition, encoding, points, values, climbed)
        if not len(region.rough) or turn == effort.rounds - 1:
            break
        before = float(values.max())
        around = region.neighbours(current.unit[0])
        points, values, current = _join(acquisition, encoding, points, values, around)
        if float(values.max()) <= before:
            break
    order = np.argsort(-values, kind="stable")
    return points.select(order), values[order]


def _apart(points: Points, values: FloatArray, count: int) -> IntArray:
    """Return the rows of the `count` best points that are not close to a better one of them."""
    chosen: list[int] = []
    for row in np.argsort(-values, kind="stable").tolist():
        distances = np.abs(points.unit[chosen] - points.unit[row]).max(axis=1)
        if (distances > _CLOSE).all():
            chosen.append(row)
            if len(chosen) == count:
                break
    return np.array(chosen)


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
    acquisition: Acquisition, region: Region, encoding: Encoding, starts: Points, steps: int
) -> Points:
    """Follow the gradient from every start; returns valid points on the way there."""
    smooth = region.smooth
    columns = np.array([encoding.columns[index].first for index in smooth.tolist()])
    features = encoding.features(starts.unit, starts.active)
    moving = starts.active[:, smooth]

    def objective(unit: FloatArray) -> tuple[FloatArray, FloatArray]:
        features[:, columns] = np.where(moving, unit, features[:, columns])
        values, gradient = acquisition.gradient(features)
        return values, np.where(moving, gradient[:, columns], 0.0)

    ends = starts.unit.copy()
    ends[:, smooth] = climb(objective, starts.unit[:, smooth], steps)
    # Where constraints bite, the last valid point on the way is better than none.
    fractions = [1.0] if region.plain else [1.0, 0.9, 0.7, 0.4]
    reached = [starts.unit + fraction * (ends - starts.unit) for fraction in fractions]
    return region.valid(np.concatenate(reached)[:, region.free])
