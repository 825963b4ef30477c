"""The Matérn 5/2 kernel with a length scale per feature group."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from phsx.history import FloatArray, IntArray
from phsx.models.kernel import (
    SQRT5,
    Cross,
    FeaturePullback,
    InputPullback,
    Kernel,
    Pullback,
    raised,
    squared_distances_to,
)
from phsx.models.prior import Prior


class MaternCross(Cross):
    """Covariances s² (1 + r + r²/3) exp(-r) with fixed points, r the distance of scaled features.

    Parameters
    ----------
    scales : ndarray, shape (p,)
        What features are multiplied by, √5 / l.
    log_signal : float
        Logarithm of s².
    points : ndarray, shape (n, p)
        The fixed points.
    """

    def __init__(self, scales: FloatArray, log_signal: float, points: FloatArray) -> None:
        self._scales = scales
        self._log_signal = log_signal
        self._raised = raised(points * scales)

    def matrix(self, a: FloatArray) -> FloatArray:
        """Covariances between the rows of `a` (m, p) and the fixed points, shape (m, n)."""
        return self._with_slope(a * self._scales)[0]

    def differentiable(self, a: FloatArray) -> tuple[FloatArray, InputPullback]:
        """Return `matrix(a)`, and the pullback of weights on it to `a`."""
        scaled = a * self._scales
        covariance, slope = self._with_slope(scaled)

        def pullback(weights: FloatArray) -> FloatArray:
            sums, rows = self._moments(slope * weights)
            return np.asarray((sums - scaled * rows) * (self._scales / 3.0))

        return covariance, pullback

    def forward(self, x: FloatArray) -> tuple[FloatArray, FeaturePullback]:
        """Covariances among the fixed points `x`, and the pullback of weights on them."""
        scaled = x * self._scales
        covariance, slope = self._with_slope(scaled)

        def pullback(weights: FloatArray) -> tuple[FloatArray, FloatArray]:
            # dc_ik / dlog(l_j) = h_ik (y_ij - y_kj)² / 3, y scaled, summed over i and k.
            pairs = slope * weights
            sums, rows = self._moments(pairs)
            both = rows[:, 0] + pairs.sum(axis=0)
            stretched = both @ (scaled * scaled) - 2.0 * np.einsum("ij,ij->j", scaled, sums)
            return stretched / 3.0, np.array([np.vdot(weights, covariance)])

        return covariance, pullback

    def _with_slope(self, scaled: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Covariances c of scaled features, and h = s² (1 + r) exp(-r): dc = -h d(r²) / 6."""
        covariance = squared_distances_to(scaled, self._raised)
        slope = np.sqrt(covariance)
        decay = np.subtract(self._log_signal, slope)
        np.exp(decay, out=decay)
        slope += 1.0
        slope *= decay
        covariance *= decay
        covariance *= 1.0 / 3.0
        covariance += slope
        return covariance, slope

    def _moments(self, pairs: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Sum over the fixed points, with weights (m, n): their features, (m, p), and 1, (m, 1)."""
        sums = pairs @ self._raised[:, :-1]
        return sums[:, :-1], sums[:, -1:]


class Matern(Kernel):
    """Matérn 5/2 with automatic relevance determination: s² c(r), r² = Σ (x_j - x'_j)² / l_g(j)².

    Parameters
    ----------
    groups : sequence of int, shape (p,)
        Which length scale each feature uses, 0 to G - 1; features of one category share one.

    Examples
    --------
    >>> kernel = Matern([0, 1])
    >>> theta = np.zeros(kernel.size)
    >>> kernel.matrix(theta, np.array([[0.0, 0.0]]), np.array([[0.0, 0.0], [9.0, 9.0]])).round(6)
    array([[1., 0.]])
    """

    def __init__(self, groups: npt.ArrayLike) -> None:
        self.groups: IntArray = np.asarray(groups, dtype=np.int64)
        count = int(self.groups.max()) + 1
        self.prior = Prior.length_scales(count, count) + Prior.independent([0.0], [1.0])
        self.lower = np.append(np.full(count, math.log(5e-3)), math.log(1e-4))
        self.upper = np.append(np.full(count, math.log(1e4)), math.log(1e4))
        self.names = (("length_scales", count), ("signal", 1))

    def variance(self, theta: FloatArray) -> float:
        """Covariance of a point with itself."""
        return math.exp(theta[-1])

    def cross(self, theta: FloatArray, b: FloatArray) -> MaternCross:
        """Covariances with the rows of `b`."""
        return MaternCross(SQRT5 * np.exp(-theta[:-1])[self.groups], theta[-1], b)

    def forward(self, theta: FloatArray, x: FloatArray) -> tuple[FloatArray, Pullback]:
        """Covariances of `x` with itself, and the pullback of weights on them."""
        covariance, by_features = self.cross(theta, x).forward(x)

        def pullback(weights: FloatArray) -> FloatArray:
            stretched, by_signal = by_features(weights)
            return np.append(np.bincount(self.groups, stretched, self.size - 1), by_signal)

        return covariance, pullback
