"""Sums of one-dimensional Matérn 5/2 covariances, without an exponential for each pair.

With d = x - y the covariance is c(d) = (1 + d + d²/3) exp(-d) for x >= y. That is a sum of three
products of a function of x and one of y, so a matrix of such covariances is a matrix product.
For x < y the points change places. On the wrong side c is too large, never too small, since
c(-d) - c(d) = 2 ((1 + d²/3) sinh d - d cosh d) >= 0 for d >= 0: the covariance is the smaller of
the two. The three products cancel each other, which costs digits where length scales are short: at
the shortest, 0.005, the error is some 1e-11 of the variance.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from functools import cached_property

import numpy as np

from phsx.history import BoolArray, FloatArray, IntArray
from phsx.models.kernel import Cross, FeaturePullback, InputPullback

#: Scaled coordinates of fixed points may be this large, those of others are cut to a bit more:
#: the exponential of the sum is finite, and what is that far away has no covariance at all.
LARGEST = 300.0
_CUT = 340.0

#: So many pairs are treated at once.
_PAIRS = 2**16


def _expanded(*coefficients: float) -> FloatArray:
    """Return the matrix C of Σ_k c_k (x - y)^k = Σ_ij C_ij x^i y^j.

    Examples
    --------
    >>> _expanded(0.0, 1.0).tolist()
    [[0.0, -1.0], [1.0, 0.0]]
    """
    size = len(coefficients)
    matrix = np.zeros((size, size))
    for k, coefficient in enumerate(coefficients):
        for j in range(k + 1):
            matrix[k - j, j] = coefficient * math.comb(k, j) * (-1.0) ** j
    return matrix


#: c(d) exp(d), its derivative c'(d) exp(d), and the derivative by the log length scale.
_VALUE = _expanded(1.0, 1.0, 1.0 / 3.0)
_SLOPE = _expanded(0.0, -1.0 / 3.0, -1.0 / 3.0)
_STRETCH = _expanded(0.0, 0.0, 1.0 / 3.0, 1.0 / 3.0)

_SIGNS = np.array([-1.0, 1.0])[:, None, None]


class Separable(Cross):
    """Covariances Σ_g w_g c(|x_g - y_g| s_g) with fixed points y.

    Parameters
    ----------
    columns : ndarray of int, shape (G,)
        The feature that each part sees.
    scales : ndarray, shape (G,)
        What it is multiplied by, √5 / l.
    log_weights : ndarray, shape (G,)
        Logarithm of the variance of each part.
    points : ndarray, shape (n, p)
        The fixed points, for which `reaches` is true.
    """

    def __init__(
        self, columns: IntArray, scales: FloatArray, log_weights: FloatArray, points: FloatArray
    ) -> None:
        self._columns = columns
        self._scales = scales
        self._amplitude = 0.5 * log_weights[:, None]  # both sides of a product have the root
        self._z = self._coordinates(points)
        self._falling, self._rising = self._terms(self._z, 4)
        self._valued = self._falling[..., :3] @ _VALUE

    @staticmethod
    def reaches(scales: FloatArray, points: FloatArray) -> BoolArray:
        """Tell for which columns of `points` (n, G) the exponentials are finite."""
        return np.asarray(np.abs((points - 0.5) * scales).max(axis=0, initial=0.0) <= LARGEST)

    def matrix(self, a: FloatArray) -> FloatArray:
        """Covariances between the rows of `a` (m, p) and the fixed points, shape (m, n)."""
        falling, rising = self._terms(self._coordinates(a), 3)
        return self._between(falling @ _VALUE, rising)

    def differentiable(self, a: FloatArray) -> tuple[FloatArray, InputPullback]:
        """Return `matrix(a)`, and the pullback of weights on it to `a`."""
        z = self._coordinates(a)
        falling, rising = self._terms(z, 3)

        def pullback(weights: FloatArray) -> FloatArray:
            gradient = np.zeros_like(a)
            sloped = falling @ _SLOPE
            for some in self._batches(len(a)):
                slope = np.where(
                    z[some, :, None] >= self._z[some, None, :],
                    sloped[some] @ _turned(self._rising[some, :, :3]),
                    rising[some] @ _turned(self._sloped[some]),
                )
                slope *= weights
                gradient[:, self._columns[some]] = slope.sum(axis=2).T * self._scales[some]
            return gradient

        return self._between(falling @ _VALUE, rising), pullback

    def forward(self, x: FloatArray) -> tuple[FloatArray, FeaturePullback]:
        """Covariances among the fixed points `x`, and the pullback of weights on them."""
        n = len(x)

        def pullback(weights: FloatArray) -> tuple[FloatArray, FloatArray]:
            # In the order of their coordinates each pair is one of x >= y; it has both weights.
            both = weights + weights.T
            both.flat[:: n + 1] *= 0.5
            stretched = self._falling @ _STRETCH
            by_scale, by_weight = np.zeros(x.shape[1]), np.empty(len(self._z))
            for some in self._batches(n):
                rank = self._z[some].argsort(axis=1, kind="stable").argsort(axis=1)
                rank = rank.astype(np.min_scalar_type(n))  # small numbers are compared faster
                sums = (both * (rank[:, :, None] >= rank[:, None, :])) @ self._rising[some]
                by_scale[self._columns[some]] = np.einsum("gij,gij->g", stretched[some], sums)
                by_weight[some] = np.einsum("gij,gij->g", self._valued[some], sums[..., :3])
            return by_scale, by_weight

        return self._between(self._valued, self._rising[..., :3]), pullback

    @cached_property
    def _sloped(self) -> FloatArray:
        return self._falling[..., :3] @ -_SLOPE

    def _between(self, valued: FloatArray, rising: FloatArray) -> FloatArray:
        """Covariances of points, given as their terms, with the fixed points."""
        m = rising.shape[1]
        total = np.zeros((m, self._z.shape[1]))
        for some in self._batches(m):
            after = valued[some] @ _turned(self._rising[some, :, :3])
            before = rising[some] @ _turned(self._valued[some])
            for part in np.minimum(after, before, out=after):
                total += part
        return total

    def _terms(self, z: FloatArray, powers: int) -> tuple[FloatArray, FloatArray]:
        """√w exp(-z) (1, z, z², ...) and √w exp(z) (1, z, z², ...), along a last axis."""
        terms = np.empty((2, *z.shape, powers))
        np.exp(self._amplitude + _SIGNS * z, out=terms[..., 0])
        for k in range(1, powers):
            np.multiply(terms[..., k - 1], z, out=terms[..., k])
        return terms[0], terms[1]

    def _batches(self, m: int) -> Iterator[slice]:
        """Split the parts, so that those of `m` points with the fixed ones fit into the cache."""
        count, n = self._z.shape
        step = max(1, _PAIRS // max(m * n, 1))
        return (slice(start, start + step) for start in range(0, count, step))

    def _coordinates(self, x: FloatArray) -> FloatArray:
        z = (x[:, self._columns] - 0.5) * self._scales
        return np.ascontiguousarray(np.minimum(np.maximum(z, -_CUT), _CUT).T)


def _turned(terms: FloatArray) -> FloatArray:
    return np.swapaxes(terms, 1, 2)
