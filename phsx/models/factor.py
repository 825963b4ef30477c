"""The Cholesky factor of a covariance matrix that grows at its end."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from scipy.linalg import blas, lapack

from phsx.history import FloatArray

#: Triangles of so many rows are inverted by LAPACK.
_SMALL = 64

#: From so many rows on, few right sides are solved for one after the other.
_LARGE, _FEW = 300, 3


def cholesky(matrix: FloatArray, noise: float = 0.0) -> FloatArray:
    """Lower Cholesky factor of a symmetric matrix, of which the upper triangle is read.

    Parameters
    ----------
    matrix : ndarray, shape (n, n)
        What is decomposed; it is left as it is.
    noise : float
        Is added to its diagonal, and more where it has to be.

    Raises
    ------
    numpy.linalg.LinAlgError
        The matrix holds NaN or infinity, or is far from positive definite.
    """
    n = len(matrix)
    size = float(np.trace(matrix)) / n + noise
    if not math.isfinite(size):
        raise np.linalg.LinAlgError("the covariance matrix has elements that are not finite")
    for jitter in (0.0, 1e-10, 1e-8, 1e-6, 1e-4):
        # Transposed, a matrix in C order is one in Fortran order: nothing else is made of it.
        shifted = np.array(matrix.T, order="F")
        shifted.flat[:: n + 1] += noise + jitter * size
        factor, info = lapack.dpotrf(shifted, lower=1, clean=1, overwrite_a=1)
        if info == 0:
            return np.asarray(factor)
    raise np.linalg.LinAlgError("the covariance matrix is not positive definite")


def inverse_of(factor: FloatArray) -> FloatArray:
    """Inverse of a lower triangular matrix, by halves: twice as fast as LAPACK's for hundreds.

    Examples
    --------
    >>> inverse_of(np.array([[2.0, 0.0], [1.0, 1.0]])).tolist()
    [[0.5, 0.0], [-0.5, 1.0]]
    """
    n = len(factor)
    if n <= _SMALL:
        return np.asarray(lapack.dtrtri(factor, lower=1)[0])
    head, tail = slice(n // 2), slice(n // 2, n)
    inverse = np.zeros((n, n), order="F")
    inverse[head, head] = first = inverse_of(factor[head, head])
    inverse[tail, tail] = last = inverse_of(factor[tail, tail])
    side = blas.dtrmm(-1.0, first, factor[tail, head], side=1, lower=1)
    inverse[tail, head] = blas.dtrmm(1.0, last, side, lower=1)
    return inverse


def solve_lower(factor: FloatArray, right: FloatArray, *, transposed: bool = False) -> FloatArray:
    """Solve factor @ x = right (or its transpose) for a lower triangular factor."""
    if not len(factor):
        return right
    if right.ndim == 2 and len(factor) >= _LARGE and len(right.T) <= _FEW:
        # For several at once LAPACK copies the triangle.
        columns = [solve_lower(factor, column, transposed=transposed) for column in right.T]
        return np.stack(columns).T
    solution, _ = lapack.dtrtrs(factor, right, lower=1, trans=int(transposed))
    return np.asarray(solution)


@dataclass(frozen=True)
class Factor:
    """The lower triangular matrix [[head, 0], [side, tail]].

    The head, that of the data, may be large. It is shared between a factor and those that were
    made from it, so that to add a point costs O(n²) and copies little.

    Attributes
    ----------
    head : ndarray, shape (n, n)
        Factor of the covariance of the first n points.
    side : ndarray, shape (k, n)
        Rows of the points added.
    tail : ndarray, shape (k, k)
        The rest of these rows, lower triangular.

    Examples
    --------
    >>> covariance = np.array([[4.0, 2.0, 0.0], [2.0, 5.0, 4.0], [0.0, 4.0, 5.0]])
    >>> factor = Factor.of(covariance[:1, :1]).extend(covariance[1:, :1], covariance[1:, 1:])
    >>> np.block([[factor.head, np.zeros((1, 2))], [factor.side, factor.tail]]).tolist()
    [[2.0, 0.0, 0.0], [1.0, 2.0, 0.0], [0.0, 2.0, 1.0]]
    """

    head: FloatArray
    side: FloatArray
    tail: FloatArray

    @classmethod
    def of(cls, covariance: FloatArray, noise: float = 0.0) -> Factor:
        """Decompose a covariance matrix (n, n), of which the upper triangle is read, with noise."""
        n = len(covariance)
        return cls(cholesky(covariance, noise), np.empty((0, n)), np.empty((0, 0)))

    def __len__(self) -> int:
        return len(self.head) + len(self.tail)

    def extend(self, cross: FloatArray, covariance: FloatArray, noise: float = 0.0) -> Factor:
        """Add points: covariances with all so far (j, n + k), with each other (j, j), and noise."""
        rows = self.solve(cross.T).T
        n, k, j = len(self.head), len(self.tail), len(covariance)
        tail = np.zeros((k + j, k + j))
        tail[:k, :k] = self.tail
        tail[k:, :k] = rows[:, n:]
        tail[k:, k:] = cholesky(covariance - rows @ rows.T, noise)
        return Factor(self.head, np.concatenate([self.side, rows[:, :n]]), tail)

    def solve(self, right: FloatArray) -> FloatArray:
        """Solve factor @ x = right, of shape (n + k, m)."""
        n = len(self.head)
        start = solve_lower(self.head, right[:n])
        if not len(self.tail):
            return start
        return np.concatenate([start, solve_lower(self.tail, right[n:] - self.side @ start)])

    def resume(self, start: FloatArray, middle: FloatArray, right: FloatArray) -> FloatArray:
        """Go on with a solution whose first rows are known; returns the others.

        Parameters
        ----------
        start : ndarray, shape (n, m)
            The rows of the head.
        middle : ndarray, shape (r, m)
            More rows.
        right : ndarray, shape (k - r, m)
            The right side of the others.
        """
        known = len(middle)
        side, tail = self.side[known:], self.tail[known:]
        return solve_lower(tail[:, known:], right - side @ start - tail[:, :known] @ middle)

    def times(self, vector: FloatArray, since: int) -> FloatArray:
        """Multiply the rows from `since` (of the added ones) with an array (n + k, ...)."""
        n = len(self.head)
        return np.asarray(self.side[since:] @ vector[:n] + self.tail[since:] @ vector[n:])

    def solve_transposed(self, right: FloatArray) -> FloatArray:
        """Solve factor.T @ x = right, of shape (n + k, m)."""
        n = len(self.head)
        if not len(self.tail):
            return solve_lower(self.head, right, transposed=True)
        end = solve_lower(self.tail, right[n:], transposed=True)
        start = solve_lower(self.head, right[:n] - self.side.T @ end, transposed=True)
        return np.concatenate([start, end])
