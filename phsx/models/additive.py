"""A sum of one-dimensional kernels."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from phsx.history import FloatArray, IntArray
from phsx.models.kernel import (
    SQRT5,
    Kernel,
    Pullback,
    correlation_of,
    decay_of,
    length_scale_prior,
    scaled_distances,
    slope_of,
)


class Additive(Kernel):
    """A sum of one-dimensional Matérn 5/2 kernels with weights: Σ_g w_g c(|x_g - x'_g| / l_g).

    Gains where the objective is (partly) a sum of functions of single parameters; see Duvenaud,
    Nickisch and Rasmussen (2011), "Additive Gaussian processes", equation 5.

    Parameters
    ----------
    groups : sequence of int, shape (p,)
        Which features belong together, 0 to G - 1.
    """

    def __init__(self, groups: npt.ArrayLike) -> None:
        self.groups: IntArray = np.asarray(groups, dtype=np.int64)
        count = int(self.groups.max()) + 1
        self.columns = [np.flatnonzero(self.groups == group) for group in range(count)]
        mean, sd = length_scale_prior(1)
        # The weights share about the variance of one signal; a wide prior can turn any off.
        weight = -math.log(count) - 1.0
        self.prior_mean = np.append(np.full(count, mean), np.full(count, weight))
        self.prior_sd = np.append(np.full(count, sd), np.full(count, 2.0))
        self.lower = np.append(np.full(count, math.log(5e-3)), np.full(count, math.log(1e-6)))
        self.upper = np.append(np.full(count, math.log(1e4)), np.full(count, math.log(1e4)))
        self.names = (("length_scales", count), ("weights", count))

    def _parts(
        self, theta: FloatArray, a: FloatArray, b: FloatArray
    ) -> list[tuple[IntArray, FloatArray, FloatArray, float]]:
        """Per group: its columns, the scaled features of a and of b, and the weight."""
        count = len(self.columns)
        parts = []
        for group, columns in enumerate(self.columns):
            inverse = math.exp(-theta[group])
            weight = math.exp(theta[count + group])
            parts.append((columns, a[:, columns] * inverse, b[:, columns] * inverse, weight))
        return parts

    def matrix(self, theta: FloatArray, a: FloatArray, b: FloatArray) -> FloatArray:
        """Covariances between the rows of `a` and of `b`."""
        total = np.zeros((len(a), len(b)))
        for _, x, y, weight in self._parts(theta, a, b):
            root = _column_distances(x, y)
            correlation = correlation_of(root, decay_of(root))
            correlation *= weight
            total += correlation
        return total

    def variance(self, theta: FloatArray) -> float:
        """Covariance of a point with itself."""
        return float(np.exp(theta[len(self.columns) :]).sum())

    def forward(self, theta: FloatArray, x: FloatArray) -> tuple[FloatArray, Pullback]:
        """Covariances of `x` with itself, and the pullback of weights on them."""
        covariance = self.matrix(theta, x, x)

        def pullback(weights: FloatArray) -> FloatArray:
            by_scale, by_weight = [], []
            for _, part, _, weight in self._parts(theta, x, x):
                root = _column_distances(part, part)
                decay = decay_of(root)
                by_weight.append(weight * np.vdot(weights, correlation_of(root, decay)))
                slope = slope_of(root, decay)
                slope *= root
                slope *= root
                by_scale.append(weight / 5.0 * np.vdot(weights, slope))
            return np.array(by_scale + by_weight)

        return covariance, pullback

    def input_gradient(
        self, theta: FloatArray, a: FloatArray, b: FloatArray, weights: FloatArray
    ) -> FloatArray:
        """Gradients of sum_j w_ij k(a_i, b_j) by a_i."""
        gradient = np.zeros_like(a)
        for group, (columns, x, y, weight) in enumerate(self._parts(theta, a, b)):
            root = _column_distances(x, y)
            pairs = slope_of(root, decay_of(root))
            pairs *= -weight * math.exp(-theta[group])
            pairs *= weights
            gradient[:, columns] = x * pairs.sum(axis=1)[:, None] - pairs @ y
        return gradient


def _column_distances(x: FloatArray, y: FloatArray) -> FloatArray:
    """√5 r, exact and faster for the usual single column."""
    if x.shape[1] > 1:
        return scaled_distances(x, y)
    difference = np.subtract.outer(SQRT5 * x[:, 0], SQRT5 * y[:, 0])
    np.abs(difference, out=difference)
    return np.asarray(difference)
