"""Candidates from which many points are taken, one after the other."""

from __future__ import annotations

import numpy as np

from phsx.history import FloatArray
from phsx.models.judged import Judged


class Pool:
    """Values of an acquisition function at fixed candidates, while more and more is pending.

    What the data say of the candidates is calculated once, in O(m n²) for m of them; what one more
    pending point changes, in O(m n).

    Parameters
    ----------
    acquisition : Judged
        What is maximized.
    features : ndarray, shape (m, p)
        The candidates.
    """

    def __init__(self, acquisition: Judged, features: FloatArray) -> None:
        posterior, chance = acquisition.posterior, acquisition.feasibility
        self._cross = posterior.kernel.cross(posterior.theta, features)
        self._chance = 0.0 if chance is None else chance.log(features)
        solved = posterior.solved(features)
        mean, self._variance = posterior.explain(solved)
        self._mean = mean.reshape(len(features), -1)
        n = len(posterior.factor.head)
        self._start, self._middle = solved[:n], solved[n:]

    def values(self, acquisition: Judged) -> FloatArray:
        """Values at the candidates, shape (m,), given all that is pending by now.

        `acquisition` is the one that the pool was made for, extended.
        """
        posterior = acquisition.posterior
        known = len(self._start) + len(self._middle)
        new = posterior.points[known:]
        if len(new):
            rows = posterior.factor.resume(self._start, self._middle, self._cross.matrix(new))
            self._middle = np.concatenate([self._middle, rows])
            self._mean = self._mean + rows.T @ posterior.whitened[known:]
            self._variance = self._variance - np.einsum("ij,ij->j", rows, rows)
        variance = posterior.floored(self._variance)
        value, _, _ = acquisition.criterion.judge(self._mean, variance)
        return np.asarray(value + self._chance)
