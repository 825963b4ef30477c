"""What a Gaussian process knows after its data: predictions, gradients, pending points."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np
from scipy.linalg import lapack

from phsx.history import FloatArray
from phsx.models.kernel import Kernel

#: Least variance of a prediction, relative to the prior's.
_LEAST = 1e-12


def cholesky(matrix: FloatArray) -> FloatArray:
    """Lower Cholesky factor of a symmetric matrix; adds to the diagonal where it has to.

    Raises
    ------
    numpy.linalg.LinAlgError
        The matrix holds NaN or infinity, or is far from positive definite.
    """
    size = float(np.trace(matrix)) / len(matrix)
    if not math.isfinite(size):
        raise np.linalg.LinAlgError("the covariance matrix has elements that are not finite")
    for jitter in (0.0, 1e-10, 1e-8, 1e-6, 1e-4):
        # A symmetric matrix in C order is one in Fortran order, transposed: no copy is made of it.
        shifted = matrix.T + jitter * size * np.eye(len(matrix)) if jitter else matrix.T
        factor, info = lapack.dpotrf(shifted, lower=1, clean=1)
        if info == 0:
            return np.asarray(factor)
    raise np.linalg.LinAlgError("the covariance matrix is not positive definite")


def solve_lower(factor: FloatArray, right: FloatArray, *, transposed: bool = False) -> FloatArray:
    """Solve factor @ x = right (or its transpose) for a lower triangular factor."""
    solution, _ = lapack.dtrtrs(factor, right, lower=1, trans=int(transposed))
    return np.asarray(solution)


@dataclass(frozen=True)
class Posterior:
    """A Gaussian process with fixed hyper-parameters, conditioned on data.

    The mean comes from the data alone. Points added by `extend` (evaluations that are under way)
    enter the variance only: this is conditioning on values equal to the posterior mean, the
    "kriging believer" of Ginsbourger, Le Riche and Carraro (2010).

    Attributes
    ----------
    kernel : Kernel
        The covariance function.
    theta : ndarray
        Its parameters.
    noise : float
        Variance of the noise.
    points : ndarray, shape (n, p)
        Features of the data, then of the points added.
    factor : ndarray, shape (n, n)
        Lower Cholesky factor of their covariance with noise.
    alpha : ndarray, shape (n,)
        Weights of the mean; 0 for the points added.
    constant : float
        The prior mean, by generalized least squares.
    """

    kernel: Kernel
    theta: FloatArray
    noise: float
    points: FloatArray
    factor: FloatArray
    alpha: FloatArray
    constant: float

    @classmethod
    def of(
        cls, kernel: Kernel, theta: FloatArray, noise: float, points: FloatArray, values: FloatArray
    ) -> Posterior:
        """Condition on `values` (n,) at `points` (n, p): one Cholesky decomposition."""
        covariance = kernel.matrix(theta, points, points)
        covariance.flat[:: len(points) + 1] += noise
        factor = cholesky(covariance)
        constant, alpha = generalized_least_squares(factor, values)
        return cls(kernel, theta, noise, points, factor, alpha, constant)

    def smoothed(self, values: FloatArray) -> FloatArray:
        """Posterior mean at the data, given the values that it was conditioned on."""
        return np.asarray(values - self.noise * self.alpha[: len(values)])

    def extend(self, points: FloatArray) -> Posterior:
        """Add `points` (k, p) whose values are not known yet, in O(k n²)."""
        if len(points) == 0:
            return self
        n, k = len(self.points), len(points)
        cross = self._solved(self.kernel.matrix(self.theta, points, self.points))
        rest = self.kernel.matrix(self.theta, points, points) - cross.T @ cross
        rest.flat[:: k + 1] += self.noise
        factor = np.zeros((n + k, n + k), order="F")
        factor[:n, :n] = self.factor
        factor[n:, :n] = cross.T
        factor[n:, n:] = cholesky(rest)
        return replace(
            self,
            points=np.concatenate([self.points, points]),
            factor=factor,
            alpha=np.concatenate([self.alpha, np.zeros(k)]),
        )

    def predict(self, points: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Mean and variance (without noise) at `points` (m, p), each of shape (m,)."""
        cross = self.kernel.matrix(self.theta, points, self.points)
        mean = self.constant + cross @ self.alpha
        solved = self._solved(cross)
        return mean, self._floored(np.einsum("ij,ij->j", solved, solved))

    def gradients(
        self, points: FloatArray
    ) -> tuple[FloatArray, FloatArray, FloatArray, FloatArray]:
        """Mean and variance, (m,), and the gradients of both by `points`, (m, p)."""
        cross = self.kernel.matrix(self.theta, points, self.points)
        mean = self.constant + cross @ self.alpha
        solved = self._solved(cross)
        variance = self._floored(np.einsum("ij,ij->j", solved, solved))
        weights = solve_lower(self.factor, solved, transposed=True)
        by_mean, by_variance = self.kernel.input_gradient(
            self.theta, points, self.points, [self.alpha[None, :], -2.0 * weights.T]
        )
        return mean, variance, by_mean, by_variance

    def covariance(self, points: FloatArray) -> FloatArray:
        """Joint covariance (without noise) of `points`, shape (m, m)."""
        solved = self._solved(self.kernel.matrix(self.theta, points, self.points))
        joint = self.kernel.matrix(self.theta, points, points)
        return np.asarray(joint - solved.T @ solved)

    def _solved(self, cross: FloatArray) -> FloatArray:
        return solve_lower(self.factor, cross.T)

    def _floored(self, explained: FloatArray) -> FloatArray:
        prior = self.kernel.variance(self.theta)
        return np.asarray(np.maximum(prior - explained, _LEAST * prior))


def generalized_least_squares(factor: FloatArray, values: FloatArray) -> tuple[float, FloatArray]:
    """Return the constant mean m and K⁻¹ (values - m), given the Cholesky factor of K."""
    right = np.stack([values, np.ones_like(values)], axis=1)
    solution, _ = lapack.dpotrs(factor, right, lower=1)
    constant = float(solution[:, 0].sum() / solution[:, 1].sum())
    return constant, np.asarray(solution[:, 0] - constant * solution[:, 1])
