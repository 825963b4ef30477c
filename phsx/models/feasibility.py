"""How likely an evaluation succeeds, learned from those that failed."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from phsx.history import BoolArray, FloatArray
from phsx.models.factor import cholesky, solve_lower
from phsx.models.kernel import Kernel

#: Noise of the labels: a single failure among successes says little about its neighbours.
_NOISE = 0.1

#: No region is given up for good.
_LEAST = 0.02

_WIDTH = 0.05


@dataclass(frozen=True)
class Feasibility:
    """A regression of success (1) and failure (0), with the kernel of the objective's model.

    Far from all failures the prediction is 1. The acquisition function is multiplied by it: so
    failures repel, and the model of the objective never sees an invented value.

    Examples
    --------
    >>> from phsx.models.matern import Matern
    >>> kernel = Matern([0])
    >>> points = np.array([[0.2], [0.8]])
    >>> chance = Feasibility.of(kernel, np.array([-2.0, 0.0]), points, np.array([True, False]))
    >>> np.exp(chance.log(points)).round(2).tolist()
    [1.0, 0.1]
    """

    kernel: Kernel
    theta: FloatArray
    points: FloatArray
    alpha: FloatArray

    @classmethod
    def of(
        cls, kernel: Kernel, theta: FloatArray, points: FloatArray, succeeded: BoolArray
    ) -> Feasibility:
        """Learn from `points` (n, p), of which those in the mask `succeeded` (n,) gave a value."""
        covariance = kernel.matrix(theta, points, points)
        covariance.flat[:: len(points) + 1] += _NOISE * kernel.variance(theta)
        factor = cholesky(covariance)
        labels = succeeded.astype(np.float64) - 1.0
        alpha = solve_lower(factor, solve_lower(factor, labels), transposed=True)
        return cls(kernel, theta, points, alpha)

    def log(self, points: FloatArray) -> FloatArray:
        """Log probability of success at `points` (m, p), shape (m,)."""
        return self._squash(self.kernel.matrix(self.theta, points, self.points) @ self.alpha)[0]

    def gradient(self, points: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Log probability of success and its gradient, (m,) and (m, p)."""
        weighted = self.kernel.matrix(self.theta, points, self.points) @ self.alpha
        value, slope = self._squash(weighted)
        gradient = self.kernel.input_gradient(self.theta, points, self.points, self.alpha[None, :])
        return value, slope[:, None] * gradient

    @staticmethod
    def _squash(weighted: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Log of a probability from the regression's deviation from 1, and the slope."""
        t = (1.0 + weighted - _LEAST) / _WIDTH
        # Softly bounded below and hard above, so that there is a way out of every failed region.
        probability = _LEAST + _WIDTH * np.logaddexp(0.0, t)
        slope = np.exp(-np.logaddexp(0.0, -t)) / probability
        above = probability >= 1.0
        slope = np.where(above, 0.0, slope)
        return np.where(above, 0.0, np.log(probability)), slope
