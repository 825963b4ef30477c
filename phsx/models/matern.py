"""The Matérn 5/2 kernel with a length scale per feature group."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from phsx.history import FloatArray, IntArray
from phsx.models.kernel import (
    Kernel,
    Pullback,
    correlation_of,
    decay_of,
    length_scale_prior,
    scaled_distances,
    slope_of,
)


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
        mean, sd = length_scale_prior(count)
        self.prior_mean = np.append(np.full(count, mean), 0.0)
        self.prior_sd = np.append(np.full(count, sd), 1.0)
        self.lower = np.append(np.full(count, math.log(5e-3)), math.log(1e-4))
        self.upper = np.append(np.full(count, math.log(1e4)), math.log(1e4))
        self.names = (("length_scales", count), ("signal", 1))

    def _scale(self, theta: FloatArray, x: FloatArray) -> FloatArray:
        return np.asarray(x * np.exp(-theta[:-1])[self.groups])

    def matrix(self, theta: FloatArray, a: FloatArray, b: FloatArray) -> FloatArray:
        """Covariances between the rows of `a` and of `b`."""
        root = scaled_distances(self._scale(theta, a), self._scale(theta, b))
        correlation = correlation_of(root, decay_of(root))
        correlation *= math.exp(theta[-1])
        return correlation

    def variance(self, theta: FloatArray) -> float:
        """Covariance of a point with itself."""
        return math.exp(theta[-1])

    def forward(self, theta: FloatArray, x: FloatArray) -> tuple[FloatArray, Pullback]:
        """Covariances of `x` with itself, and the pullback of weights on them."""
        scaled = self._scale(theta, x)
        signal = math.exp(theta[-1])
        root = scaled_distances(scaled, scaled)
        decay = decay_of(root)
        covariance = correlation_of(root, decay)
        covariance *= signal

        def pullback(weights: FloatArray) -> FloatArray:
            # dK_ik / dlog(l_j) = s² h_ik (x_ij - x_kj)² / l_j², summed over i and k by row sums.
            pairs = slope_of(root, decay)
            pairs *= weights
            rows = pairs.sum(axis=1)
            columns = rows @ (scaled * scaled) - np.einsum("ij,ij->j", scaled, pairs @ scaled)
            by_scale = np.bincount(self.groups, 2.0 * signal * columns, self.size - 1)
            return np.append(by_scale, np.vdot(weights, covariance))

        return covariance, pullback

    def input_gradient(
        self, theta: FloatArray, a: FloatArray, b: FloatArray, weights: FloatArray
    ) -> FloatArray:
        """Gradients of sum_j w_ij k(a_i, b_j) by a_i."""
        inverse = np.exp(-theta[:-1])[self.groups]
        x, y = a * inverse, b * inverse
        root = scaled_distances(x, y)
        pairs = slope_of(root, decay_of(root))
        pairs *= -math.exp(theta[-1])
        pairs *= weights
        return np.asarray((x * pairs.sum(axis=1)[:, None] - pairs @ y) * inverse)
