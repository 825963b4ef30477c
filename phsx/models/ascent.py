"""Climb from many starts at once in the unit cube, each at its own pace."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from phsx.history import BoolArray, FloatArray, IntArray

#: Longest step in any dimension, at first and later.
_FIRST, _LONGEST = 0.1, 0.3

#: Which share of the expected gain is enough, and how far a step that gained less may shrink.
_ENOUGH, _LEAST, _MOST = 1e-4, 0.1, 0.5

#: Values (k,) and gradients (k, d) at points (k, d).
Objective = Callable[[FloatArray], tuple[FloatArray, FloatArray]]


def climb(objective: Objective, starts: FloatArray, rounds: int) -> FloatArray:
    """Return points (k, d) that are at least as high as the `starts` (k, d).

    A projected BFGS ascent from each start. They share nothing but the calls of `objective`, one
    per round for all of them together, which cost hardly more than for one of them.

    Parameters
    ----------
    objective : callable
        Values, shape (k,), and gradients, shape (k, d), at points of the unit cube.
    starts : ndarray, shape (k, d)
        Where to begin.
    rounds : int
        How often to call `objective`, besides once for the starts.

    References
    ----------
    Nocedal and Wright (2006), "Numerical optimization", equation 6.17.

    Examples
    --------
    >>> top = np.array([[0.3, 1.2]])
    >>> def bump(x):
    ...     return -((x - top) ** 2).sum(axis=1), -2.0 * (x - top)
    >>> climb(bump, np.array([[0.9, 0.5], [0.1, 0.1]]), 10).round(6).tolist()
    [[0.3, 1.0], [0.3, 1.0]]
    """
    state = _State.at(objective, starts)
    for _ in range(rounds):
        trial = np.clip(state.x + state.step[:, None] * state.direction, 0.0, 1.0)
        state.move(trial, *objective(trial))
    return state.x


@dataclass
class _State:
    """Where the climbers are: arrays with a row for each, changed in place."""

    x: FloatArray
    value: FloatArray
    slope: FloatArray
    inverse: FloatArray  # of the negative Hessian, estimated
    fresh: BoolArray  # whether it is still a guess
    direction: FloatArray
    step: FloatArray

    @classmethod
    def at(cls, objective: Objective, starts: FloatArray) -> _State:
        count, dimensions = starts.shape
        value, slope = objective(starts)
        inverse = np.tile(np.eye(dimensions), (count, 1, 1))
        fresh = np.ones(count, dtype=bool)
        state = cls(starts.copy(), value, slope, inverse, fresh, np.zeros_like(starts), value * 0.0)
        state.turn(np.arange(count))
        return state

    def move(self, trial: FloatArray, value: FloatArray, slope: FloatArray) -> None:
        """Go to the trial points that gain enough; come closer next time with the others."""
        moved = trial - self.x
        expected = (self.slope * moved).sum(axis=1)
        gain = value - self.value
        accepted = gain >= _ENOUGH * expected
        with np.errstate(divide="ignore", invalid="ignore"):
            top = 0.5 * expected / (expected - gain)  # of the parabola through what is known
        shrink = np.clip(np.where(np.isfinite(top), top, _LEAST), _LEAST, _MOST)
        self.step = np.where(accepted, 1.0, self.step * shrink)
        rows = np.flatnonzero(accepted)
        self.learn(rows, moved[rows], self.slope[rows] - slope[rows])
        self.x[rows], self.value[rows], self.slope[rows] = trial[rows], value[rows], slope[rows]
        self.turn(rows)

    def learn(self, rows: IntArray, s: FloatArray, y: FloatArray) -> None:
        """Update the inverse Hessians by a step and what it changed of the gradient."""
        curvature, square = (s * y).sum(axis=1), (y * y).sum(axis=1)
        convex = curvature > 1e-10 * square
        rows, s, y, curvature = rows[convex], s[convex], y[convex], curvature[convex]
        guess = np.where(self.fresh[rows], curvature / square[convex], 1.0)
        inverse = self.inverse[rows] * guess[:, None, None]
        hy = np.einsum("kij,kj->ki", inverse, y)
        factor = (1.0 + (y * hy).sum(axis=1) / curvature) / curvature
        inverse += factor[:, None, None] * s[:, :, None] * s[:, None, :]
        cross = hy[:, :, None] * (s / curvature[:, None])[:, None, :]
        self.inverse[rows] = inverse - cross - cross.transpose(0, 2, 1)
        self.fresh[rows] = False

    def turn(self, rows: IntArray) -> None:
        """Choose the directions in which to go next, along the walls of the cube."""
        x, slope = self.x[rows], self.slope[rows]
        blocked = ((x <= 0.0) & (slope < 0.0)) | ((x >= 1.0) & (slope > 0.0))
        free = np.where(blocked, 0.0, slope)
        direction = np.where(blocked, 0.0, np.einsum("kij,kj->ki", self.inverse[rows], free))
        longest = np.abs(direction).max(axis=1, initial=1e-300)
        limit = np.where(self.fresh[rows], _FIRST, np.minimum(_LONGEST, longest)) / longest
        self.direction[rows] = direction * limit[:, None]
        self.step[rows] = 1.0
