"""Candidates from which many points are taken, one after the other."""

from __future__ import annotations

import numpy as np

from phsx.history import FloatArray
from phsx.models.acquisition import mean_improvement
from phsx.models.improvement import ExpectedImprovement


class Pool:
    """Values of an acquisition function at fixed candidates, while more and more is pending.

    What the data say of the candidates is calculated once, in O(m n²) for m of them; what one more
    pending point changes, in O(m n).

    Parameters
    ----------
    acquisition : ExpectedImprovement
        What is maximized.
    features : ndarray, shape (m, p)
        The candidates.
    """

    def __init__(self, acquisition: ExpectedImprovement, features: FloatArray) -> None:
        posterior = acquisition.posterior
        self._features = features
        cross = posterior.kernel.matrix(posterior.theta, posterior.points, features)
        self._solved = posterior.factor.solve(cross)
        chance = acquisition.feasibility
        self._chance = 0.0 if chance is None else chance.log(features)

    def values(self, acquisition: ExpectedImprovement) -> FloatArray:
        """Values at the candidates, shape (m,), given all that is pending by now.

        `acquisition` is the one that the pool was made for, extended.
        """
        posterior = acquisition.posterior
        new = posterior.points[len(self._solved) :]
        if len(new):
            cross = posterior.kernel.matrix(posterior.theta, new, self._features)
            self._solved = posterior.factor.resume(self._solved, cross)
        mean, variance = posterior.explain(self._solved)
        value, _, _ = mean_improvement(mean, variance, acquisition.best)
        return np.asarray(value + self._chance)
