"""Covariance functions with gradients by hyper-parameters and by inputs.

Every gradient is a weighted sum over pairs of points. It is formed from matrix products and row
sums, so that nothing larger than (n, n) is ever built, whatever the number of features is.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence

import numpy as np
import numpy.typing as npt

from phsx.history import FloatArray, IntArray

_SQRT5 = math.sqrt(5.0)

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


def _decay(root: FloatArray) -> FloatArray:
    """exp(-root), where root is √5 r."""
    decay = np.negative(root)
    np.exp(decay, out=decay)
    return decay


def _correlation(root: FloatArray, decay: FloatArray) -> FloatArray:
    """Matérn 5/2 correlation (1 + √5 r + 5 r² / 3) exp(-√5 r)."""
    correlation = root * root
    correlation *= 1.0 / 3.0
    correlation += root
    correlation += 1.0
    correlation *= decay
    return correlation


def _slope(root: FloatArray, decay: FloatArray) -> FloatArray:
    """h, by which the correlation changes: dc = -h · d(r²) / 2."""
    slope = root + 1.0
    slope *= decay
    slope *= 5.0 / 3.0
    return slope


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
        self, theta: FloatArray, a: FloatArray, b: FloatArray, weights: Sequence[FloatArray]
    ) -> list[FloatArray]:
        """Gradients of sum_j w_ij k(a_i, b_j) by a_i, shape (n, p), for each (n, m) array w."""


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
        root = _root(self._scale(theta, a), self._scale(theta, b))
        correlation = _correlation(root, _decay(root))
        correlation *= math.exp(theta[-1])
        return correlation

    def variance(self, theta: FloatArray) -> float:
        """Covariance of a point with itself."""
        return math.exp(theta[-1])

    def forward(self, theta: FloatArray, x: FloatArray) -> tuple[FloatArray, Pullback]:
        """Covariances of `x` with itself, and the pullback of weights on them."""
        scaled = self._scale(theta, x)
        signal = math.exp(theta[-1])
        root = _root(scaled, scaled)
        decay = _decay(root)
        covariance = _correlation(root, decay)
        covariance *= signal

        def pullback(weights: FloatArray) -> FloatArray:
            # dK_ik / dlog(l_j) = s² h_ik (x_ij - x_kj)² / l_j², summed over i and k by row sums.
            pairs = _slope(root, decay)
            pairs *= weights
            rows = pairs.sum(axis=1)
            columns = rows @ (scaled * scaled) - np.einsum("ij,ij->j", scaled, pairs @ scaled)
            by_scale = np.bincount(self.groups, 2.0 * signal * columns, self.size - 1)
            return np.append(by_scale, np.vdot(weights, covariance))

        return covariance, pullback

    def input_gradient(
        self, theta: FloatArray, a: FloatArray, b: FloatArray, weights: Sequence[FloatArray]
    ) -> list[FloatArray]:
        """Gradients of sum_j w_ij k(a_i, b_j) by a_i for each w."""
        inverse = np.exp(-theta[:-1])[self.groups]
        x, y = a * inverse, b * inverse
        root = _root(x, y)
        slope = _slope(root, _decay(root))
        slope *= -math.exp(theta[-1])
        gradients = []
        for weight in weights:
            pairs = weight * slope
            gradients.append((x * pairs.sum(axis=1)[:, None] - pairs @ y) * inverse)
        return gradients


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
            root = _part_root(x, y)
            correlation = _correlation(root, _decay(root))
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
                root = _part_root(part, part)
                decay = _decay(root)
                by_weight.append(weight * np.vdot(weights, _correlation(root, decay)))
                slope = _slope(root, decay)
                slope *= root
                slope *= root
                by_scale.append(weight / 5.0 * np.vdot(weights, slope))
            return np.array(by_scale + by_weight)

        return covariance, pullback

    def input_gradient(
        self, theta: FloatArray, a: FloatArray, b: FloatArray, weights: Sequence[FloatArray]
    ) -> list[FloatArray]:
        """Gradients of sum_j w_ij k(a_i, b_j) by a_i for each w."""
        gradients = [np.zeros_like(a) for _ in weights]
        for group, (columns, x, y, weight) in enumerate(self._parts(theta, a, b)):
            root = _part_root(x, y)
            slope = _slope(root, _decay(root))
            slope *= -weight * math.exp(-theta[group])
            for gradient, by_pair in zip(gradients, weights, strict=True):
                pairs = by_pair * slope
                gradient[:, columns] = x * pairs.sum(axis=1)[:, None] - pairs @ y
        return gradients


def _root(x: FloatArray, y: FloatArray) -> FloatArray:
    """√5 r of scaled features."""
    squares = squared_distances(x, y)
    squares *= 5.0
    np.sqrt(squares, out=squares)
    return squares


def _part_root(x: FloatArray, y: FloatArray) -> FloatArray:
    """√5 r, exact and faster for the usual single column."""
    if x.shape[1] > 1:
        return _root(x, y)
    difference = np.subtract.outer(_SQRT5 * x[:, 0], _SQRT5 * y[:, 0])
    np.abs(difference, out=difference)
    return np.asarray(difference)


class Sum(Kernel):
    """The sum of two kernels; theta is that of the first followed by that of the second."""

    def __init__(self, first: Kernel, second: Kernel) -> None:
        self.first = first
        self.second = second
        self.prior_mean = np.append(first.prior_mean, second.prior_mean)
        self.prior_sd = np.append(first.prior_sd, second.prior_sd)
        self.lower = np.append(first.lower, second.lower)
        self.upper = np.append(first.upper, second.upper)
        self.names = first.names + tuple((f"additive_{name}", n) for name, n in second.names)

    def _split(self, theta: FloatArray) -> tuple[FloatArray, FloatArray]:
        return theta[: self.first.size], theta[self.first.size :]

    def matrix(self, theta: FloatArray, a: FloatArray, b: FloatArray) -> FloatArray:
        """Covariances between the rows of `a` and of `b`."""
        first, second = self._split(theta)
        return self.first.matrix(first, a, b) + self.second.matrix(second, a, b)

    def variance(self, theta: FloatArray) -> float:
        """Covariance of a point with itself."""
        first, second = self._split(theta)
        return self.first.variance(first) + self.second.variance(second)

    def forward(self, theta: FloatArray, x: FloatArray) -> tuple[FloatArray, Pullback]:
        """Covariances of `x` with itself, and the pullback of weights on them."""
        first, second = self._split(theta)
        one, pull_one = self.first.forward(first, x)
        two, pull_two = self.second.forward(second, x)
        return one + two, lambda weights: np.append(pull_one(weights), pull_two(weights))

    def input_gradient(
        self, theta: FloatArray, a: FloatArray, b: FloatArray, weights: Sequence[FloatArray]
    ) -> list[FloatArray]:
        """Gradients of sum_j w_ij k(a_i, b_j) by a_i for each w."""
        first, second = self._split(theta)
        one = self.first.input_gradient(first, a, b, weights)
        two = self.second.input_gradient(second, a, b, weights)
        return [a + b for a, b in zip(one, two, strict=True)]
