"""What a Gaussian process knows after its data: predictions, gradients, pending points."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from scipy.linalg import lapack

from phsx.history import FloatArray
from phsx.models.kernel import Kernel

#: Least variance of a prediction, relative to the prior's.
_LEAST = 1e-12

#: Variance that keeps equal points apart in a sample, relative to the prior's.
_EXACT = 1e-9

#: From slopes by mean and variance to a gradient by the points.
Slopes = Callable[[FloatArray, FloatArray], FloatArray]


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

    Points whose values are not known yet are added by `extend`: either their variance alone (this
    is conditioning on values equal to the posterior mean), or with S samples of the values that
    they may have, the fantasies of Snoek, Larochelle and Adams (2012), section 3.2. Then there are
    S means, and one variance: it does not depend on values.

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
    alpha : ndarray, shape (n,) or (n, S)
        Weights of the mean, a column for each sample.
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
        return np.asarray(values - self.noise * self.alpha)

    def extend(self, points: FloatArray, draws: FloatArray | None = None) -> Posterior:
        """Add `points` (k, p) whose values are not known yet, in O(k n²).

        Parameters
        ----------
        points : ndarray, shape (k, p)
            Features.
        draws : ndarray, shape (k, S), optional
            Standard normal numbers, from which the values come that the samples have there. They
            are values of the function, without noise: however noisy it is, whoever knows the
            outcome of an evaluation expects little from another one next to it. By default no
            sample is taken, and the points are noisy.
        """
        if len(points) == 0:
            return self
        n, k = len(self.points), len(points)
        cross = self._solved(self.kernel.matrix(self.theta, points, self.points))
        rest = self.kernel.matrix(self.theta, points, points) - cross.T @ cross
        added = self.noise if draws is None else _EXACT * self.kernel.variance(self.theta)
        rest.flat[:: k + 1] += added
        factor = np.zeros((n + k, n + k), order="F")
        factor[:n, :n] = self.factor
        factor[n:, :n] = cross.T
        factor[n:, n:] = cholesky(rest)
        alpha = np.concatenate([self.alpha, np.zeros((k, *self.alpha.shape[1:]))])
        if draws is not None:
            # A sample's residuals, seen through the inverse of the factor, are what was drawn.
            whitened = np.concatenate([np.zeros((n, draws.shape[1])), draws])
            alpha = alpha.reshape(n + k, -1) + solve_lower(factor, whitened, transposed=True)
        points = np.concatenate([self.points, points])
        return replace(self, points=points, factor=factor, alpha=alpha)

    def predict(self, points: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Mean, (m,) or (m, S), and variance (without noise), (m,), at `points` (m, p)."""
        cross = self.kernel.matrix(self.theta, points, self.points)
        solved = self._solved(cross)
        variance = self._floored(np.einsum("ij,ij->j", solved, solved))
        return self.constant + cross @ self.alpha, variance

    def differentiable(self, points: FloatArray) -> tuple[FloatArray, FloatArray, Slopes]:
        """Predict, and return also how to pull gradients back to the points.

        Returns
        -------
        mean, variance : ndarray
            As from `predict`.
        slopes : callable
            Given the derivatives of something by mean and variance (of their shapes), returns
            its gradient by `points`, (m, p).
        """
        cross = self.kernel.matrix(self.theta, points, self.points)
        solved = self._solved(cross)
        variance = self._floored(np.einsum("ij,ij->j", solved, solved))

        def slopes(by_mean: FloatArray, by_variance: FloatArray) -> FloatArray:
            explained = solve_lower(self.factor, solved, transposed=True).T
            weights = by_mean.reshape(len(points), -1) @ self.alpha.reshape(len(self.alpha), -1).T
            weights -= 2.0 * by_variance[:, None] * explained
            return self.kernel.input_gradient(self.theta, points, self.points, weights)

        return self.constant + cross @ self.alpha, variance, slopes

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
