"""What a covariance function is, and the distances that it depends on.

Every gradient is a weighted sum over pairs of points. It is formed from matrix products and row
sums, so that nothing larger than (n, n) is ever built, whatever the number of features is.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import ClassVar

import numpy as np

from phsx.history import FloatArray
from phsx.models.prior import Prior

SQRT5 = math.sqrt(5.0)

#: From weights w (n, n) to the gradient of Σ_ik w_ik K_ik by the kernel's parameters.
Pullback = Callable[[FloatArray], FloatArray]

#: From weights w, (m, n) or (1, n), to the gradients of Σ_j w_ij k(a_i, b_j) by a_i, (m, p).
InputPullback = Callable[[FloatArray], FloatArray]

#: From weights w (n, n) to the gradients of Σ_ik w_ik K_ik by the log length scale of each feature,
#: (p,), and by the log variances, (1,) or more.
FeaturePullback = Callable[[FloatArray], tuple[FloatArray, FloatArray]]

#: Rows of a covariance matrix that are calculated at once: so many of 1,000 stay in the cache.
_ROWS = 128


def squared_distances(a: FloatArray, b: FloatArray) -> FloatArray:
    """Squared Euclidean distances between the rows of `a` (n, p) and `b` (m, p), shape (n, m).

    Examples
    --------
    >>> squared_distances(np.array([[0.0], [3.0]]), np.array([[1.0]])).tolist()
    [[1.0], [4.0]]
    """
    return squared_distances_to(a, raised(b))


def raised(b: FloatArray) -> FloatArray:
    """Rows [b, 1, |b|²]: products of rows [-2a, |a|², 1] with them are squared distances."""
    return np.concatenate([b, np.ones((len(b), 1)), _squares(b)], axis=1)


def squared_distances_to(a: FloatArray, raised: FloatArray) -> FloatArray:
    """Squared distances from the rows of `a` to points that are `raised`: one matrix product."""
    squares = np.concatenate([-2.0 * a, _squares(a), np.ones((len(a), 1))], axis=1) @ raised.T
    return np.asarray(np.maximum(squares, 0.0, out=squares))


def _squares(x: FloatArray) -> FloatArray:
    return np.asarray(np.einsum("ij,ij->i", x, x)[:, None])


class Cross(ABC):
    """Covariances with fixed points b (n, p); what depends on these alone is calculated once."""

    @abstractmethod
    def matrix(self, a: FloatArray) -> FloatArray:
        """Covariances between the rows of `a` (m, p) and the fixed points, shape (m, n)."""

    @abstractmethod
    def differentiable(self, a: FloatArray) -> tuple[FloatArray, InputPullback]:
        """Return `matrix(a)`, and the pullback of weights on it to `a`."""


class Kernel(ABC):
    """A stationary covariance function of features, with parameters `theta` (all logarithms).

    Attributes
    ----------
    prior : Prior
        The prior of theta.
    lower, upper : ndarray, shape (size,)
        Bounds of theta.
    names : tuple of (str, int)
        The parts of theta in order: name and length.
    smooth : bool
        Whether gradients by the points lead anywhere.
    """

    smooth: ClassVar[bool] = True

    prior: Prior
    lower: FloatArray
    upper: FloatArray
    names: tuple[tuple[str, int], ...]

    @property
    def size(self) -> int:
        """Number of parameters."""
        return len(self.prior.mean)

    @abstractmethod
    def variance(self, theta: FloatArray) -> float:
        """Covariance of a point with itself."""

    @abstractmethod
    def cross(self, theta: FloatArray, b: FloatArray) -> Cross:
        """Covariances with the rows of `b` (n, p)."""

    @abstractmethod
    def forward(self, theta: FloatArray, x: FloatArray) -> tuple[FloatArray, Pullback]:
        """Covariances of `x` with itself, and the pullback of weights on them."""

    def matrix(self, theta: FloatArray, a: FloatArray, b: FloatArray) -> FloatArray:
        """Covariances between the rows of `a` (n, p) and of `b` (m, p), shape (n, m)."""
        return self.cross(theta, b).matrix(a)

    def gram(self, theta: FloatArray, x: FloatArray) -> FloatArray:
        """Covariances of `x` (n, p) with itself, in the upper triangle of a matrix (n, n).

        That is all that a Cholesky decomposition needs. Below the blocks of the diagonal is 0.
        """
        covariance = np.zeros((len(x), len(x)))
        for start in range(0, len(x), _ROWS):
            stop = start + _ROWS
            covariance[start:stop, start:] = self.matrix(theta, x[start:stop], x[start:])
        return covariance

    def input_gradient(
        self, theta: FloatArray, a: FloatArray, b: FloatArray, weights: FloatArray
    ) -> FloatArray:
        """Gradients of Σ_j w_ij k(a_i, b_j) by a_i, shape (n, p), for `weights` w (n, m)."""
        _, pullback = self.cross(theta, b).differentiable(a)
        return pullback(weights)
