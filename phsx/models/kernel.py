"""What a covariance function is, and the Matérn 5/2 correlation that all of them use.

Every gradient is a weighted sum over pairs of points. It is formed from matrix products and row
sums, so that nothing larger than (n, n) is ever built, whatever the number of features is.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Callable

import numpy as np

from phsx.history import FloatArray

SQRT5 = math.sqrt(5.0)

#: From the weights dL/dK_ij (symmetric) to the gradient of L by the kernel's parameters.
Pullback = Callable[[FloatArray], FloatArray]


def squared_distances(a: FloatArray, b: FloatArray) -> FloatArray:
    """Squared Euclidean distances between the rows of `a` (n, p) and `b` (m, p), shape (n, m).

    Examples
    --------
    >>> squared_distances(np.array([[0.0], [3.0]]), np.array([[1.0]])).tolist()
    [[1.0], [4.0]]
    """
    squares = a @ b.T
    squares *= -2.0
    squares += np.einsum("ij,ij->i", a, a)[:, None]
    squares += np.einsum("ij,ij->i", b, b)[None, :]
    np.maximum(squares, 0.0, out=squares)
    return squares


def decay_of(root: FloatArray) -> FloatArray:
    """exp(-root), where root is √5 r."""
    decay = np.negative(root)
    np.exp(decay, out=decay)
    return decay


def correlation_of(root: FloatArray, decay: FloatArray) -> FloatArray:
    """Matérn 5/2 correlation (1 + √5 r + 5 r² / 3) exp(-√5 r)."""
    correlation = root * root
    correlation *= 1.0 / 3.0
    correlation += root
    correlation += 1.0
    correlation *= decay
    return correlation


def slope_of(root: FloatArray, decay: FloatArray) -> FloatArray:
    """h, by which the correlation changes: dc = -h · d(r²) / 2."""
    slope = root + 1.0
    slope *= decay
    slope *= 5.0 / 3.0
    return slope


def scaled_distances(x: FloatArray, y: FloatArray) -> FloatArray:
    """√5 r of scaled features."""
    squares = squared_distances(x, y)
    squares *= 5.0
    np.sqrt(squares, out=squares)
    return squares


def length_scale_prior(dimensions: int) -> tuple[float, float]:
    """Mean and standard deviation of a log length scale in the unit cube of `dimensions`.

    Follows Hvarfner, Hellsten and Nardi (2024), "Vanilla Bayesian optimization performs great in
    high dimensions", section 4: LogNormal(√2 + log(d) / 2, √3).

    Examples
    --------
    >>> [round(number, 3) for number in length_scale_prior(4)]
    [2.107, 1.732]
    """
    return math.sqrt(2.0) + 0.5 * math.log(max(dimensions, 1)), math.sqrt(3.0)


class Kernel(ABC):
    """A stationary covariance function of features, with parameters `theta` (all logarithms).

    Attributes
    ----------
    prior_mean, prior_sd : ndarray, shape (size,)
        The normal prior of each element of theta.
    lower, upper : ndarray, shape (size,)
        Bounds of theta.
    names : tuple of (str, int)
        The parts of theta in order: name and length.
    """

    prior_mean: FloatArray
    prior_sd: FloatArray
    lower: FloatArray
    upper: FloatArray
    names: tuple[tuple[str, int], ...]

    @property
    def size(self) -> int:
        """Number of parameters."""
        return len(self.prior_mean)

    @abstractmethod
    def matrix(self, theta: FloatArray, a: FloatArray, b: FloatArray) -> FloatArray:
        """Covariances between the rows of `a` (n, p) and of `b` (m, p), shape (n, m)."""

    @abstractmethod
    def variance(self, theta: FloatArray) -> float:
        """Covariance of a point with itself."""

    @abstractmethod
    def forward(self, theta: FloatArray, x: FloatArray) -> tuple[FloatArray, Pullback]:
        """Covariances of `x` with itself, and the pullback of weights on them."""

    @abstractmethod
    def input_gradient(
        self, theta: FloatArray, a: FloatArray, b: FloatArray, weights: FloatArray
    ) -> FloatArray:
        """Gradients of sum_j w_ij k(a_i, b_j) by a_i, shape (n, p), for `weights` w (n, m)."""
